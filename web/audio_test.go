package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
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

func TestAudioInOneChannel(t *testing.T) {
	f, wav := audioFixture(t)
	for _, c := range []struct{ query, asked, want, name string }{
		{"channel=1", "", "1" + string(wav), "done1-channel1.wav"},
		{"channel=0", "bytes=0-4", "0RIFF", "done1-channel0.wav"},
		{"mix=mono", "bytes=0-3", "RIFF", "done1-mono.wav"},
	} {
		answer, body := f.do(t, http.MethodGet, audioPath+"?"+c.query, "Range", c.asked)
		h := answer.Header
		if string(body) != c.want || answer.ContentLength != int64(len(c.want)) || h.Get("Repr-Digest") != "" {
			t.Errorf("%s: %s, %d octets of %d, %v", c.query, answer.Status, len(body), answer.ContentLength, h)
		}
		if h.Get("Content-Disposition") != `inline; filename="`+c.name+`"` || h.Get("Accept-Ranges") != "bytes" {
			t.Errorf("%s: %v", c.query, h)
		}
	}
	tags := map[string]bool{}
	for _, query := range []string{"", "?channel=0", "?channel=1", "?mix=mono"} {
		answer, _ := f.do(t, http.MethodHead, audioPath+query)
		tags[answer.Header.Get("ETag")] = true
	}
	if len(tags) != 4 {
		t.Errorf("tags %v", tags)
	}
	for query, status := range map[string]int{
		"channel=2": 404, "channel=-1": 422, "channel=x": 422, "channel=0001": 422, "mix=stereo": 422, "channel=0&mix=mono": 422,
	} {
		answer, body := f.do(t, http.MethodGet, audioPath+"?"+query)
		checkProblem(t, answer, body, status)
	}
}

func TestAudioForSaving(t *testing.T) {
	f, _ := audioFixture(t)
	answer, _ := f.do(t, http.MethodHead, audioPath+"?download=1")
	if got := answer.Header.Get("Content-Disposition"); got != `attachment; filename="done1.wav"` {
		t.Error(got)
	}
}

func TestAudioDigest(t *testing.T) {
	f, wav := audioFixture(t)
	sum := sha256.Sum256(wav)
	call := testCall("done1", earshot.CallSettled)
	call.Recording = &earshot.Recording{SHA256: hex.EncodeToString(sum[:]), Bytes: int64(len(wav)), Rate: 8000, Channels: 2}
	f.store.calls["done1"] = call
	answer, _ := f.do(t, http.MethodGet, audioPath, "Range", "bytes=0-3")
	if got := answer.Header.Get("Repr-Digest"); got != "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":" {
		t.Errorf("digest %q", got)
	}
	if got := answer.Header.Get("ETag"); got != `"`+call.Recording.SHA256+`"` {
		t.Errorf("tag %q", got)
	}
	call.Recording.Bytes++
	if answer, _ = f.do(t, http.MethodGet, audioPath); answer.Header.Get("Repr-Digest") != "" {
		t.Error("digest of a file that is another one")
	}
}

func TestPeaks(t *testing.T) {
	f, _ := audioFixture(t)
	const path = "/api/v1/calls/done1/peaks"
	_, body := f.do(t, http.MethodGet, path)
	if want := `{"version":2,"channels":1,"sample_rate":8000,"samples_per_pixel":160,"bits":8,"length":3,"data":[-1,1,-2,2,-3,3]}`; strings.TrimSpace(string(body)) != want {
		t.Errorf("%s", body)
	}
	if _, body = f.do(t, http.MethodGet, path+"?points=2"); !strings.Contains(string(body), `"samples_per_pixel":320,"bits":8,"length":2,"data":[-2,2,-3,3]`) {
		t.Errorf("%s", body)
	}
	answer, body := f.do(t, http.MethodGet, path+"?points=0")
	checkProblem(t, answer, body, http.StatusUnprocessableEntity)
	answer, body = newFixture(t).do(t, http.MethodGet, path)
	checkProblem(t, answer, body, http.StatusNotFound)
}

func TestAudioInOpus(t *testing.T) {
	path := filepath.Join(t.TempDir(), "done1.wav")
	if err := os.WriteFile(path+".opus", []byte("OggS and more"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, func(_ *Config, d *Deps) {
		d.Audio = audioFunc(func(earshot.CallID) (string, error) { return path, nil })
	})
	answer, body := f.do(t, http.MethodGet, audioPath+"?format=opus")
	checkProblem(t, answer, body, http.StatusNotFound)
	call := testCall("done1", earshot.CallSettled)
	call.Recording = &earshot.Recording{SHA256: "00", Opus: &earshot.SoundFile{SHA256: "6f67", Bytes: 13}}
	f.store.calls["done1"] = call
	answer, body = f.do(t, http.MethodGet, audioPath+"?format=opus&download=1")
	h := answer.Header
	if string(body) != "OggS and more" || h.Get("Content-Type") != "audio/ogg" || h.Get("ETag") != `"6f67"` ||
		h.Get("Repr-Digest") != "sha-256=:b2c=:" || h.Get("Content-Disposition") != `attachment; filename="done1.opus"` {
		t.Errorf("%s %q %v", answer.Status, body, h)
	}
	answer, body = f.do(t, http.MethodGet, audioPath+"?format=opus&channel=0")
	checkProblem(t, answer, body, http.StatusUnprocessableEntity)
}
