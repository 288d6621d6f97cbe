package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"earshot"
	"earshot/cmd/earshot/app"
	"earshot/cmd/earshot/config"
	"earshot/media/wav"
)

// audioChoice says what of a recording is exported.
type audioChoice struct {
	Channel *int `placeholder:"N" help:"Only this channel of the WAV file, counted from 0."`
	Mix     bool `help:"All channels of the WAV file in one."`
}

func (c audioChoice) check(format string) error {
	if c.Channel != nil && c.Mix {
		return errors.New("either --channel or --mix")
	}
	if (c.Channel != nil || c.Mix) && format != "wav" {
		return errors.New("--channel and --mix go with --format wav")
	}
	return nil
}

// write copies the recording, or what is asked for of it.
func (c audioChoice) write(w io.Writer, cfg config.Config, call *earshot.Call, format string) error {
	if !call.RecordingReady {
		return fmt.Errorf("call %s has no recording yet", call.ID)
	}
	path := app.RecordingFile(cfg, call.ID)
	if format == "ogg" {
		if call.Recording == nil || call.Recording.Opus == nil {
			return fmt.Errorf("call %s has no Ogg/Opus file: recordings.opus was off", call.ID)
		}
		path = app.OpusFile(cfg, call.ID)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer closeQuietly(f)
	from, err := c.view(f)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, from); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	return nil
}

func (c audioChoice) view(f *os.File) (io.Reader, error) {
	channel := wav.Mix
	switch {
	case c.Channel != nil:
		channel = *c.Channel
		if channel < 0 {
			return nil, wav.ErrChannel
		}
	case !c.Mix:
		return f, nil
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	v, err := wav.NewView(f, info.Size(), channel)
	if err != nil {
		return nil, err
	}
	return v, nil
}
