package earshot

import "time"

// Figures are what the calls that began in a span of time add up to. But for the
// latencies those of several spans may be added.
type Figures struct {
	Calls    int64 `json:"calls"`
	Inbound  int64 `json:"inbound"`
	Outbound int64 `json:"outbound"`
	// Ended counts the calls that are over, and HandledMS is how long they took
	// together, from beginning to end.
	Ended     int64 `json:"ended"`
	HandledMS int64 `json:"handled_ms"`
	// Negative, Neutral and Positive count the calls by how the customer sounded.
	// Calls in which no word tells are in none of them.
	Negative int64 `json:"negative"`
	Neutral  int64 `json:"neutral"`
	Positive int64 `json:"positive"`
	// Suggested counts the cards and answers that were shown; Used, Dismissed and
	// Wrong what agents made of them.
	Suggested int64 `json:"suggested"`
	Used      int64 `json:"used"`
	Dismissed int64 `json:"dismissed"`
	Wrong     int64 `json:"wrong"`
	// Notes counts what was to be written into other systems, each revision by
	// itself, and NotesFailed what could not be.
	Notes       int64 `json:"notes"`
	NotesFailed int64 `json:"notes_failed"`
	// Finals counts the utterances recognised live, and Late those that came from
	// the backlog. The latencies are of live ones, from the end of what was said
	// until its text was there: of the half, and of 95 in a hundred, it was no more.
	Finals       int64 `json:"finals"`
	Late         int64 `json:"late"`
	LatencyP50MS int64 `json:"latency_p50_ms"`
	LatencyP95MS int64 `json:"latency_p95_ms"`
	// Latencies are what the last two are of.
	Latencies Latencies `json:"-"`
}

// Add adds the figures of another span.
func (f *Figures) Add(o Figures) {
	for _, p := range []struct {
		to *int64
		n  int64
	}{
		{&f.Calls, o.Calls},
		{&f.Inbound, o.Inbound},
		{&f.Outbound, o.Outbound},
		{&f.Ended, o.Ended},
		{&f.HandledMS, o.HandledMS},
		{&f.Negative, o.Negative},
		{&f.Neutral, o.Neutral},
		{&f.Positive, o.Positive},
		{&f.Suggested, o.Suggested},
		{&f.Used, o.Used},
		{&f.Dismissed, o.Dismissed},
		{&f.Wrong, o.Wrong},
		{&f.Notes, o.Notes},
		{&f.NotesFailed, o.NotesFailed},
		{&f.Late, o.Late},
	} {
		*p.to += p.n
	}
	for i, n := range o.Latencies {
		f.Latencies[i] += n
	}
	f.Summarize()
}

// Summarize sets what follows from the latencies.
func (f *Figures) Summarize() {
	f.Finals, f.LatencyP50MS, f.LatencyP95MS = f.Latencies.Count(), f.Latencies.Quantile(0.5), f.Latencies.Quantile(0.95)
}

// Latencies count utterances by their latency: the i-th those of more than the
// bound before and at most the i-th of [LatencyBounds], the last all others.
type Latencies [8]int64

// LatencyBounds are in milliseconds.
var LatencyBounds = [len(Latencies{}) - 1]int64{250, 500, 750, 1000, 1500, 2500, 5000}

// Count returns how many there are.
func (l Latencies) Count() int64 {
	sum := int64(0)
	for _, n := range l {
		sum += n
	}
	return sum
}

// Quantile returns the latency in milliseconds that a share of them does not
// exceed, as if they were even between two bounds. Beyond the last bound it is
// that one; of none it is 0.
func (l Latencies) Quantile(share float64) int64 {
	left := share * float64(l.Count())
	below := int64(0)
	for i, bound := range LatencyBounds {
		if n := float64(l[i]); n > 0 && left <= n {
			return below + int64(left/n*float64(bound-below))
		} else {
			left -= n
		}
		below = bound
	}
	if l.Count() == 0 {
		return 0
	}
	return below
}

// FiguresQuery asks for figures by days.
type FiguresQuery struct {
	// Days are when the days begin, and last when the last one ends.
	Days []time.Time
	// AgentID restricts them to the calls of an agent of the directory unless
	// empty, Audience to those that somebody may see.
	AgentID  string
	Audience Audience
}

// DaysFigures are the figures of days, and what the calls of all of them were
// about, the most frequent first.
type DaysFigures struct {
	Days     []Figures
	Tags     []NamedCount
	Outcomes []NamedCount
}

// NamedCount says how many calls have a tag or an outcome.
type NamedCount struct {
	Name  string `json:"name"`
	Calls int64  `json:"calls"`
}
