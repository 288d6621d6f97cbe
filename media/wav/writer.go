package wav

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"os"
	"path/filepath"
)

// WriteFile writes a file with one slice of samples per channel. Shorter
// channels end in silence. The file appears under its name only when whole.
func WriteFile(path string, rate int, channels ...[]int16) error {
	frames := 0
	for _, c := range channels {
		frames = max(frames, len(c))
	}
	f, err := Create(path, Format{Rate: rate, Channels: len(channels)}, int64(frames))
	if err != nil {
		return err
	}
	defer f.Abort()
	frame := make([]int16, len(channels))
	for i := range frames {
		for c, pcm := range channels {
			frame[c] = 0
			if i < len(pcm) {
				frame[c] = pcm[i]
			}
		}
		if err := f.Write(frame); err != nil {
			return err
		}
	}
	return f.Commit()
}

// File is a WAV file in the making, kept under another name until it is whole.
type File struct {
	path    string
	f       *os.File
	w       *bufio.Writer
	sum     hash.Hash // of all that was written
	size    int64
	buf     []byte
	missing int64 // octets still to be written
	done    bool
}

// Create begins a file whose length is known: path+".tmp" until Commit. An
// older one is overwritten.
func Create(path string, format Format, frames int64) (*File, error) {
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return nil, err
	}
	w := &File{
		path: path, f: f, w: bufio.NewWriterSize(f, 64<<10), sum: sha256.New(), missing: frames * int64(format.FrameSize()),
	}
	if err := w.write(Header(format, frames)); err != nil {
		w.Abort()
		return nil, err
	}
	return w, nil
}

// Write appends interleaved samples.
func (w *File) Write(pcm []int16) error {
	w.buf = AppendPCM(w.buf[:0], pcm)
	w.missing -= int64(len(w.buf))
	return w.write(w.buf)
}

func (w *File) write(b []byte) error {
	w.sum.Write(b)
	w.size += int64(len(b))
	_, err := w.w.Write(b)
	return err
}

// SHA256 returns the checksum of what was written so far, in hexadecimal.
func (w *File) SHA256() string { return hex.EncodeToString(w.sum.Sum(nil)) }

// Size returns the octets written so far.
func (w *File) Size() int64 { return w.size }

// Commit makes the file durable and gives it its name.
func (w *File) Commit() error {
	if w.missing != 0 {
		return fmt.Errorf("commit %s: %d octets missing", w.path, w.missing)
	}
	if err := w.w.Flush(); err != nil {
		return err
	}
	if err := w.f.Sync(); err != nil {
		return err
	}
	if err := w.f.Close(); err != nil {
		return err
	}
	if err := os.Rename(w.path+".tmp", w.path); err != nil {
		return err
	}
	w.done = true
	return syncDir(filepath.Dir(w.path))
}

// Abort removes what was written, unless it was committed.
func (w *File) Abort() {
	if w.done {
		return
	}
	w.done = true
	_ = w.f.Close() // also after a Close that failed: nothing is kept
	_ = os.Remove(w.path + ".tmp")
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
