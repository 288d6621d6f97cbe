package record

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"earshot"
	"earshot/media/dtmf"
)

// scrubSuffix ends the name of a segment that is being written anew. It is no
// segment until it has the name of one.
const scrubSuffix = ".scrub"

// FindTones returns the keys that were pressed in a recording, as tones in its
// audio. It reads all of it.
func FindTones(ctx context.Context, pcm PCM) ([]dtmf.Tone, error) {
	rate := pcm.Rate()
	if rate < 8000 {
		return nil, nil // nothing that is recorded, and too low for the upper tones
	}
	var tones []dtmf.Tone
	d := dtmf.New(rate, pcm.Start())
	block := make([]int16, rate)
	for pos := pcm.Start(); ; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, err := pcm.ReadAt(block, pos)
		tones = d.Append(tones, block[:n])
		pos += earshot.At(int64(n), rate)
		if errors.Is(err, io.EOF) || err == nil && n == 0 {
			return d.End(tones), nil
		}
		if err != nil {
			return d.End(tones), fmt.Errorf("find tones: %w", err)
		}
	}
}

// Scrub takes the payload of all packets of a stream that is over, and whose
// audio touches a tone or the 30 ms around it. Such a packet stays in the log,
// Silent and Masked, with its place and times; its payload is zeros of the same
// length, so that no other record moves and who has the log open can read on.
// An Opus packet that follows is taken as well, because it may carry a copy of
// the audio before it (RFC 6716 2.1.7).
//
// Each segment is written anew beside the old one and takes its name when it
// is durable: whenever the process is stopped, every segment is the old or the
// new one, and doing it again ends what was begun. It returns the number of
// packets taken.
func Scrub(cfg Config, tones []dtmf.Tone) (int, error) {
	return scrub(cfg.withDefaults(), around(tones), func() {})
}

// scrub calls step before each change on the disk.
func scrub(cfg Config, spans []Span, step func()) (int, error) {
	if len(spans) == 0 {
		return 0, nil
	}
	numbers, err := cfg.segments()
	if err != nil {
		return 0, err
	}
	taken := 0
	for _, n := range numbers {
		w := scrubber{path: cfg.path(n), spans: spans, step: step}
		err := w.run()
		taken += w.taken
		if err != nil {
			return taken, fmt.Errorf("scrub segment %d of stream %s: %w", n, cfg.StreamID, err)
		}
	}
	return taken, nil
}

// scrubber writes one segment anew.
type scrubber struct {
	path    string
	spans   []Span
	step    func()
	formats formats
	taken   int
	record  []byte // scratch
}

func (w *scrubber) run() error {
	if err := w.copy(io.Discard); err != nil || w.taken == 0 {
		return err
	}
	w.taken = 0
	temporary := w.path + scrubSuffix
	w.step()
	if err := w.write(temporary); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	w.step()
	if err := os.Rename(temporary, w.path); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	w.step()
	return syncDir(filepath.Dir(w.path))
}

// write makes a file of the segment without the tones, and makes it durable.
func (w *scrubber) write(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 128<<10)
	err = w.copy(out)
	w.step()
	if err == nil {
		err = out.Flush()
	}
	w.step()
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// copy writes the segment to out. From a torn or damaged record on, where
// nobody reads, everything stays as it is.
func (w *scrubber) copy(out io.Writer) error {
	f, err := os.Open(w.path)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 128<<10)
	h, _, err := readHeader(io.TeeReader(in, out))
	if err != nil {
		return w.unreadable(in, out, err)
	}
	w.formats = formats{}
	for _, f := range h.Formats {
		w.formats[f.PayloadType] = &f
	}
	for {
		p, size, err := nextRecord(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return w.unreadable(in, out, err)
		}
		if w.touches(&p) {
			p.Flags |= Silent | Masked
			clear(p.Payload) // in the reader's buffer
			w.taken++
		}
		w.record = appendRecord(w.record[:0], &p)
		if _, err := out.Write(w.record); err != nil {
			return err
		}
		_, _ = in.Discard(size) // it was peeked
	}
}

// unreadable copies the rest if that is because of what is in the file.
func (w *scrubber) unreadable(in io.Reader, out io.Writer, err error) error {
	if _, system := errors.AsType[*os.PathError](err); system {
		return err
	}
	_, err = io.Copy(out, in)
	return err
}

// touches reports whether the packet has audio of a span.
func (w *scrubber) touches(p *Packet) bool {
	if p.Flags&Silent != 0 || len(p.Payload) == 0 {
		return false
	}
	from := p.Position
	if f := w.formats[p.PayloadType]; f != nil && f.Is("opus") {
		from -= p.Duration
	}
	rest := after(w.spans, from)
	return len(rest) > 0 && rest[0].From < p.End()
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
