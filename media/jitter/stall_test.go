package jitter

import (
	"testing"
	"time"

	"earshot"
)

// What comes after a pause of two seconds tells by its pace what the pause was.
func TestStallAndHold(t *testing.T) {
	for _, c := range []struct {
		name    string
		atOnce  int           // packets that come together
		pace    time.Duration // of the others
		stalled bool
		certain int // how many packets make it certain
	}{
		{"hold", 1, frame, false, 0},
		{"hold, three at once", 3, frame, false, 0},
		{"hold, a little fast", 1, frame * 9 / 10, false, 0},
		{"stall, at once", 100, 0, true, 11},
		{"stall, ten times as fast", 1, frame / 10, true, 13},
		{"stall, four times as fast", 1, frame / 4, true, 15},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSender()
			var tl Timeline
			end := run(t, &tl, s, 50, 0)
			at := s.p.Arrival + int64(2*time.Second)
			var held []Packet
			certain := 0
			for from := at; at-from < int64(Patience) && len(held) < MaxHeld; {
				p := s.next()
				if p.Arrival = at; len(held)+1 >= c.atOnce {
					at += int64(c.pace)
				}
				if len(held) == 0 && !tl.Doubtful(p) {
					t.Fatal("no doubt")
				}
				if held = append(held, p); tl.Stalled(held) && certain == 0 {
					certain = len(held)
				}
			}
			if certain != c.certain {
				t.Errorf("certain with packet %d, want %d", certain, c.certain)
			}
			tl.Decide(held)
			want := end
			if !c.stalled {
				want = tl.clock(held[min(len(held), max(c.atOnce, 1))-1]) - earshot.Position(c.atOnce-1)*960
			}
			for _, p := range held {
				got := tl.Place(p)
				if off := got.Position - want; off < -960/2 || off > 960/2 || c.stalled && (off != 0 || got.Jump) {
					t.Fatalf("placed at %+v, want %d", got, want)
				}
				want += 960
			}
		})
	}
}

// Nothing is doubtful as long as it is in time, or if it tells where it belongs.
func TestNoDoubt(t *testing.T) {
	s := newSender()
	var tl Timeline
	for n := range 50 {
		p := s.next()
		if tl.Doubtful(p) {
			t.Fatalf("packet %d is doubtful", n)
		}
		tl.Place(p)
	}
	s.pause(5*time.Second, true) // DTX
	if p := s.p; tl.Doubtful(p) {
		t.Error("DTX is doubtful")
	}
	s.p.Timestamp -= 5 * 8000
	p := s.p
	if !tl.Doubtful(p) {
		t.Error("a hold is not")
	}
	p.SSRC++
	if tl.Doubtful(p) {
		t.Error("another source is doubtful")
	}
	p = s.p
	p.Duration = 0
	if tl.Doubtful(p) {
		t.Error("comfort noise is doubtful")
	}
}
