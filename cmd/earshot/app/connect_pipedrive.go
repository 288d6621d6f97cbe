package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"earshot"
	"earshot/cmd/earshot/config"
	"earshot/crm"
	"earshot/crm/pipedrive"
)

func connectPipedrive(cfg config.Config) (crm.Connector, func(), error) {
	s := cfg.Pipedrive
	if s.URL == "" {
		return nil, nil, nil
	}
	token, err := secret("pipedrive.token", s.Token, s.TokenFile)
	if err != nil {
		return nil, nil, err
	}
	p := pipedrive.Config{URL: s.URL, Token: token}
	if s.Recordings {
		p.Recording = func(id earshot.CallID) (pipedrive.Recording, error) { return audioFile(cfg, id) }
	}
	c, err := pipedrive.New(p)
	if err != nil {
		return nil, nil, err
	}
	return c, c.Close, nil
}

// audioFile reads the recording of a call, the smaller file if there are two.
// The error wraps [earshot.ErrNotFound] if there is none.
func audioFile(cfg config.Config, id earshot.CallID) (pipedrive.Recording, error) {
	for _, f := range []struct{ path, kind string }{{OpusFile(cfg, id), "audio/ogg"}, {RecordingFile(cfg, id), "audio/wav"}} {
		audio, err := os.ReadFile(f.path)
		if !errors.Is(err, fs.ErrNotExist) {
			return pipedrive.Recording{Name: filepath.Base(f.path), Type: f.kind, Audio: audio}, err
		}
	}
	return pipedrive.Recording{}, fmt.Errorf("recording of %s: %w", id, earshot.ErrNotFound)
}
