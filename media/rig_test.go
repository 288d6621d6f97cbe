package media

import (
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"earshot"
	"earshot/media/record"
	"earshot/media/rtptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const frame = int64(20 * time.Millisecond)

var (
	dtmf     = earshot.Format{PayloadType: 101, Encoding: "telephone-event", ClockRate: 8000, Channels: 1, FMTP: "0-16"}
	cn       = earshot.Format{PayloadType: 13, Encoding: "CN", ClockRate: 8000, Channels: 1}
	loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	peer     = netip.AddrPortFrom(loopback, 4000)
)

func spec() StreamSpec {
	return StreamSpec{CallID: "call", StreamID: "stream", Formats: []earshot.Format{rtptest.PCMU, dtmf}}
}

func newEngine(t testing.TB, cfg Config) *Engine {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	if !cfg.BindIP.IsValid() {
		cfg.BindIP = loopback
	}
	e, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close the engine: %v", err)
		}
	})
	return e
}

// rig is a stream without sockets, in a time of the test's own.
type rig struct {
	t   testing.TB
	e   *Engine
	s   *Stream
	at  int64 // now, and when the next packet arrives
	src *rtptest.Numbered
}

func newRig(t testing.TB, cfg Config) *rig {
	t.Helper()
	r := &rig{t: t, e: newEngine(t, cfg)}
	r.at = r.e.clock.now()
	r.src = &rtptest.Numbered{Format: rtptest.PCMU, SSRC: 11, Seq: 500, Timestamp: 70_000}
	r.open(spec())
	return r
}

func (r *rig) open(spec StreamSpec) {
	r.t.Helper()
	s, err := r.e.newStream(spec)
	if err != nil {
		r.t.Fatal(err)
	}
	s.now = func() int64 { return r.at }
	r.s = s
}

// take hands a datagram to the stream as if it arrived now.
func (r *rig) take(b []byte) { r.takeFrom(b, peer, r.at) }

func (r *rig) takeFrom(b []byte, from netip.AddrPort, at int64) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.s.take(datagram{data: b, from: from, arrival: at})
}

// send lets n packets arrive in time.
func (r *rig) send(n int) {
	for range n {
		r.take(r.src.Next())
		r.at += frame
	}
}

// wait lets time pass.
func (r *rig) wait(d time.Duration) { r.at += int64(d) }

// close ends the stream and returns its recording, once read as the stream
// that is over and once from the files.
func (r *rig) close() []int16 {
	r.t.Helper()
	if err := r.s.Close(); err != nil {
		r.t.Fatal(err)
	}
	live := read(r.t, r.s)
	rec, err := r.e.Recorded("call", "stream")
	if err != nil {
		r.t.Fatal(err)
	}
	pcm := read(r.t, rec)
	if len(pcm) != len(live) {
		r.t.Fatalf("the stream has %d samples, its recording %d", len(live), len(pcm))
	}
	for i := range pcm {
		if pcm[i] != live[i] {
			r.t.Fatalf("sample %d is %d in the stream and %d in its recording", i, live[i], pcm[i])
		}
	}
	return pcm
}

var _ record.PCM = (*Stream)(nil)

type readerAt interface {
	ReadAt(pcm []int16, pos earshot.Position) (int, error)
}

// read reads up to the end, in the pieces of a voice activity detector.
func read(t testing.TB, r readerAt) []int16 {
	t.Helper()
	var out []int16
	buf := make([]int16, 256)
	for {
		n, err := r.ReadAt(buf, earshot.At(int64(len(out)), 8000))
		out = append(out, buf[:n]...)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil || n == 0 {
			t.Fatalf("ReadAt behind %d samples = %d, %v", len(out), n, err)
		}
	}
}

// settled reads what has settled from sample from on.
func (r *rig) settled(from int) []int16 {
	r.t.Helper()
	buf := make([]int16, 80_000)
	n, err := r.s.ReadAt(buf, earshot.At(int64(from), 8000))
	if err != nil {
		r.t.Fatal(err)
	}
	return buf[:n]
}

// check compares frames with packet numbers; -1 is anything.
func (r *rig) check(pcm []int16, frames int, number func(int) int) {
	r.t.Helper()
	if len(pcm) != frames*160 {
		r.t.Fatalf("%d samples, want %d", len(pcm), frames*160)
	}
	if err := rtptest.Check(pcm, rtptest.PCMU, number); err != nil {
		r.t.Fatal(err)
	}
}

func same(frame int) int { return frame }

// around gives the numbers around a gap of so many frames behind frame at.
func around(at, gap int) func(int) int {
	return func(frame int) int {
		switch {
		case frame < at:
			return frame
		case frame < at+gap:
			return -1
		}
		return frame - gap
	}
}

// silent checks that all of pcm but the first 60 ms is silence.
func (r *rig) silent(pcm []int16) {
	r.t.Helper()
	for i, s := range pcm {
		if i >= 480 && s != 0 {
			r.t.Fatalf("sample %d of the gap is %d", i, s)
		}
	}
}
