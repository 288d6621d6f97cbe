package assist

import (
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"earshot"
	"earshot/spoken"
)

// Stage is a part of a call.
type Stage string

// The stages. A call opens for a while; later it closes for a minute after
// somebody said what people say then; all else is its middle.
const (
	StageOpening Stage = "opening"
	StageMiddle  Stage = "middle"
	StageClosing Stage = "closing"
)

const (
	defaultOpening = time.Minute
	closingFor     = time.Minute
	// overtalkOf is the time of which overtalk is a part.
	overtalkOf = time.Minute
	// moodOf is how many of a speaker's utterances that sound of anything make the
	// mood, leastMood how many there must be.
	moodOf, leastMood = 3, 2
	// clearMood is how far from neutral their mean must be: further than what is
	// called a mood elsewhere, since somebody is interrupted for it.
	clearMood = 0.3
	// Bounds of what rules may wait for.
	leastWait, mostWait = time.Second, 4 * time.Hour
)

// usualClosing is what is said when a call closes, if the playbook does not say.
var usualClosing = []string{
	"anything else i can", "anything else you need", "is there anything else", "thank you for calling", "thanks for calling",
	"have a nice day", "have a good day", "have a great day", "goodbye", "bye bye",
}

// stages reads where calls open and close.
func (r *reader) stages(n *yaml.Node, book *Playbook) {
	f := r.mapping(n, "stages", "opening", "closing")
	if o := f["opening"]; o != nil {
		book.Opening = r.duration(o, "opening")
	}
	if book.closing = r.phrases(f["closing"], "closing"); f["closing"] == nil {
		for _, text := range usualClosing {
			book.closing = append(book.closing, newPhrase(text))
		}
	}
}

// stageNames reads one stage or a list of them.
func (r *reader) stageNames(n *yaml.Node) []Stage {
	if n = plain(n); n == nil {
		return nil
	}
	items := []*yaml.Node{n}
	if n.Kind != yaml.ScalarNode {
		items = r.sequence(n, "stage")
	}
	var out []Stage
	for _, item := range items {
		s := Stage(r.text(item, "stage"))
		if s != "" && !slices.Contains([]Stage{StageOpening, StageMiddle, StageClosing}, s) {
			r.fail(item, "stage %q is none of opening, middle, closing", s)
		}
		out = append(out, s)
	}
	return out
}

// happens reads what must happen, and that it is one thing.
func (r *reader) happens(n *yaml.Node, f map[string]*yaml.Node, w *When) {
	words := f["phrases"] != nil || f["patterns"] != nil
	var what []string
	if words {
		what = append(what, "phrases or patterns")
	}
	for _, wait := range []struct {
		name string
		to   *time.Duration
	}{{"missing", &w.Missing}, {"silence", &w.Silence}, {"hold", &w.Hold}, {"overtalk", &w.Overtalk}} {
		v := f[wait.name]
		if v == nil {
			continue
		}
		d := r.duration(v, wait.name)
		if d < leastWait || d > mostWait || wait.name == "overtalk" && d > overtalkOf {
			r.fail(v, "%s %q is not from 1s on, up to %s", wait.name, v.Value, map[bool]string{true: "1m", false: "4h"}[wait.name == "overtalk"])
		}
		*wait.to = d
		if wait.name != "missing" {
			what = append(what, wait.name)
		}
	}
	if m := f["mood"]; m != nil {
		what = append(what, "mood")
		w.Mood = earshot.Mood(r.text(m, "mood"))
		if w.Mood != earshot.MoodNegative && w.Mood != earshot.MoodPositive {
			r.fail(m, "mood %q is neither negative nor positive", w.Mood)
		}
	}
	switch {
	case f == nil:
	case len(what) > 1:
		r.fail(n, "when has %s; one is allowed", strings.Join(what, " and "))
	case w.Missing > 0 && !words:
		r.fail(n, "missing needs phrases or patterns: what must have been said")
	case len(what) == 0:
		r.fail(n, "when needs phrases, patterns, silence, hold, overtalk or mood")
	case !words && f["not"] != nil:
		r.fail(f["not"], "not belongs to phrases or patterns")
	case f["speaker"] != nil && !words && w.Mood == "":
		r.fail(f["speaker"], "speaker belongs to phrases, patterns or mood")
	}
}

// stage returns where a call is at a moment, by what was said up to then.
func (p *Playbook) stage(said []earshot.Utterance, atMS int64) Stage {
	for _, u := range slices.Backward(said) {
		if u.EndMS > atMS || u.EndMS < p.Opening.Milliseconds() { // "thank you for calling" greets, too
			continue
		}
		if atMS-u.EndMS > closingFor.Milliseconds() {
			break
		}
		terms := spoken.Terms(spoken.Words(u.Text))
		if slices.ContainsFunc(p.closing, func(c phrase) bool { return c.in(terms, 0) }) {
			return StageClosing
		}
	}
	if atMS < p.Opening.Milliseconds() {
		return StageOpening
	}
	return StageMiddle
}

// in reports whether a stage is one that counts.
func (w *When) in(s Stage) bool { return len(w.Stages) == 0 || slices.Contains(w.Stages, s) }

// sounds reports whether the speaker of u, the newest of said, has sounded like
// the rule's mood lately, with u.
func (w *When) sounds(said []earshot.Utterance, u earshot.Utterance) bool {
	if _, says := spoken.Sentiment(u.Text); !says {
		return false
	}
	var ratings []float64
	for i := len(said) - 1; i >= 0 && len(ratings) < moodOf; i-- {
		if said[i].StreamID != u.StreamID || said[i].ParticipantID != u.ParticipantID {
			continue
		}
		if rating, says := spoken.Sentiment(said[i].Text); says {
			ratings = append(ratings, rating)
		}
	}
	m := spoken.MoodOf(ratings)
	return m.Rated >= leastMood && m.Mood == w.Mood && (m.Score >= clearMood || m.Score <= -clearMood)
}

// overtalk returns how long of the minute up to a moment more than one party
// spoke.
func overtalk(said []earshot.Utterance, atMS int64) time.Duration {
	from := atMS - overtalkOf.Milliseconds()
	type edge struct {
		at   int64
		step int
	}
	var edges []edge
	for _, u := range said {
		if begin, end := max(u.StartMS, from), min(u.EndMS, atMS); begin < end {
			edges = append(edges, edge{begin, 1}, edge{end, -1})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return int(a.at - b.at) })
	sum, speaking, since := int64(0), 0, int64(0)
	for _, e := range edges {
		if speaking > 1 {
			sum += e.at - since
		}
		speaking, since = speaking+e.step, e.at
	}
	return time.Duration(sum) * time.Millisecond
}
