package assist

import (
	"slices"
	"time"

	"earshot"
)

// Waits are what the playbook's rules wait for, each once, the shortest first.
type Waits struct {
	// Missing are times in the call at which something must have been said,
	// Silence and Hold how long these last.
	Missing, Silence, Hold []time.Duration
}

// Waits returns the times after which [Assistant.Due] is to be asked.
func (a *Assistant) Waits() Waits {
	var w Waits
	for _, r := range a.playbook.Load().Rules {
		for _, one := range []struct {
			to *[]time.Duration
			d  time.Duration
		}{{&w.Missing, r.When.Missing}, {&w.Silence, r.When.Silence}, {&w.Hold, r.When.Hold}} {
			if i, found := slices.BinarySearch(*one.to, one.d); one.d > 0 && !found {
				*one.to = slices.Insert(*one.to, i, one.d)
			}
		}
	}
	return w
}

// Due returns what rules suggest that wait for a moment of the call, in
// milliseconds since its start: that something has not been said by then, that
// nobody has spoken, or that somebody is on hold. told says that said holds all
// that was said up to then; if not, only holds are looked at. made are the
// suggestions of the call so far. Asked again for the same moment it makes
// suggestions of the same IDs.
func (a *Assistant) Due(call earshot.Call, said []earshot.Utterance, atMS int64, told bool, made []earshot.Suggestion) []earshot.Suggestion {
	var out []earshot.Suggestion
	book := a.playbook.Load()
	last := lastOf(said, atMS)
	for _, r := range book.Rules {
		if !r.When.Timed() || !told && r.When.Hold == 0 || !r.mayAgain(atMS, made) || !r.When.in(book.stage(said, atMS)) || !r.When.due(call, said, atMS) {
			continue
		}
		s := r.suggestion(call.ID, last, atMS)
		s.ID = suggestionID(call.ID, "", "rule:"+r.ID+"@"+time.Duration(atMS*int64(time.Millisecond)).String())
		a.made.WithLabelValues(s.Kind, byRules).Inc()
		out = append(out, s)
	}
	return out
}

// due reports whether what the rule waits for is so at a moment.
func (w *When) due(call earshot.Call, said []earshot.Utterance, atMS int64) bool {
	switch {
	case w.Missing > 0:
		return atMS == w.Missing.Milliseconds() && !w.saidBy(call, said, atMS)
	case w.Silence > 0:
		from := atMS - w.Silence.Milliseconds()
		return from >= 0 && !slices.ContainsFunc(said, func(u earshot.Utterance) bool { return u.StartMS < atMS && u.EndMS > from }) &&
			!stopped(call.Marks, from, atMS)
	}
	since, held := heldSince(call.Marks, atMS)
	return held && atMS-since >= w.Hold.Milliseconds()
}

// saidBy reports whether the words were said before a moment by whom the rule
// wants to say them. Who is not known may have been it.
func (w *When) saidBy(call earshot.Call, said []earshot.Utterance, ms int64) bool {
	for i, u := range said {
		if u.StartMS >= ms {
			continue
		}
		if w.Passes(roleOf(call, u, said[:i])) && w.said(newSpeech(fragmentBefore(said[:i], u), u.Text)) {
			return true
		}
	}
	return false
}

// lastOf is the utterance that ended last before a moment; the zero one if none
// did.
func lastOf(said []earshot.Utterance, atMS int64) earshot.Utterance {
	var last earshot.Utterance
	for _, u := range said {
		if u.EndMS <= atMS && u.EndMS >= last.EndMS {
			last = u
		}
	}
	return last
}

// heldSince returns since when any stream has been on hold at a moment.
func heldSince(marks []earshot.Mark, atMS int64) (since int64, held bool) {
	open := map[earshot.StreamID]int64{}
	for _, m := range marks {
		if m.AtMS > atMS {
			continue
		}
		switch m.Kind {
		case earshot.MarkHold:
			if _, already := open[m.StreamID]; !already {
				open[m.StreamID] = m.AtMS
			}
		case earshot.MarkUnhold:
			delete(open, m.StreamID)
		default:
		}
	}
	for _, at := range open {
		if !held || at < since {
			since, held = at, true
		}
	}
	return since, held
}

// stopped reports whether the call was on hold or its recording paused at any
// time between two moments: silence is no wonder then.
func stopped(marks []earshot.Mark, from, to int64) bool {
	if _, held := heldSince(marks, from); held {
		return true
	}
	paused := false
	for _, m := range marks {
		begins := m.Kind == earshot.MarkHold || m.Kind == earshot.MarkPause
		if begins && m.AtMS >= from && m.AtMS < to {
			return true
		}
		if m.AtMS < from && (m.Kind == earshot.MarkPause || m.Kind == earshot.MarkResume) {
			paused = m.Kind == earshot.MarkPause
		}
	}
	return paused
}
