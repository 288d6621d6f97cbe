package record

import (
	"os"
	"testing"
)

func TestArrivalsAreInTheOrderTheyCame(t *testing.T) {
	cfg := config(t)
	cfg.MaxSegment = 4000 // many files
	want := []int{0, 1, 3, 2, 4, 6, 5}
	for n := 7; n < 500; n++ {
		want = append(want, n)
	}
	record(t, cfg, want...)
	r, err := OpenReader(cfg)
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for p, err := range r.Arrivals() {
		if err != nil {
			t.Fatal(err)
		}
		wanted := numbered(want[i])
		if p.Seq != wanted.Seq || p.Arrival != wanted.Arrival || len(p.Payload) != len(wanted.Payload) || p.Payload[0] != wanted.Payload[0] ||
			p.Format == nil || *p.Format != *wanted.Format {
			t.Fatalf("packet %d is %d", i, p.Seq)
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%d packets, want %d", i, len(want))
	}
	for range r.Arrivals() {
		break // who has seen enough
	}
	if err := os.Remove(cfg.path(3)); err != nil {
		t.Fatal(err)
	}
	var last error
	for _, last = range r.Arrivals() {
	}
	if last == nil {
		t.Error("a file that is gone is no error")
	}
}
