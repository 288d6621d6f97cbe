package wav

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.wav")
	left, right := []int16{1, -2, 32767, -32768}, []int16{5, 6}
	if err := WriteFile(path, 8000, left, right); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if r.Rate != 8000 || r.Channels != 2 || r.Frames != 4 {
		t.Errorf("header: %+v", r)
	}
	got, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got[0], left) || !slices.Equal(got[1], []int16{5, 6, 0, 0}) {
		t.Errorf("samples: %v", got)
	}
	if _, err := os.Stat(path + ".tmp"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("temporary file is left: %v", err)
	}
}

func TestUncommittedFileVanishes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.wav")
	f, err := Create(path, Format{Rate: 8000, Channels: 1}, 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err == nil {
		t.Error("a file without its samples was committed")
	}
	f.Abort()
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 0 {
		t.Errorf("left: %v", files)
	}
}

// Past 4 GiB the sizes stand in the ds64 chunk; the 32-bit ones are all ones.
func TestRF64Header(t *testing.T) {
	f := Format{Rate: 48000, Channels: 2}
	frames := int64(2 << 30)
	h := Header(f, frames)
	if len(h) != rf64HeaderSize || string(h[:4]) != "RF64" || string(h[12:16]) != "ds64" {
		t.Fatalf("header % x", h)
	}
	le := binary.LittleEndian
	if le.Uint32(h[4:]) != unknown || le.Uint32(h[76:]) != unknown || string(h[72:76]) != "data" {
		t.Errorf("32-bit sizes: % x", h)
	}
	if got := le.Uint64(h[20:]); got != uint64(frames*4+72) {
		t.Errorf("riff size %d", got)
	}
	if got := le.Uint64(h[28:]); got != uint64(frames*4) {
		t.Errorf("data size %d", got)
	}
	if got := le.Uint64(h[36:]); got != uint64(frames) {
		t.Errorf("sample count %d", got)
	}
	r, err := NewReader(bytes.NewReader(h))
	if err != nil {
		t.Fatal(err)
	}
	if r.Frames != frames || r.Format != f {
		t.Errorf("read back: %+v", r)
	}
}

// The last size that fits 32 bits stays RIFF, the next one is RF64.
func TestRF64StartsWhereRIFFEnds(t *testing.T) {
	f := Format{Rate: 8000, Channels: 1}
	last := int64((1<<32 - 1 - 36) / 2)
	if h := Header(f, last); string(h[:4]) != "RIFF" || len(h) != riffHeaderSize {
		t.Errorf("%d frames: %q", last, h[:4])
	}
	if h := Header(f, last+1); string(h[:4]) != "RF64" {
		t.Errorf("%d frames: %q", last+1, h[:4])
	}
}

func TestReadMonoMixesAndConverts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.wav")
	left, right := make([]int16, 1600), make([]int16, 1600)
	for i := range left {
		left[i], right[i] = 1000, 3000
	}
	if err := WriteFile(path, 16000, left, right); err != nil {
		t.Fatal(err)
	}
	pcm, err := ReadMono(path, 8000)
	if err != nil {
		t.Fatal(err)
	}
	if len(pcm) != 800 || pcm[400] < 1990 || pcm[400] > 2010 {
		t.Errorf("%d samples, the middle %d", len(pcm), pcm[len(pcm)/2])
	}
}

func TestUnknownChunksAndOpenLength(t *testing.T) {
	h := Header(Format{Rate: 8000, Channels: 1}, 3)
	file := slices.Concat(h[:12], []byte("LIST\x03\x00\x00\x00abc\x00"), h[12:], []byte{1, 0, 2, 0, 3, 0, 9})
	r, err := NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := r.ReadAll(); !slices.Equal(got[0], []int16{1, 2, 3}) {
		t.Errorf("samples %v", got)
	}
	binary.LittleEndian.PutUint32(h[40:], unknown)
	r, err = NewReader(bytes.NewReader(append(h, 1, 0, 2, 0, 9)))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := r.ReadAll(); r.Frames != -1 || !slices.Equal(got[0], []int16{1, 2}) {
		t.Errorf("frames %d samples %v", r.Frames, got)
	}
}

func TestNotAWAVFile(t *testing.T) {
	good := Header(Format{Rate: 8000, Channels: 1}, 0)
	float := slices.Clone(good)
	float[20] = 3
	for name, b := range map[string][]byte{
		"empty": nil, "text": []byte("this is not a sound file at all"),
		"cut": good[:30], "float": float, "no data": good[:36],
	} {
		if _, err := NewReader(bytes.NewReader(b)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(append(Header(Format{Rate: 8000, Channels: 1}, 2), 1, 2, 3, 4))
	f.Add(Header(Format{Rate: 48000, Channels: 2}, 2<<30))
	f.Add([]byte("RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		buf := make([]int16, 1000)
		total := 0
		for {
			n, err := r.Read(buf)
			total += n
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || n == 0 {
				t.Fatalf("Read = %d, %v", n, err)
			}
		}
		if 2*total > len(b) {
			t.Fatalf("%d samples from %d octets", total, len(b))
		}
	})
}
