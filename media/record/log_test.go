package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/media/rtptest"
)

var (
	origin = time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)
	known  = []earshot.Format{rtptest.PCMU, rtptest.PCMA, {PayloadType: 13, Encoding: "CN", ClockRate: 8000, Channels: 1}}
)

func config(t testing.TB) Config {
	return Config{Dir: t.TempDir(), CallID: "call", StreamID: "stream"}
}

// numbered is packet n of a stream without gaps.
func numbered(n int) *Packet {
	payload := bytes.Repeat([]byte{rtptest.Code(n)}, rtptest.FrameSamples)
	return &Packet{
		Position: earshot.Position(n) * 960, Duration: 960, Seq: uint16(n), Timestamp: uint32(n * 160),
		Arrival: origin.UnixNano() + int64(n)*int64(20*time.Millisecond), SSRC: 7, Payload: payload, Format: &rtptest.PCMU,
	}
}

// record appends packets in the given order and closes the log.
func record(t testing.TB, cfg Config, numbers ...int) {
	t.Helper()
	l := NewLog(cfg)
	if err := l.Start(origin, known); err != nil {
		t.Fatal(err)
	}
	for _, n := range numbers {
		if !l.Append(numbered(n)) {
			t.Fatalf("packet %d was not taken", n)
		}
		if n%17 == 0 {
			if err := l.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func readAll(t testing.TB, r *Reader, piece int) []int16 {
	t.Helper()
	var out []int16
	buf := make([]int16, piece)
	for {
		n, err := r.ReadAt(buf, earshot.At(int64(len(out)), r.Rate()))
		out = append(out, buf[:n]...)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil || n == 0 {
			t.Fatalf("ReadAt = %d, %v", n, err)
		}
	}
}

func checkNumbers(t testing.TB, pcm []int16, frames int) {
	t.Helper()
	if len(pcm) != frames*rtptest.FrameSamples {
		t.Fatalf("%d samples, want %d frames", len(pcm), frames)
	}
	if err := rtptest.Check(pcm, rtptest.PCMU, func(frame int) int { return frame }); err != nil {
		t.Fatal(err)
	}
}

func TestEveryPacketComesBack(t *testing.T) {
	for _, piece := range []int{256, 160, 1000, 100_000} {
		cfg := config(t)
		record(t, cfg, upTo(1000)...)
		r, err := OpenReader(cfg)
		if err != nil {
			t.Fatal(err)
		}
		checkNumbers(t, readAll(t, r, piece), 1000)
		at, ok := r.Started()
		if !ok || !at.Equal(origin) || r.Problem() != nil || r.Recorded() != 1000 || r.Rate() != 8000 {
			t.Errorf("reader: %v %v %d", at, r.Problem(), r.Recorded())
		}
		last := origin.Add(999 * 20 * time.Millisecond)
		stats := r.Stats()
		if q := stats.Quality; q == nil || q.MOS == nil || *q.MOS != 4.41 || q.LossPercent != 0 {
			t.Errorf("quality %+v", q)
		}
		stats.Quality = nil
		if !r.LastPacket().Equal(last) || r.Codec() != "PCMU/8000" || stats != (earshot.StreamStats{PacketsReceived: 1000}) {
			t.Errorf("reader: %v %s %+v", r.LastPacket(), r.Codec(), stats)
		}
	}
}

// Late packets stand at the end of the file and are read at their place.
func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	cfg := config(t)
	order := rand.New(rand.NewPCG(1, 2)).Perm(1500)
	record(t, cfg, order...)
	r, err := OpenReader(cfg)
	if err != nil {
		t.Fatal(err)
	}
	checkNumbers(t, readAll(t, r, 256), 1500)
}

func TestSegmentsBySize(t *testing.T) {
	cfg := config(t)
	cfg.MaxSegment = 20_000
	record(t, cfg, upTo(500)...)
	files, _ := filepath.Glob(filepath.Join(cfg.Dir, "call", "stream.*.rtplog"))
	if len(files) < 5 {
		t.Errorf("files: %v", files)
	}
	r, err := OpenReader(cfg)
	if err != nil {
		t.Fatal(err)
	}
	checkNumbers(t, readAll(t, r, 256), 500)
}

// What is not on disk yet is read from memory, what is on disk from there.
func TestReadingWhileWriting(t *testing.T) {
	l := NewLog(config(t))
	if err := l.Start(origin, known); err != nil {
		t.Fatal(err)
	}
	r := l.NewReader()
	for n := range 450 {
		l.Append(numbered(n))
		if n%70 == 69 {
			if err := l.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if n%45 == 44 {
			checkNumbers(t, readAll(t, r, 333), n+1)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l.Append(numbered(450)) {
		t.Error("a closed log takes packets")
	}
	checkNumbers(t, readAll(t, r, 333), 450)
}

// A file cut anywhere gives every whole record before the cut.
func TestRecoveryOfACutFile(t *testing.T) {
	cfg := config(t)
	record(t, cfg, upTo(100)...)
	path := cfg.path(0)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const size = recordSize + rtptest.FrameSamples
	start := len(whole) - 100*size
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		cut := rng.IntN(len(whole))
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := OpenReader(cfg)
		if cut < start {
			if !errors.Is(err, earshot.ErrNotFound) {
				t.Fatalf("cut in the header: %v", err)
			}
			continue
		}
		if err != nil || r.Problem() != nil {
			t.Fatalf("cut at %d: %v %v", cut, err, r.Problem())
		}
		checkNumbers(t, readAll(t, r, 256), (cut-start)/size)
	}
}

func TestDamageInTheMiddleIsNamed(t *testing.T) {
	cfg := config(t)
	cfg.MaxSegment = 40_000
	record(t, cfg, upTo(1000)...)
	whole, err := os.ReadFile(cfg.path(1))
	if err != nil {
		t.Fatal(err)
	}
	whole[len(whole)/2] ^= 1
	if err := os.WriteFile(cfg.path(1), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(cfg.path(3)); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReader(cfg)
	if err != nil {
		t.Fatal(err)
	}
	problem := r.Problem()
	if !errors.Is(problem, ErrDamaged) || !strings.Contains(problem.Error(), "stream stream: segment 1 at octet") ||
		!strings.Contains(problem.Error(), "segment 3 is missing") {
		t.Errorf("problem: %v", problem)
	}
	pcm := readAll(t, r, 256)
	if len(pcm) != 1000*160 || pcm[0] != rtptest.Level(rtptest.PCMU, 0) || pcm[len(pcm)-1] != rtptest.Level(rtptest.PCMU, 999) {
		t.Errorf("%d samples: what is whole before and after must be there", len(pcm))
	}
}

// A recovered log goes on in a new file and keeps its origin.
func TestGoingOnAfterRecovery(t *testing.T) {
	cfg := config(t)
	record(t, cfg, upTo(50)...)
	if err := os.Truncate(cfg.path(0), fileSize(t, cfg.path(0))-5); err != nil {
		t.Fatal(err)
	}
	seen := 0
	l, err := Recover(cfg, func(*Packet) { seen++ })
	if err != nil || seen != 49 {
		t.Fatalf("%d packets, %v", seen, err)
	}
	if err := l.Start(origin.Add(time.Hour), known); err != nil {
		t.Fatal(err)
	}
	for n := 49; n < 120; n++ {
		l.Append(numbered(n))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if fileSize(t, cfg.path(1)) == 0 {
		t.Error("no second file")
	}
	r, err := OpenReader(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if at, _ := r.Started(); !at.Equal(origin) || r.Problem() != nil {
		t.Errorf("origin %v problem %v", at, r.Problem())
	}
	checkNumbers(t, readAll(t, r, 256), 120)
}

func fileSize(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestDefaults(t *testing.T) {
	c := Config{}.withDefaults()
	if c.MaxSegment != 64<<20 || c.MaxPending != 128<<10 || blockRecords != 200 {
		t.Errorf("defaults %+v", c)
	}
}

func TestNothingRecorded(t *testing.T) {
	if _, err := OpenReader(config(t)); !errors.Is(err, earshot.ErrNotFound) || !strings.Contains(err.Error(), "stream stream") {
		t.Errorf("error %v", err)
	}
}

// disk is a segment file whose writes can be held up or fail.
type disk struct {
	File
	gate chan struct{} // nil: open
	fail *error
	mu   *sync.Mutex
}

func (d disk) WriteAt(b []byte, off int64) (int, error) {
	if d.gate != nil {
		<-d.gate
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if *d.fail != nil {
		n, _ := d.File.WriteAt(b[:len(b)/2], off)
		return n, *d.fail
	}
	return d.File.WriteAt(b, off)
}

// A disk that hangs costs the appending side no time, only packets once the
// buffer is full; what was taken is all there in the end.
func TestSlowDiskNeverHoldsUpTheReader(t *testing.T) {
	cfg := config(t)
	gate, fail, mu := make(chan struct{}), error(nil), sync.Mutex{}
	cfg.MaxPending = 20_000
	cfg.Create = func(path string) (File, error) {
		f, err := createFile(path)
		return disk{f, gate, &fail, &mu}, err
	}
	l := NewLog(cfg)
	if err := l.Start(origin, known); err != nil {
		t.Fatal(err)
	}
	l.Append(numbered(0))
	flushed := make(chan error)
	go func() { flushed <- l.Flush() }()
	taken := 1
	for taken < 1000 && l.Append(numbered(taken)) { // returns though Flush hangs
		taken++
	}
	if taken < 90 || taken > 110 {
		t.Errorf("%d packets fit into 20 kB", taken)
	}
	close(gate)
	if err := <-flushed; err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReader(cfg)
	if err != nil {
		t.Fatal(err)
	}
	checkNumbers(t, readAll(t, r, 256), taken)
}

// A disk that fails, halfway through a write, and then works again.
func TestFailedWriteIsRepeated(t *testing.T) {
	cfg := config(t)
	full := errors.New("no space left on device")
	fail, mu := full, sync.Mutex{}
	cfg.Create = func(path string) (File, error) {
		f, err := createFile(path)
		return disk{f, nil, &fail, &mu}, err
	}
	l := NewLog(cfg)
	if err := l.Start(origin, known); err != nil {
		t.Fatal(err)
	}
	for n := range 100 {
		l.Append(numbered(n))
		if n%10 == 0 {
			if err := l.Flush(); !errors.Is(err, full) {
				t.Fatalf("Flush = %v", err)
			}
		}
	}
	checkNumbers(t, readAll(t, l.NewReader(), 256), 100)
	mu.Lock()
	fail = nil
	mu.Unlock()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReader(cfg)
	if err != nil {
		t.Fatal(err)
	}
	checkNumbers(t, readAll(t, r, 256), 100)
}

// A log that is started anew under the same name leaves the old one alone.
func TestNoRecordingIsOverwritten(t *testing.T) {
	cfg := config(t)
	record(t, cfg, upTo(50)...)
	l := NewLog(cfg)
	if err := l.Start(origin, known); err != nil {
		t.Fatal(err)
	}
	l.Append(numbered(7))
	if err := l.Close(); !errors.Is(err, os.ErrExist) {
		t.Errorf("Close = %v", err)
	}
	if err := l.Flush(); err != nil {
		t.Errorf("Flush after Close = %v", err)
	}
	r, err := OpenReader(cfg)
	if err != nil {
		t.Fatal(err)
	}
	checkNumbers(t, readAll(t, r, 256), 50)
}

// At most 200 ms and what one flush takes may be in memory: what Flush was
// given is in the file without Close.
func TestFlushedPacketsSurviveTheProcess(t *testing.T) {
	cfg := config(t)
	l := NewLog(cfg)
	if err := l.Start(origin, known); err != nil {
		t.Fatal(err)
	}
	for n := range 60 {
		l.Append(numbered(n))
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	l.Append(numbered(60)) // in memory only
	r, err := OpenReader(cfg)
	if err != nil {
		t.Fatal(err)
	}
	checkNumbers(t, readAll(t, r, 256), 60)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func FuzzRecover(f *testing.F) {
	cfg := config(f)
	record(f, cfg, 0, 1, 3)
	seed, err := os.ReadFile(cfg.path(0))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:40])
	f.Add([]byte(magic))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		cfg := Config{Dir: dir, CallID: "c", StreamID: "stream"}
		if err := os.MkdirAll(filepath.Dir(cfg.path(0)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(cfg.path(0), b, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := OpenReader(cfg)
		if err != nil {
			return
		}
		buf := make([]int16, 1000)
		for _, pos := range []earshot.Position{0, r.Start(), r.End() - 480} {
			if n, err := r.ReadAt(buf, pos); err != nil && !errors.Is(err, io.EOF) {
				t.Fatalf("ReadAt(%d) = %d, %v", pos, n, err)
			}
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add(appendRecord(nil, numbered(3)))
	f.Add(make([]byte, recordSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, size, err := parseRecord(b)
		if err != nil {
			return
		}
		if again := appendRecord(nil, &p); !bytes.Equal(again, b[:size]) {
			t.Fatalf("% x comes back as % x", b[:size], again)
		}
	})
}

func TestAppendAllocatesNothing(t *testing.T) {
	l := NewLog(config(t))
	if err := l.Start(origin, known); err != nil {
		t.Fatal(err)
	}
	p := numbered(0)
	step := func() {
		for range 10 {
			l.Append(p)
		}
	}
	for range 5 {
		step()
		if err := l.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if got := testing.AllocsPerRun(1, step); got != 0 {
		t.Errorf("%v allocations for 10 packets", got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkReadAt(b *testing.B) {
	cfg := config(b)
	record(b, cfg, upTo(3000)...)
	r, err := OpenReader(cfg)
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]int16, 256) // 32 ms
	n := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.ReadAt(buf, earshot.At(n%400_000, 8000)); err != nil {
			b.Fatal(err)
		}
		n += 256
	}
}

func ExampleReader() {
	r, err := OpenReader(Config{Dir: "recordings", CallID: "call", StreamID: "stream"})
	if errors.Is(err, earshot.ErrNotFound) {
		fmt.Println("no such recording")
		return
	}
	pcm := make([]int16, r.Rate()/50)
	n, _ := r.ReadAt(pcm, 0)
	fmt.Println(n)
	// Output: no such recording
}
