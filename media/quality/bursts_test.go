package quality

import (
	"strings"
	"testing"
)

// pattern feeds packets: x is missing, anything else came.
func pattern(s string) Bursts {
	var b Bursts
	for _, c := range s {
		b.Add(c == 'x')
	}
	return b.Settled()
}

func TestBursts(t *testing.T) {
	good := strings.Repeat(".", Gmin)
	for _, tt := range []struct {
		name, packets             string
		runs, count, span, within uint64
	}{
		{"nothing lost", good + good, 0, 0, 0, 0},
		{"one alone", good + "x" + good, 1, 0, 0, 0},
		{"two in a row", good + "xx" + good, 1, 1, 2, 2},
		{"near to each other", good + "x..x" + good, 2, 1, 4, 2},
		{"just near enough", "x" + good[1:] + "x" + good, 2, 1, Gmin + 1, 2},
		{"too far apart", "x" + good + "x" + good, 2, 0, 0, 0},
		{"two bursts", "xx" + good + "x.x.x" + good + "x", 5, 2, 7, 5},
		{"not over yet", good + "xx.", 1, 1, 2, 2},
	} {
		b := pattern(tt.packets)
		if b.Runs != tt.runs || b.Count != tt.count || b.Span != tt.span || b.Within != tt.within {
			t.Errorf("%s: %+v", tt.name, b)
		}
		if b.Packets != uint64(len(tt.packets)) || b.Missing != uint64(strings.Count(tt.packets, "x")) {
			t.Errorf("%s: %d packets, %d missing", tt.name, b.Packets, b.Missing)
		}
	}
}

func TestDensities(t *testing.T) {
	// 8 packets of burst, 4 of them missing; 92 outside, one of them missing.
	b := pattern(strings.Repeat(".", 40) + "x.xx...x" + strings.Repeat(".", 30) + "x" + strings.Repeat(".", 21))
	if b.Packets != 100 || b.BurstDensity() != 0.5 || b.GapDensity() != 1.0/92 || b.BurstPackets() != 8 || b.GapPackets() != 46 {
		t.Errorf("%+v: densities %v and %v, lengths %v and %v", b, b.BurstDensity(), b.GapDensity(), b.BurstPackets(), b.GapPackets())
	}
	// Five missing in four runs: 1.25 on average, 1/(1-0.05) at random.
	if got := b.Ratio(); !near(got, 1.25*0.95, 1e-9) {
		t.Errorf("burst ratio %v", got)
	}
	empty := Bursts{}
	if empty.Ratio() != 1 || empty.Loss() != 0 || empty.GapPackets() != 0 || empty.BurstPackets() != 0 {
		t.Errorf("of nothing: %v %v %v", empty.Ratio(), empty.Loss(), empty.GapPackets())
	}
}
