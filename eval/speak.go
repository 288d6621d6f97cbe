package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"earshot"
	"earshot/cmd/earshot/app"
	"earshot/cmd/earshot/config"
	"earshot/media/resample"
	"earshot/media/wav"
	"earshot/transcribe/wer"
)

// rate is what calls are heard at: that of G.711.
const rate = 8000

// Silence around what is said, in samples: turns are taken without haste.
const (
	leadIn  = rate * 6 / 10
	between = rate * 7 / 10
)

// speakers are the voices of calls by flite, the agent's and the customer's, in
// turn. They are a woman's and two men's, one of them Scottish.
var speakers = [...][2]string{{"slt", "rms"}, {"rms", "slt"}, {"slt", "awb"}}

// say speaks a text into a WAV file.
func say(ctx context.Context, voice, text, file string) error {
	cmd := exec.CommandContext(ctx, "flite", "-voice", voice, "-t", text, "-o", file)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("speak: flite is missing: apt-get install flite")
	}
	if err != nil {
		return fmt.Errorf("speak: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return nil
}

// studio speaks scripts and has them recognised. Voices take their time: what
// was spoken once is kept.
type studio struct {
	dir string
	cfg config.Config
	log *slog.Logger
	n   int // of scripts performed
}

// perform speaks each line of the script at its place in the call, and returns
// what the server's recognition hears of it.
func (st *studio) perform(ctx context.Context, s *script) (performance, error) {
	voices := speakers[st.n%len(speakers)]
	st.n++
	p := performance{call: s.call()}
	pcm := map[earshot.Role][]int16{}
	at := leadIn
	for _, l := range s.lines {
		voice := voices[0]
		if l.role == earshot.RoleCustomer {
			voice = voices[1]
		}
		said, err := st.speak(ctx, voice, l.text)
		if err != nil {
			return p, err
		}
		p.spans = append(p.spans, span{int64(at) * 1000 / rate, int64(at+len(said)) * 1000 / rate})
		pcm[l.role] = append(silence(pcm[l.role], at), said...)
		at += len(said) + between
	}
	var sounds []app.Sound
	for _, str := range p.call.Streams {
		sounds = append(sounds, app.Sound{StreamID: str.ID, PCM: silence(pcm[earshot.Role(str.ID)], at+rate), Hertz: rate})
	}
	var err error
	p.utterances, _, err = app.Batch{
		Config: st.cfg, Log: st.log, CallID: p.call.ID, Progress: func(float64) {},
	}.Run(ctx, sounds)
	for i := range p.utterances {
		u := &p.utterances[i]
		u.CallID, u.Role, u.ParticipantID = p.call.ID, earshot.Role(u.StreamID), earshot.ParticipantID(u.StreamID)
	}
	p.errors = s.compare(p.utterances)
	return p, err
}

// compare counts the words that were heard wrong, of each party by itself.
func (s *script) compare(us []earshot.Utterance) wer.Result {
	var total wer.Result
	for _, role := range []earshot.Role{earshot.RoleAgent, earshot.RoleCustomer} {
		var said, heard []string
		for _, l := range s.lines {
			if l.role == role {
				said = append(said, l.text)
			}
		}
		for _, u := range us {
			if u.Role == role {
				heard = append(heard, u.Heard())
			}
		}
		total = total.Add(wer.Compare(strings.Join(said, " "), strings.Join(heard, " ")))
	}
	return total
}

// silence fills up to n samples.
func silence(pcm []int16, n int) []int16 {
	return append(pcm, make([]int16, max(0, n-len(pcm)))...)
}

// speak returns a line as it is spoken, from the folder if it was once.
func (st *studio) speak(ctx context.Context, voice, text string) ([]int16, error) {
	sum := sha256.Sum256([]byte(voice + "\x00" + text))
	file := filepath.Join(st.dir, hex.EncodeToString(sum[:12])+".wav")
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		unfinished := file + ".part"
		if err := say(ctx, voice, text, unfinished); err != nil {
			return nil, err
		}
		if err := os.Rename(unfinished, file); err != nil {
			return nil, fmt.Errorf("keep speech: %w", err)
		}
	}
	return readSpeech(file)
}

func readSpeech(file string) ([]int16, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read speech: %w", err)
	}
	defer func() { _ = f.Close() }()
	r, err := wav.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("read speech %s: %w", file, err)
	}
	channels, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read speech %s: %w", file, err)
	}
	return resample.All(channels[0], r.Rate, rate), nil
}
