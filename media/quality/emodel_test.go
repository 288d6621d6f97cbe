package quality

import (
	"math"
	"testing"
	"time"

	"earshot"
)

func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }

// Values out of G.107: the default rating and its MOS (7.7, annex B), the
// table of user satisfaction (G.109 table 1, G.107 table B.1).
func TestMOSOfR(t *testing.T) {
	for _, tt := range []struct{ r, mos float64 }{
		{93.2, 4.41},
		{90, 4.34},
		{80, 4.03},
		{70, 3.60},
		{60, 3.10},
		{50, 2.58},
		{100, 4.5},
		{129, 4.5},
		{0, 1},
		{-5, 1},
		{3, 1},
	} {
		if got := Narrowband.MOS(tt.r); !near(got, tt.mos, 0.01) {
			t.Errorf("MOS of R %.1f is %.3f, want %.2f", tt.r, got, tt.mos)
		}
	}
	for _, tt := range []struct{ r, mos float64 }{{129, 4.5}, {116.1, 4.34}, {103.2, 4.03}, {64.5, 2.58}} {
		if got := Wideband.MOS(tt.r); !near(got, tt.mos, 0.01) {
			t.Errorf("wideband MOS of R %.1f is %.3f, want %.2f", tt.r, got, tt.mos)
		}
	}
}

// The impairment by pure delay: none up to 100 ms, and values worked by hand
// from the formula of G.107 7.4 beyond.
func TestDelay(t *testing.T) {
	for _, tt := range []struct {
		ms  int
		idd float64
	}{{0, 0}, {100, 0}, {150, 0.16}, {200, 3.04}, {300, 14.76}, {400, 24.07}, {500, 30.64}} {
		got := delayImpairment(time.Duration(tt.ms) * time.Millisecond)
		if !near(got, tt.idd, 0.05) {
			t.Errorf("Idd of %d ms is %.2f, want %.2f", tt.ms, got, tt.idd)
		}
	}
}

// Ie-eff worked by hand from the formula of G.107 7.5 and the values of G.113.
func TestLoss(t *testing.T) {
	pcmu := earshot.Format{Encoding: "PCMU", ClockRate: 8000}
	g729 := earshot.Format{Encoding: "G729", ClockRate: 8000}
	g722 := earshot.Format{Encoding: "G722", ClockRate: 8000}
	for _, tt := range []struct {
		name        string
		format      earshot.Format
		loss, burst float64
		r, mos      float64
		model       Model
	}{
		{"G.711", pcmu, 0, 1, 93.2, 4.41, Narrowband},
		{"G.711, 1 %", pcmu, 0.01, 1, 89.56, 4.33, Narrowband},
		{"G.711, 5 %", pcmu, 0.05, 1, 77.42, 3.93, Narrowband},
		{"G.711, 5 % in bursts", pcmu, 0.05, 2, 75.99, 3.87, Narrowband},
		{"G.711, 5 % in bursts past the limit", pcmu, 0.05, 9, 75.99, 3.87, Narrowband},
		{"G.729", g729, 0, 1, 82.2, 4.11, Narrowband},
		{"G.729, 2 %", g729, 0.02, 1, 74.2, 3.80, Narrowband},
		{"G.722", g722, 0, 1, 116, 4.34, Wideband},
		{"all lost", pcmu, 1, 1, 17.26, 1.17, Narrowband},
	} {
		c := CodecOf(tt.format)
		r := c.R(Path{Loss: tt.loss, BurstRatio: tt.burst})
		if !near(r, tt.r, 0.02) || !near(c.Model.MOS(r), tt.mos, 0.02) || c.Model != tt.model {
			t.Errorf("%s: R %.2f, MOS %.2f by %s; want %.2f, %.2f by %s", tt.name, r, c.Model.MOS(r), c.Model, tt.r, tt.mos, tt.model)
		}
	}
}

// The rating never gets better when something gets worse.
func TestMonotony(t *testing.T) {
	for _, name := range []string{"PCMA", "G729", "G722", "opus"} {
		c := CodecOf(earshot.Format{Encoding: name, ClockRate: 8000})
		last, lastDelay := math.Inf(1), math.Inf(1)
		for i := range 101 {
			r := c.R(Path{Loss: float64(i) / 100, BurstRatio: 1})
			if r > last || r < 0 {
				t.Errorf("%s: R %.2f at %d %% loss, %.2f at less", name, r, i, last)
			}
			last = r
			r = c.R(Path{Delay: time.Duration(i) * 20 * time.Millisecond})
			if r > lastDelay+1e-9 {
				t.Errorf("%s: R %.2f at %d ms, %.2f at less", name, r, i*20, lastDelay)
			}
			lastDelay = r
		}
	}
}

func TestCodecs(t *testing.T) {
	for _, tt := range []struct {
		encoding string
		rate     int
		want     *Codec
	}{
		{"pcma", 8000, g711}, {"OPUS", 48000, opus}, {"L16", 8000, linear}, {"L16", 44100, wideLinear}, {"CN", 8000, nil}, {"GSM", 8000, nil},
	} {
		if got := CodecOf(earshot.Format{Encoding: tt.encoding, ClockRate: tt.rate}); got != tt.want {
			t.Errorf("%s/%d: %+v", tt.encoding, tt.rate, got)
		}
	}
}
