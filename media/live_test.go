package media

import (
	"errors"
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"earshot"
	"earshot/media/record"
	"earshot/media/rtptest"
)

func TestNothingHasSettledBeforeTheFirstPacket(t *testing.T) {
	r := newRig(t, Config{})
	r.wait(time.Hour)
	if n, err := r.s.ReadAt(make([]int16, 160), 0); n != 0 || err != nil {
		t.Errorf("ReadAt = %d, %v", n, err)
	}
	if err := r.s.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := r.s.ReadAt(make([]int16, 160), 0); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("after Close ReadAt = %d, %v", n, err)
	}
	if _, started := r.s.Started(); started || !r.s.LastPacket().IsZero() {
		t.Error("it has started")
	}
}

// Without loss every packet can be read the moment it is in.
func TestPacketsSettleAtOnce(t *testing.T) {
	r := newRig(t, Config{})
	for n := range 300 {
		r.send(1)
		r.at -= frame
		pcm := r.settled(n * 160)
		r.at += frame
		r.check(pcm, 1, func(int) int { return n })
	}
	r.check(r.settled(0)[:150*160], 150, same) // older than the ring: from disk or what waits for it
	if err := r.s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A missing packet is waited for as long as the playout delay after the next
// one came; if it comes by then, it is heard.
func TestGapSettlesAfterThePlayoutDelay(t *testing.T) {
	r := newRig(t, Config{})
	r.send(10)
	missing := r.src.Next()
	r.at += frame
	r.take(r.src.Next())
	if got := r.settled(0); len(got) != 10*160 {
		t.Fatalf("%d samples have settled", len(got))
	}
	r.wait(minPlayout - time.Millisecond)
	if got := r.settled(0); len(got) != 10*160 {
		t.Fatalf("%d samples have settled", len(got))
	}
	r.take(missing)
	r.check(r.settled(0), 12, same)

	r.src.Next()
	r.take(r.src.Next())
	r.wait(minPlayout)
	got := r.settled(0)
	r.check(got, 14, func(frame int) int {
		if frame == 12 {
			return -1
		}
		return frame
	})
	r.check(got, 14, func(frame int) int {
		if frame == 12 {
			return -1
		}
		return frame
	})
	if err := r.s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A packet that comes 150 ms too late once a second is missed once, and waited
// for from then on; half a minute after the last one the delay is short again.
func TestPlayoutDelayFollowsLatePackets(t *testing.T) {
	r := newRig(t, Config{})
	heard := 0
	var pcm []int16
	listen := func() {
		buf := make([]int16, 8000)
		n, err := r.s.ReadAt(buf, earshot.At(int64(len(pcm)), 8000))
		if err != nil {
			t.Fatal(err)
		}
		pcm = append(pcm, buf[:n]...)
	}
	r.send(50)
	for range 20 {
		held := r.src.Next()
		number := r.src.Number - 1
		r.at += frame
		for n := range 49 {
			if n == 7 {
				r.take(held)
			}
			r.send(1)
			listen()
		}
		if from := number * rtptest.FrameSamples; pcm[from+100] == rtptest.Level(rtptest.PCMU, number) && pcm[from+159] == pcm[from] {
			heard++
		}
	}
	if heard != 19 {
		t.Errorf("%d of 20 late packets were heard", heard)
	}
	r.send(30 * 50)
	if got := r.s.playout(); got != minPlayout {
		t.Errorf("the delay is still %v", got)
	}
	if st := r.s.Stats(); st.PacketsLost != 0 || st.PacketsLate != 0 {
		t.Errorf("stats %+v", st)
	}
	if err := r.s.Close(); err != nil {
		t.Fatal(err)
	}
}

// Without packets silence settles by the clock, 200 ms and the playout delay
// after it was due.
func TestSilenceSettlesByTheClock(t *testing.T) {
	r := newRig(t, Config{})
	r.send(50)
	if got := r.settled(0); len(got) != 50*160 {
		t.Fatalf("%d samples", len(got))
	}
	r.wait(3 * time.Second)
	want := (50*20 + 3000 - 240) * 8
	if got := r.settled(0); len(got) != want {
		t.Fatalf("%d samples have settled, want %d", len(got), want)
	} else {
		r.silent(got[50*160:])
	}
	r.src.Timestamp += 24_000
	r.send(10)
	got := r.settled(0)
	r.check(got, 210, around(50, 150))
	if err := r.s.Close(); err != nil {
		t.Fatal(err)
	}
}

// The settled position never goes back, and what was read once reads the same
// again as long as nothing late arrives.
func TestSettledNeverGoesBack(t *testing.T) {
	r := newRig(t, Config{})
	var heard []int16
	for n := range 400 {
		if n%29 == 3 {
			r.src.Next()
			r.at += frame
		} else {
			r.send(1)
		}
		got := r.settled(0)
		if len(got) < len(heard) {
			t.Fatalf("%d samples had settled, now %d", len(heard), len(got))
		}
		for i := range heard {
			if got[i] != heard[i] {
				t.Fatalf("sample %d was %d, is %d", i, heard[i], got[i])
			}
		}
		heard = got
	}
	pcm := r.close()
	for i := range heard {
		if pcm[i] != heard[i] {
			t.Fatalf("sample %d was heard as %d and recorded as %d", i, heard[i], pcm[i])
		}
	}
}

// hanging is a disk that does not answer until released.
type hanging struct {
	record.File
	release chan struct{}
}

func (h hanging) WriteAt(b []byte, off int64) (int, error) {
	<-h.release
	return h.File.WriteAt(b, off)
}

// A disk that hangs delays neither receiving nor live reading; the packets it
// has no room for are counted, and the others are recorded.
func TestHangingDisk(t *testing.T) {
	release := make(chan struct{})
	r := newRig(t, Config{CreateFile: func(path string) (record.File, error) {
		f, err := os.Create(path)
		return hanging{f, release}, err
	}})
	if err := os.MkdirAll(r.e.cfg.Dir+"/call", 0o700); err != nil {
		t.Fatal(err)
	}
	r.send(1)
	flushed := make(chan struct{})
	go func() { defer close(flushed); r.s.flush() }()
	var told []earshot.StreamMark
	for n := 1; n < 2000; n++ { // 40 s, returns though the disk hangs
		r.take(r.src.Next())
		r.check(r.settled(n*160), 1, func(int) int { return n })
		r.at += frame
		told = append(told, r.s.Marks()...)
	}
	dropped := int(r.s.Stats().PacketsDropped)
	if dropped == 0 || dropped > 1500 {
		t.Errorf("%d packets dropped", dropped)
	}
	close(release)
	<-flushed
	if err := r.s.Close(); err != nil {
		t.Fatal(err)
	}
	rec, err := r.e.Recorded("call", "stream")
	if err != nil {
		t.Fatal(err)
	}
	r.check(read(t, rec), 2000-dropped, same)
	told = append(told, r.s.Marks()...) // what has come since it was last told
	checkDrops(t, told, 2000-dropped, 2000)
}

// checkDrops checks that one mark was told when packets began to be dropped,
// every 5 s, and at the end.
func checkDrops(t *testing.T, told []earshot.StreamMark, from, to int) {
	t.Helper()
	if want := 2 + (to-from)/250; len(told) < want-1 || len(told) > want {
		t.Fatalf("told %d times of %d s of drops", len(told), (to-from)/50)
	}
	last := told[len(told)-1]
	want := earshot.StreamMark{
		ID: told[0].ID, Kind: earshot.MarkDropped, Packets: uint64(to - from),
		From: earshot.At(int64(from)*160, 8000), To: earshot.At(int64(to)*160, 8000),
	}
	if last != want || told[0].Packets != 1 {
		t.Errorf("marks %+v, want the last one to be %+v", told, want)
	}
}

// Drops a second apart are marks of their own, also when nobody asks meanwhile.
func TestDropsApart(t *testing.T) {
	r := newRig(t, Config{})
	for _, at := range []int64{0, 50, 60, 200} {
		from := earshot.At(at*160, 8000)
		r.s.mu.Lock()
		r.s.drop(from, from+earshot.At(160, 8000), r.at+at*frame)
		r.s.mu.Unlock()
	}
	marks := r.s.Marks()
	if len(marks) != 2 || marks[0].Packets != 3 || marks[1].Packets != 1 || marks[0].ID == marks[1].ID {
		t.Errorf("marks %+v", marks)
	}
	if more := r.s.Marks(); len(more) != 0 {
		t.Errorf("told again: %+v", more)
	}
}

// allocs returns how often memory is allocated for a packet, whole packets' worth
// only, in the best of five rounds: the race detector makes pools forget what was
// put back, now and then enough of it to show in one round.
func (r *rig) allocs(packet func() []byte) float64 {
	least := math.Inf(1)
	for range 5 {
		r.s.flush()
		var packets [][]byte
		for range 20 {
			packets = append(packets, packet())
		}
		next := 0
		least = min(least, testing.AllocsPerRun(18, func() {
			r.take(packets[next])
			next++
			r.at += frame
		}))
	}
	return least
}

func TestReceivingAllocatesNothing(t *testing.T) {
	r := newRig(t, Config{})
	r.send(3 * heard.ring)
	if got := r.allocs(r.src.Next); got != 0 {
		t.Errorf("%v allocations per packet", got)
	}
	if err := r.s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestLiveReadingAllocatesNothing(t *testing.T) {
	r := newRig(t, Config{})
	r.send(3 * heard.ring)
	buf := make([]int16, 256)
	pos := r.s.End() - 4800
	if got := testing.AllocsPerRun(100, func() {
		if n, err := r.s.ReadAt(buf, pos); n == 0 || err != nil {
			t.Fatal(n, err)
		}
	}); got != 0 {
		t.Errorf("%v allocations per read", got)
	}
	if err := r.s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A call of two streams that is received, recorded and read live costs less
// than 100 kB.
func TestMemoryOfACall(t *testing.T) {
	const calls = 20
	e := newEngine(t, Config{}) // one for all, as a server has
	before := heap()
	var rigs []*rig
	for i := range 2 * calls {
		r := &rig{t: t, e: e, at: e.clock.now(), src: &rtptest.Numbered{Format: rtptest.PCMU, SSRC: 11}}
		sp := spec()
		sp.StreamID = earshot.StreamID(strconv.Itoa(i))
		r.open(sp)
		buf := make([]int16, 256)
		for n := range 1000 {
			r.send(1)
			if n%10 == 9 {
				r.s.flush()
			}
			if _, err := r.s.ReadAt(buf, r.s.End()-960); err != nil {
				t.Fatal(err)
			}
		}
		rigs = append(rigs, r)
	}
	each := (heap() - before) / calls
	for _, r := range rigs {
		if err := r.s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if t.Logf("%d octets a call", each); each > 100_000 {
		t.Errorf("%d octets a call", each)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkTake(b *testing.B) {
	r := newRig(b, Config{})
	packets := make([][]byte, 1<<16)
	for i := range packets {
		packets[i] = r.src.Next()
	}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		r.take(packets[n%len(packets)])
		r.at += frame
		if n++; n%10 == 0 {
			r.s.flush()
		}
	}
	b.StopTimer()
	if err := r.s.Close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkLiveReadAt(b *testing.B) {
	r := newRig(b, Config{})
	r.send(2 * heard.ring)
	buf := make([]int16, 256)
	pos := r.s.End() - 4800
	b.ReportAllocs()
	for b.Loop() {
		if n, err := r.s.ReadAt(buf, pos); n == 0 || err != nil {
			b.Fatal(n, err)
		}
	}
	if err := r.s.Close(); err != nil {
		b.Fatal(err)
	}
}
