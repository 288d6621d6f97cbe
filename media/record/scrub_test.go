package record

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"earshot"
	"earshot/media/codec"
	"earshot/media/dtmf"
)

// keyed is ten seconds of a stream: a hum, and over it the keys 1, 5 and 9 for
// 60 ms each at the times of pressed.
var pressed = []time.Duration{2 * time.Second, 2110 * time.Millisecond, 7 * time.Second}

func hum(i int) float64 { return 3000 * math.Sin(2*math.Pi*180*float64(i)/8000) }

func keyed(t testing.TB, cfg Config, encoding string) {
	t.Helper()
	f := earshot.Format{PayloadType: 0, Encoding: encoding, ClockRate: 8000, Channels: 1}
	enc, err := codec.NewEncoder(f)
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, 80_000)
	for i := range pcm {
		pcm[i] = int16(hum(i))
	}
	for k, at := range pressed {
		for i := range 480 {
			low, high := []float64{697, 770, 852}[k], []float64{1209, 1336, 1477}[k]
			turn := 2 * math.Pi * float64(i) / 8000
			pcm[int(at.Milliseconds())*8+i] = int16(7000 * (math.Sin(turn*low) + math.Sin(turn*high)))
		}
	}
	l := NewLog(cfg)
	if err := l.Start(origin, []earshot.Format{f}); err != nil {
		t.Fatal(err)
	}
	for n := range 500 {
		p := numbered(n)
		p.Payload = enc.Encode(nil, pcm[n*160:][:160])
		if !l.Append(p) {
			t.Fatalf("packet %d was not taken", n)
		}
		if err := l.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, cfg Config) *Reader {
	t.Helper()
	r, err := OpenReader(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Problem(); err != nil {
		t.Fatal(err)
	}
	return r
}

func tonesOf(t testing.TB, cfg Config) []dtmf.Tone {
	t.Helper()
	tones, err := FindTones(t.Context(), open(t, cfg))
	if err != nil {
		t.Fatal(err)
	}
	return tones
}

// No sample of a key is left in the file nor in the master, and all that lies
// further away is as it was.
func TestScrubTakesTones(t *testing.T) {
	for _, encoding := range []string{"PCMU", "PCMA"} {
		cfg := config(t)
		cfg.MaxSegment = 20_000
		keyed(t, cfg, encoding)
		before := open(t, cfg)
		_, _, plain := render(t, []Track{{before, 0}}, RenderOptions{})
		tones := tonesOf(t, cfg)
		if digits := digitsOf(tones); digits != "159" {
			t.Fatalf("%s: keys %q", encoding, digits)
		}
		taken, err := Scrub(cfg, tones)
		if err != nil || taken < 12 || taken > 30 {
			t.Fatalf("%s: %d packets, %v", encoding, taken, err)
		}
		after := open(t, cfg)
		_, _, masked := render(t, []Track{{after, 0}}, RenderOptions{})
		checkSilent(t, masked[0])
		checkElsewhere(t, plain[0], masked[0])
		if spans := after.Masked(); len(spans) != 2 || spans[0].To >= spans[1].From {
			t.Errorf("%s: masked %v", encoding, spans)
		}
		if after.Recorded() != before.Recorded() || after.End() != before.End() || !reflect.DeepEqual(after.Stats(), before.Stats()) {
			t.Errorf("%s: the stream is another one", encoding)
		}
		checkMaster(t, after)
		if !slices.Equal(readAll(t, before, 997)[16_000:17_000], readAll(t, after, 800)[16_000:17_000]) {
			t.Errorf("%s: who had it open reads something else", encoding)
		}
		if tones := tonesOf(t, cfg); len(tones) != 0 {
			t.Errorf("%s: %v are left", encoding, tones)
		}
		_, _, again := render(t, []Track{{after, 0}}, RenderOptions{})
		if !slices.Equal(again[0], masked[0]) {
			t.Errorf("%s: rendered again it is another file", encoding)
		}
	}
}

func digitsOf(tones []dtmf.Tone) (digits string) {
	for _, tone := range tones {
		digits += string(tone.Digit)
	}
	return digits
}

// checkSilent looks at the keys and 20 ms around them.
func checkSilent(t testing.TB, pcm []int16) {
	t.Helper()
	for _, at := range pressed {
		from := int(at.Milliseconds())*8 - 160
		if i := slices.IndexFunc(pcm[from:from+800], func(s int16) bool { return s != 0 }); i >= 0 {
			t.Errorf("sample %d of the key at %v is %d", i-160, at, pcm[from+i])
		}
	}
}

// checkElsewhere wants all that is 110 ms or more away from keys untouched.
func checkElsewhere(t testing.TB, want, got []int16) {
	t.Helper()
	for i := range want {
		near := slices.ContainsFunc(pressed, func(at time.Duration) bool {
			from := int(at.Milliseconds()) * 8
			return i > from-880 && i < from+480+880
		})
		if !near && want[i] != got[i] {
			t.Fatalf("sample %d is %d, was %d", i, got[i], want[i])
		}
	}
}

// checkMaster wants no octet of audio in the packets of keys.
func checkMaster(t testing.TB, r *Reader) {
	t.Helper()
	for p, err := range r.Arrivals() {
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range pressed {
			from, to := earshot.PositionOf(at), earshot.PositionOf(at+60*time.Millisecond)
			if p.Position < to && p.End() > from && (p.Flags&(Silent|Masked) != Silent|Masked || slices.Max(p.Payload) != 0 || len(p.Payload) != 160) {
				t.Errorf("packet %d of the key at %v: flags %b", p.Seq, at, p.Flags)
			}
		}
	}
}

// Whenever the process is stopped, what is on disk can be read, and doing it
// again leads to the same file.
func TestScrubStoppedAnywhere(t *testing.T) {
	cfg := config(t)
	cfg.MaxSegment = 20_000
	keyed(t, cfg, "PCMU")
	spans := around(tonesOf(t, cfg))
	var states []string
	if _, err := scrub(cfg.withDefaults(), spans, func() {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(cfg.Dir)); err != nil {
			t.Fatal(err)
		}
		states = append(states, dir)
	}); err != nil {
		t.Fatal(err)
	}
	if len(states) < 10 {
		t.Fatalf("%d steps", len(states))
	}
	_, _, want := render(t, []Track{{open(t, cfg), 0}}, RenderOptions{})
	for i, dir := range states {
		stopped := cfg
		stopped.Dir = dir
		if n := open(t, stopped).Recorded(); n != 500 {
			t.Errorf("step %d: %d packets", i, n)
		}
		if _, err := Scrub(stopped, tonesOf(t, stopped)); err != nil {
			t.Fatal(err)
		}
		r := open(t, stopped)
		_, _, got := render(t, []Track{{r, 0}}, RenderOptions{})
		if !slices.Equal(got[0], want[0]) {
			t.Errorf("step %d: another file", i)
		}
		checkMaster(t, r)
		left, err := filepath.Glob(filepath.Join(dir, "call", "*"+scrubSuffix))
		if err != nil || len(left) != 0 {
			t.Errorf("step %d: left %v, %v", i, left, err)
		}
	}
}

// What is behind damage stays as it is, and so does the report of it.
func TestScrubLeavesDamage(t *testing.T) {
	cfg := config(t)
	keyed(t, cfg, "PCMU")
	tones := tonesOf(t, cfg)
	path := cfg.path(0)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before[60_000] ^= 1 // in the seventh second
	if err := os.WriteFile(path, before, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Scrub(cfg, tones); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil || len(after) != len(before) || !slices.Equal(after[60_000:], before[60_000:]) {
		t.Errorf("%d octets of %d, %v", len(after), len(before), err)
	}
	r, err := OpenReader(cfg)
	if err != nil || r.Problem() == nil || len(r.Masked()) != 1 {
		t.Errorf("masked %v, %v", r.Masked(), err)
	}
}

// A packet of Opus that follows a tone may have a copy of it.
func TestScrubTakesCopiesOfOpus(t *testing.T) {
	cfg := config(t)
	opus := earshot.Format{PayloadType: 96, Encoding: "opus", ClockRate: 48_000, Channels: 2}
	l := NewLog(cfg)
	if err := l.Start(origin, []earshot.Format{opus}); err != nil {
		t.Fatal(err)
	}
	for n := range 10 {
		p := numbered(n)
		p.PayloadType = 96
		l.Append(p)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	taken, err := scrub(cfg.withDefaults(), []Span{{3 * 960, 5 * 960}}, func() {})
	if want := (Span{3 * 960, 6 * 960}); err != nil || taken != 3 || !slices.Equal(open(t, cfg).Masked(), []Span{want}) {
		t.Errorf("%d packets, %v, %v", taken, open(t, cfg).Masked(), err)
	}
}

func TestFindTonesCanBeStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := FindTones(ctx, track{rate: 8000, pcm: level(1, 8000)}); err == nil {
		t.Error("it went on")
	}
}

// FuzzScrub is given segment files that are anything: the new one is as long,
// and taking tones from it again changes nothing.
func FuzzScrub(f *testing.F) {
	cfg := config(f)
	record(f, cfg, upTo(3)...)
	whole, err := os.ReadFile(cfg.path(0))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-5])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		once := copied(t, cfg.path(0), b)
		if len(once) != len(b) {
			t.Fatalf("%d octets of %d", len(once), len(b))
		}
		if twice := copied(t, cfg.path(0), once); !bytes.Equal(once, twice) {
			t.Error("not the same again")
		}
	})
}

// copied is what becomes of a segment file with a tone from 900 to 1000.
func copied(t *testing.T, path string, b []byte) []byte {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := scrubber{path: path, spans: []Span{{900, 1000}}, step: func() {}}
	if err := w.copy(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
