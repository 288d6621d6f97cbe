package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"earshot"
	"earshot/cmd/earshot/app"
	"earshot/cmd/earshot/config"
	"earshot/media/wav"
	"earshot/store/sqlite"
	"earshot/transcribe/wer"
)

// twoParties writes the first 13 s of the demo's call as one file, at a rate
// that is not one of telephony, and returns what each party says in it.
func twoParties(t *testing.T) (file string, said [2]string) {
	t.Helper()
	const rate, seconds = 22050, 13
	var channels [2][]int16
	for i, name := range []string{"agent", "customer"} {
		pcm, err := wav.ReadMono("../../demo/"+name+".wav", rate)
		if err != nil {
			t.Fatal(err)
		}
		channels[i] = pcm[:rate*seconds]
	}
	file = filepath.Join(t.TempDir(), "old.wav")
	if err := wav.WriteFile(file, rate, channels[:]...); err != nil {
		t.Fatal(err)
	}
	return file, [2]string{
		"Good morning, this is Nora Winter at Harbor Home. How can I help you today?",
		"Hello, my name is Paul Becker. I ordered a coffee machine two weeks ago and it still has not arrived.",
	}
}

// transcribing runs the command in a data folder of its own.
func transcribing(t *testing.T, ctx context.Context, cmd transcribeCmd) (*env, *bytes.Buffer, config.Config, error) {
	t.Helper()
	cfg := config.Default()
	cfg.Data.Dir = t.TempDir()
	var out, progress bytes.Buffer
	e := &env{ctx: ctx, stdout: &out, stderr: &progress, load: func() (config.Config, error) { return cfg, nil }}
	err := cmd.Run(e)
	if err == nil && !strings.Contains(progress.String(), "transcribing "+filepath.Base(cmd.File)+": 100 %\n") {
		t.Errorf("progress %q", &progress)
	}
	return e, &out, cfg, err
}

func TestTranscribeMakesACallOfAFile(t *testing.T) {
	file, said := twoParties(t)
	e, out, cfg, err := transcribing(t, t.Context(), transcribeCmd{
		File: file, Name: []string{"Nora Winter", "Paul Becker"}, Role: []string{"agent", "Customer"}, At: "2024-05-01T14:30:00+02:00",
	})
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.OpenReadOnly(t.Context(), app.Database(cfg))
	if err != nil {
		t.Fatal(err)
	}
	defer closeQuietly(store)
	call, err := findCall(t.Context(), store, "last")
	if err != nil {
		t.Fatal(err)
	}
	us, err := store.Utterances(t.Context(), call.ID)
	if err != nil {
		t.Fatal(err)
	}
	if call.State != earshot.CallSettled || !call.TranscriptComplete || !call.RecordingReady || call.Duration(call.StartedAt).Seconds() != 13 ||
		call.StartedAt.Format("2006-01-02T15:04Z07:00") != "2024-05-01T12:30Z" || len(call.Streams) != 2 || call.Tags[0] != importedTag {
		t.Errorf("call %+v", call)
	}
	for i, role := range []earshot.Role{earshot.RoleAgent, earshot.RoleCustomer} {
		var heard []string
		for _, u := range us {
			if u.Role == role && u.StreamID == call.Streams[i].ID && len(u.Words) > 0 && u.Words[0].StartMS >= u.StartMS {
				heard = append(heard, u.Heard())
			}
		}
		if rate := wer.Compare(said[i], strings.Join(heard, " ")).Rate(); rate > 0.25 {
			t.Errorf("%s: word error rate %.2f: %q", role, rate, heard)
		}
	}
	out.Reset()
	if err := (searchCmd{Words: []string{"coffee", "machine"}, Limit: 5}).Run(e); err != nil || !strings.Contains(out.String(), "Paul Becker: ") {
		t.Errorf("search: %v %s", err, out)
	}
	out.Reset()
	if err := (transcribeCmd{File: string(call.ID), Print: true}).Run(e); err != nil || !strings.Contains(out.String(), "Paul Becker: Hello") {
		t.Errorf("a call again: %v %s", err, out)
	}
	nowhere := againFlags{API: "http://127.0.0.1:9"}
	if err := (transcribeCmd{File: string(call.ID), againFlags: nowhere}).Run(e); err == nil || !strings.Contains(err.Error(), "earshot serve") {
		t.Errorf("a call again without a server: %v", err)
	}
	for _, c := range []transcribeCmd{{}, {File: "old.wav", againFlags: againFlags{All: true}}, {againFlags: againFlags{All: true, Since: "yesterday"}}, {File: "./nothing"}} {
		if err := c.Run(e); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
	if err := (transcribeCmd{File: "nobody", Print: true}).Run(e); err == nil || !strings.Contains(err.Error(), "no call nobody") {
		t.Errorf("an unknown call: %v", err)
	}
	if err := (verifyCmd{All: true}).Run(e); err != nil {
		t.Errorf("verify: %v %s", err, out)
	}
}

func TestTranscribeOnlyPrints(t *testing.T) {
	file, _ := twoParties(t)
	_, out, cfg, err := transcribing(t, t.Context(), transcribeCmd{File: file, Print: true})
	if err != nil || !strings.Contains(out.String(), "  channel 1: Hello") {
		t.Errorf("%v %s", err, out)
	}
	if left, err := os.ReadDir(cfg.Data.Dir); err != nil || len(left) > 0 {
		t.Errorf("stored %v %v", left, err)
	}
}

func TestTranscribeEndsEarly(t *testing.T) {
	file, _ := twoParties(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, cfg, err := transcribing(t, ctx, transcribeCmd{File: file})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if left, err := os.ReadDir(cfg.Data.Dir); err != nil || len(left) > 0 {
		t.Errorf("left %v %v", left, err)
	}
}

func TestTranscribeRefuses(t *testing.T) {
	file, _ := twoParties(t)
	text := filepath.Join(t.TempDir(), "text.wav")
	if err := os.WriteFile(text, []byte("not a sound, but long enough for a header of one"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty.wav")
	if err := wav.WriteFile(empty, 8000, nil); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		cmd  transcribeCmd
		want string
	}{
		{transcribeCmd{File: text}, "not a 16-bit PCM WAV file"},
		{transcribeCmd{File: empty}, "no samples"},
		{transcribeCmd{File: file, Name: []string{"a", "b", "c"}}, "2 channels"},
		{transcribeCmd{File: file, Role: []string{"boss"}}, "--role boss"},
		{transcribeCmd{File: file, At: "yesterday"}, "--at"},
	} {
		if _, _, _, err := transcribing(t, t.Context(), tc.cmd); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v", tc.cmd, err)
		}
	}
}
