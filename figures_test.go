package earshot

import "testing"

func TestLatencies(t *testing.T) {
	for _, c := range []struct {
		of       Latencies
		p50, p95 int64
	}{
		{Latencies{}, 0, 0},
		{Latencies{100}, 125, 237},
		{Latencies{0, 10}, 375, 487},
		{Latencies{0, 50, 40, 10}, 500, 875},
		{Latencies{7: 3}, 5000, 5000},
	} {
		if p50, p95 := c.of.Quantile(0.5), c.of.Quantile(0.95); p50 != c.p50 || p95 != c.p95 {
			t.Errorf("%v: %d and %d, want %d and %d", c.of, p50, p95, c.p50, c.p95)
		}
	}
}

func TestFiguresAdd(t *testing.T) {
	var sum Figures
	sum.Add(Figures{Calls: 1, Ended: 1, HandledMS: 5, Latencies: Latencies{1}})
	sum.Add(Figures{Calls: 2, Wrong: 3, Late: 4, Latencies: Latencies{0, 3}})
	want := Figures{Calls: 3, Ended: 1, HandledMS: 5, Wrong: 3, Late: 4, Latencies: Latencies{1, 3}, Finals: 4, LatencyP50MS: 333, LatencyP95MS: 483}
	if sum != want {
		t.Errorf("%+v, want %+v", sum, want)
	}
}
