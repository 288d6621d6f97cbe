package web

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"earshot"
)

func audioFixture(t *testing.T) (*fixture, []byte) {
	t.Helper()
	wav := bytes.Repeat([]byte("RIFFdata"), 64<<10)
	path := filepath.Join(t.TempDir(), "done1.wav")
	if err := os.WriteFile(path, wav, 0o600); err != nil {
		t.Fatal(err)
	}
	return newFixture(t, func(_ *Config, d *Deps) {
		d.Audio = audioFunc(func(id earshot.CallID) (string, error) {
			if id != "done1" {
				return "", fs.ErrInvalid
			}
			return path, nil
		})
	}), wav
}

const audioPath = "/api/v1/calls/done1/audio"

func TestAudioRanges(t *testing.T) {
	f, wav := audioFixture(t)
	n := len(wav)
	for _, c := range []struct {
		asked  string
		status int
		want   []byte
	}{
		{"", 200, wav},
		{"bytes=0-3", 206, wav[:4]},
		{"bytes=5-", 206, wav[5:]},
		{"bytes=-7", 206, wav[n-7:]},
	} {
		answer, body := f.do(t, http.MethodGet, audioPath, "Range", c.asked)
		if answer.StatusCode != c.status || !bytes.Equal(body, c.want) {
			t.Errorf("range %q: %s with %d bytes", c.asked, answer.Status, len(body))
		}
		h := answer.Header
		if h.Get("Content-Type") != "audio/wav" || h.Get("Accept-Ranges") != "bytes" || h.Get("ETag") == "" {
			t.Errorf("range %q: headers %v", c.asked, h)
		}
	}
	answer, body := f.do(t, http.MethodGet, audioPath, "Range", "bytes=99999999-")
	checkProblem(t, answer, body, http.StatusRequestedRangeNotSatisfiable)
	if answer.Header.Get("Content-Range") == "" {
		t.Error("416 without the length")
	}
}

func TestAudioETag(t *testing.T) {
	f, _ := audioFixture(t)
	first, _ := f.do(t, http.MethodGet, audioPath)
	etag := first.Header.Get("ETag")
	if answer, body := f.do(t, http.MethodGet, audioPath, "If-None-Match", etag); answer.StatusCode != http.StatusNotModified || len(body) > 0 {
		t.Errorf("unchanged: %s", answer.Status)
	}
	if answer, _ := f.do(t, http.MethodGet, audioPath, "Range", "bytes=0-3", "If-Range", `"old"`); answer.StatusCode != http.StatusOK {
		t.Errorf("part of another recording: %s", answer.Status)
	}
}

func TestAudioHead(t *testing.T) {
	f, wav := audioFixture(t)
	answer, body := f.do(t, http.MethodHead, audioPath)
	if answer.StatusCode != http.StatusOK || len(body) > 0 || answer.ContentLength != int64(len(wav)) {
		t.Errorf("HEAD: %s, %d bytes, length %d", answer.Status, len(body), answer.ContentLength)
	}
}

func TestAudioGone(t *testing.T) {
	for name, find := range map[string]audioFunc{
		"no file": func(earshot.CallID) (string, error) { return filepath.Join(t.TempDir(), "gone.wav"), nil },
		"no path": func(earshot.CallID) (string, error) { return "", earshot.ErrNotFound },
	} {
		f := newFixture(t, func(_ *Config, d *Deps) { d.Audio = find })
		answer, body := f.do(t, http.MethodGet, audioPath)
		if p := checkProblem(t, answer, body, http.StatusNotFound); !strings.Contains(p.Detail, "recording") {
			t.Errorf("%s: %s", name, p.Detail)
		}
	}
}
