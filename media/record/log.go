package record

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"earshot"
	"earshot/media/codec"
)

// Defaults of [Config].
const (
	DefaultMaxSegment = 64 << 20
	DefaultMaxPending = 128 << 10
)

// bufferSize is what 480 ms of G.711 in packets of 20 ms need, rounded up to a
// size that Go's allocator has.
const bufferSize = 4864

// Config of the log of one stream.
type Config struct {
	// Dir is the folder of all recordings; the call's is a folder in it.
	Dir      string
	CallID   earshot.CallID
	StreamID earshot.StreamID
	// MaxSegment is the size in octets after which a new file begins.
	MaxSegment int64
	// MaxPending is how many octets wait in memory for a slow disk before
	// packets are dropped.
	MaxPending int
	// Create makes a segment file; nil makes one on disk.
	Create func(path string) (File, error)
}

// File is what the log needs of a segment file. Sync makes the data durable.
type File interface {
	WriteAt(b []byte, off int64) (int, error)
	Sync() error
	Close() error
}

func (c Config) withDefaults() Config {
	if c.MaxSegment == 0 {
		c.MaxSegment = DefaultMaxSegment
	}
	if c.MaxPending == 0 {
		c.MaxPending = DefaultMaxPending
	}
	if c.Create == nil {
		c.Create = createFile
	}
	return c
}

func (c *Config) path(segment int) string {
	return filepath.Join(c.Dir, string(c.CallID), fmt.Sprintf("%s.%d.rtplog", c.StreamID, segment))
}

// Log is the recording master of one stream. Append never waits for the disk:
// what it takes is written by Flush, which one other goroutine calls at least
// every 400 ms. All methods are safe for concurrent use.
type Log struct {
	cfg Config

	mu      sync.Mutex
	origin  time.Time
	rate    int             // the highest of all formats
	used    int             // the highest of the packets
	rates   [128]uint16     // of the payload types of the segment
	formats map[int]formats // by segment
	segment int             // the one being appended to
	size    int64           // of it, with what is pending
	idx     index
	chunks  []*chunk // pending, oldest first
	busy    int      // how many of them Flush is writing
	pending int      // octets in chunks
	spare   *chunk
	closed  bool
	problem error  // what Recover met
	masked  []Span // of packets that Recover met

	flushing sync.Mutex // held by Flush and Close
	file     File
	fileSeg  int // segment of file
}

// formats are the meanings of payload types in one segment.
type formats map[uint8]*earshot.Format

// chunk is a piece of a segment file that is not on disk yet.
type chunk struct {
	segment int
	offset  int64
	buf     []byte
}

// NewLog returns an empty log. Nothing is written before Start.
func NewLog(cfg Config) *Log {
	return &Log{cfg: cfg.withDefaults(), segment: -1, formats: map[int]formats{}}
}

// Started returns the wall clock of position 0, once there is one.
func (l *Log) Started() (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.origin, !l.origin.IsZero()
}

// Problem returns what was wrong with the files found by [Recover], joined;
// what could be read is there all the same.
func (l *Log) Problem() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.problem
}

// Start begins a segment. The first one fixes the wall clock of position 0;
// later ones, after Recover or when payload types change, keep it.
func (l *Log) Start(origin time.Time, known []earshot.Format) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.origin.IsZero() {
		l.origin = origin.Round(0).UTC()
	}
	return l.begin(known)
}

func (l *Log) begin(known []earshot.Format) error {
	h := header{
		CallID: l.cfg.CallID, StreamID: l.cfg.StreamID,
		Segment: l.segment + 1, Origin: l.origin, Formats: known,
	}
	b, err := h.encode()
	if err != nil {
		return err
	}
	l.segment++
	l.size = 0
	l.setFormats(l.segment, known)
	c := l.tail()
	c.buf = append(c.buf, b...)
	l.size += int64(len(b))
	l.pending += len(b)
	return nil
}

func (l *Log) setFormats(segment int, known []earshot.Format) {
	m := formats{}
	l.rates = [128]uint16{}
	for _, f := range known {
		m[f.PayloadType] = &f
		if layout := codec.LayoutOf(f); layout != nil {
			l.rates[f.PayloadType&0x7f] = uint16(layout.Rate())
			l.rate = max(l.rate, layout.Rate())
		}
	}
	l.formats[segment] = m
}

// Append takes a packet, copying its payload. It returns false if there is no
// room because the disk is too slow, or if the log is closed or not started:
// the packet is not recorded then.
func (l *Log) Append(p *Packet) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	size := recordSize + len(p.Payload)
	if l.closed || l.segment < 0 || len(p.Payload) > maxPayload || l.pending+size > l.cfg.MaxPending {
		return false
	}
	if l.size+int64(size) > l.cfg.MaxSegment && !l.roll() {
		return false
	}
	c := l.tail()
	c.buf = appendRecord(c.buf, p)
	l.index(l.segment, l.size, size, p)
	l.size += int64(size)
	l.pending += size
	return true
}

// index enters a packet that stands at offset.
func (l *Log) index(segment int, offset int64, size int, p *Packet) {
	l.idx.add(segment, offset, size, p)
	if p.Flags&Silent == 0 {
		l.used = max(l.used, int(l.rates[p.PayloadType&0x7f]))
	}
}

// roll goes on in a new file with the same formats.
func (l *Log) roll() bool {
	formats := l.formats[l.segment]
	known := make([]earshot.Format, 0, len(formats))
	for _, pt := range slices.Sorted(maps.Keys(formats)) {
		known = append(known, *formats[pt])
	}
	return l.begin(known) == nil
}

// tail returns the chunk to append to, making one if the last one is being
// written or belongs to another file.
func (l *Log) tail() *chunk {
	if n := len(l.chunks); n > l.busy && l.chunks[n-1].segment == l.segment {
		return l.chunks[n-1]
	}
	c := l.spare
	if l.spare = nil; c == nil {
		c = &chunk{buf: make([]byte, 0, bufferSize)}
	}
	c.segment, c.offset, c.buf = l.segment, l.size, c.buf[:0]
	l.chunks = append(l.chunks, c)
	return c
}

// Flush hands all that is pending to the system. After an error it stays
// pending and the next Flush writes it again at the same place. After Close it
// does nothing.
func (l *Log) Flush() error {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	l.mu.Lock()
	closed := l.closed
	l.mu.Unlock()
	if closed {
		return nil
	}
	return l.flush()
}

func (l *Log) flush() error {
	l.mu.Lock()
	writing := slices.Clip(l.chunks)
	l.busy = len(writing)
	l.mu.Unlock()
	done, err := 0, error(nil)
	for done < len(writing) && err == nil {
		if err = l.write(writing[done]); err == nil {
			done++
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = 0
	for _, c := range writing[:done] {
		l.pending -= len(c.buf)
		if cap(c.buf) <= 2*bufferSize {
			l.spare = c
		}
	}
	l.chunks = slices.Delete(l.chunks, 0, done)
	return err
}

func (l *Log) write(c *chunk) error {
	if l.file == nil || l.fileSeg != c.segment {
		if err := l.finish(); err != nil {
			return err
		}
		f, err := l.cfg.Create(l.cfg.path(c.segment))
		if err != nil {
			return fmt.Errorf("create segment: %w", err)
		}
		l.file, l.fileSeg = f, c.segment
	}
	if _, err := l.file.WriteAt(c.buf, c.offset); err != nil {
		return fmt.Errorf("write segment: %w", err)
	}
	return nil
}

// finish makes the file on disk durable and closes it.
func (l *Log) finish() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Sync()
	err = errors.Join(err, l.file.Close())
	l.file = nil
	return err
}

// Close writes what is pending, makes it durable and ends the log. Reading
// goes on. A second Close does nothing.
func (l *Log) Close() error {
	l.mu.Lock()
	again := l.closed
	l.closed = true
	l.mu.Unlock()
	if again {
		return nil
	}
	l.flushing.Lock()
	defer l.flushing.Unlock()
	return errors.Join(l.flush(), l.finish())
}

// load reads the records of a block, from disk and from what is pending.
func (l *Log) load(b block, dst []byte) ([]byte, error) {
	dst = slices.Grow(dst[:0], int(b.size))[:b.size]
	onDisk := int(b.size)
	l.mu.Lock()
	for _, c := range l.chunks {
		if c.segment != b.segment {
			continue
		}
		lo, hi := max(b.offset, c.offset), min(b.offset+int64(b.size), c.offset+int64(len(c.buf)))
		if lo < hi {
			copy(dst[lo-b.offset:hi-b.offset], c.buf[lo-c.offset:])
			onDisk = min(onDisk, int(lo-b.offset))
		}
	}
	l.mu.Unlock()
	if onDisk == 0 {
		return dst, nil
	}
	f, err := os.Open(l.cfg.path(b.segment))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := f.ReadAt(dst[:onDisk], b.offset); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(f.Name()), torn(err))
	}
	return dst, nil
}

// osFile is a segment file on disk.
type osFile struct{ *os.File }

// createFile makes a new file. One that is there already is somebody's
// recording and is never written to.
func createFile(path string) (File, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// Sync makes data and name durable.
func (f osFile) Sync() error {
	if err := unix.Fdatasync(int(f.Fd())); err != nil {
		return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
	}
	d, err := os.Open(filepath.Dir(f.Name()))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
