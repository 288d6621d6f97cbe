package earshot

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestIDsSortByTime(t *testing.T) {
	start := time.UnixMilli(1_700_000_000_000)
	var ids []string
	for i := range 100 {
		ids = append(ids, newIDAt(start.Add(time.Duration(i)*time.Millisecond)))
	}
	if !slices.IsSorted(ids) {
		t.Fatalf("IDs of rising times do not sort: %v", ids)
	}
	for _, id := range ids {
		if len(id) != idLength {
			t.Fatalf("ID %q has %d characters, want %d", id, len(id), idLength)
		}
	}
}

func TestIDsDiffer(t *testing.T) {
	seen := map[string]bool{}
	now := time.Now()
	for range 10_000 {
		id := newIDAt(now)
		if seen[id] {
			t.Fatalf("ID %q twice", id)
		}
		seen[id] = true
	}
}

func TestPositionIsExact(t *testing.T) {
	for _, rate := range []int{8000, 12000, 16000, 24000, 48000} {
		for _, n := range []int64{0, 1, 159, 160, 4*3600*int64(rate) + 7} {
			if got := At(n, rate).Samples(rate); got != n {
				t.Errorf("sample %d at %d Hz comes back as %d", n, rate, got)
			}
		}
	}
	if got := At(12_345, 8000).Duration(); got != 12_345*125*time.Microsecond {
		t.Errorf("Duration = %v", got)
	}
	if got := PositionOf(20 * time.Millisecond); got != 960 {
		t.Errorf("PositionOf(20ms) = %d, want 960", got)
	}
	four := 4 * time.Hour
	if got := PositionOf(four).Duration(); got != four {
		t.Errorf("four hours come back as %v", got)
	}
}

func TestUtteranceIDIsStable(t *testing.T) {
	a, b := UtteranceIDFor("s1", 960), UtteranceIDFor("s1", 960)
	if a != b || a == UtteranceIDFor("s1", 961) || a == UtteranceIDFor("s2", 960) {
		t.Fatalf("IDs must follow stream and position: %q %q", a, b)
	}
}

func TestSpeakerOnlyWhenKnown(t *testing.T) {
	c := Call{
		Participants: []Participant{{ID: "p1"}, {ID: "p2"}},
		Streams: []Stream{
			{ID: "one", ParticipantIDs: []ParticipantID{"p2"}},
			{ID: "mixed", ParticipantIDs: []ParticipantID{"p1", "p2"}},
			{ID: "nobody"},
		},
	}
	if p := c.Speaker("one"); p == nil || p.ID != "p2" {
		t.Errorf("Speaker(one) = %v", p)
	}
	for _, id := range []StreamID{"mixed", "nobody", "unknown"} {
		if p := c.Speaker(id); p != nil {
			t.Errorf("Speaker(%s) = %v, want nil", id, p)
		}
	}
}

func TestPermanent(t *testing.T) {
	if Permanent(nil) != nil {
		t.Error("Permanent(nil) is an error")
	}
	var p *PermanentError
	if err := Permanent(ErrNotFound); !errors.As(err, &p) || !errors.Is(err, ErrNotFound) {
		t.Errorf("Permanent hides its cause: %v", err)
	}
}
