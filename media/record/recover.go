package record

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"earshot"
)

// Recover reads the segment files of a stream, of this process or a dead one,
// up to the first torn or damaged record of each. visit, if not nil, sees
// every packet in the order of arrival; payloads are valid during the call.
// The log can go on with Start: in a new file, never in an old one.
//
// The error wraps [earshot.ErrNotFound] if there is no file with a whole
// header; the log is empty then, and good to start. Damage that leaves
// something to read is in Log.Problem.
func Recover(cfg Config, visit func(*Packet)) (*Log, error) {
	l := NewLog(cfg)
	numbers, err := l.cfg.segments()
	if err != nil {
		return nil, err
	}
	for i, n := range numbers {
		if want := l.segment + 1; n > want {
			l.report(fmt.Errorf("segment %d is missing", want))
		}
		l.segment = n
		err := l.scan(n, visit)
		if errors.Is(err, ErrTorn) && (i == len(numbers)-1 || numbers[i+1] == n+1) {
			err = nil // where a process was stopped
		}
		l.report(err)
	}
	if l.origin.IsZero() {
		return l, errors.Join(fmt.Errorf("recording of stream %s: %w", cfg.StreamID, earshot.ErrNotFound), l.problem)
	}
	return l, nil
}

func (l *Log) report(err error) {
	if err != nil {
		l.problem = errors.Join(l.problem, fmt.Errorf("recording of stream %s: %w", l.cfg.StreamID, err))
	}
}

// segments returns the numbers of the stream's files, sorted.
func (c *Config) segments() ([]int, error) {
	entries, err := os.ReadDir(filepath.Join(c.Dir, string(c.CallID)))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("recording of stream %s: %w", c.StreamID, err)
	}
	var numbers []int
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name(), string(c.StreamID)+".")
		name, isLog := strings.CutSuffix(name, ".rtplog")
		if n, err := strconv.Atoi(name); ok && isLog && err == nil && n >= 0 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// scan enters the records of one file into the index.
func (l *Log) scan(segment int, visit func(*Packet)) error {
	f, err := os.Open(l.cfg.path(segment))
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 128<<10)
	h, offset, err := readHeader(r)
	if err != nil {
		return fmt.Errorf("segment %d: %w", segment, err)
	}
	if h.StreamID != l.cfg.StreamID {
		return fmt.Errorf("segment %d belongs to another stream", segment)
	}
	if l.origin.IsZero() {
		l.origin = h.Origin
	}
	l.setFormats(segment, h.Formats)
	for {
		p, size, err := nextRecord(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("segment %d at octet %d: %w", segment, offset, err)
		}
		p.Format = l.formats[segment][p.PayloadType]
		l.index(segment, offset, size, &p)
		if p.Flags&Masked != 0 {
			l.masked = append(l.masked, Span{p.Position, p.End()})
		}
		if visit != nil {
			visit(&p)
		}
		_, _ = r.Discard(size) // it was peeked
		offset += int64(size)
	}
}

// nextRecord returns the record ahead without consuming it; io.EOF at the end
// of the file.
func nextRecord(r *bufio.Reader) (Packet, int, error) {
	b, err := r.Peek(recordSize)
	if len(b) == 0 && errors.Is(err, io.EOF) {
		return Packet{}, 0, io.EOF
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return Packet{}, 0, err
	}
	if len(b) == recordSize {
		b, err = r.Peek(recordSize + int(b[4])<<8 + int(b[5]))
		if err != nil && !errors.Is(err, io.EOF) {
			return Packet{}, 0, err
		}
	}
	return parseRecord(b)
}
