package measure

import (
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/spoken"
)

const (
	minute = 60_000
	// leastRated is how long in milliseconds a party must have spoken for its
	// rate to mean something.
	leastRated = 3000
	// A party interrupts with at least interruptWords, when the other one has
	// spoken for interruptAfter and goes on for interruptOver milliseconds: a
	// reply that comes a little early is none.
	interruptWords = 3
	interruptAfter = 500
	interruptOver  = 300
)

// party is what one party said.
type party struct {
	earshot.PartyMeasure
	utterances []earshot.Utterance
	talk       []span
	ratings    []float64
}

// Of measures a call by its final utterances. A live call is measured up to
// now.
func Of(call *earshot.Call, utterances []earshot.Utterance, now time.Time) earshot.Measures {
	utterances = slices.Clone(utterances)
	slices.SortStableFunc(utterances, func(a, b earshot.Utterance) int { return int(a.StartMS - b.StartMS) })
	parties := partiesOf(utterances)
	out := earshot.Measures{CallID: call.ID, DurationMS: call.Duration(now).Milliseconds(), Parties: []earshot.PartyMeasure{}}
	for _, u := range utterances {
		out.DurationMS = max(out.DurationMS, u.EndMS)
	}
	var talk []span
	sum := int64(0)
	for _, p := range parties {
		p.count(parties)
		talk = append(talk, p.talk...)
		sum += p.TalkMS
	}
	talk = union(talk)
	hold := stretches(call.Marks, earshot.MarkHold, earshot.MarkUnhold, out.DurationMS)
	paused := stretches(call.Marks, earshot.MarkPause, earshot.MarkResume, out.DurationMS)
	out.TalkMS = total(talk, 0, out.DurationMS)
	out.OvertalkMS = total(overtalk(parties), 0, out.DurationMS)
	out.HoldMS, out.PausedMS = total(hold, 0, out.DurationMS), total(paused, 0, out.DurationMS)
	for _, s := range gaps(union(slices.Concat(talk, hold, paused)), out.DurationMS) {
		out.SilenceMS += s.length()
		out.LongestSilenceMS = max(out.LongestSilenceMS, s.length())
	}
	for _, p := range parties {
		if sum > 0 {
			p.TalkShare = float64(p.TalkMS) / float64(sum)
		}
		out.Parties = append(out.Parties, p.PartyMeasure)
	}
	out.Minutes = minutes(parties, out.DurationMS)
	return out
}

// partiesOf divides utterances, which are in order, by who spoke: the
// participant, or the stream if none is known.
func partiesOf(utterances []earshot.Utterance) []*party {
	var out []*party
	for _, u := range utterances {
		if strings.TrimSpace(u.Text) == "" {
			continue
		}
		i := slices.IndexFunc(out, func(p *party) bool {
			if u.ParticipantID != "" || p.ParticipantID != "" {
				return p.ParticipantID == u.ParticipantID
			}
			return p.StreamID == u.StreamID
		})
		if i < 0 {
			i = len(out)
			out = append(out, &party{PartyMeasure: earshot.PartyMeasure{ParticipantID: u.ParticipantID, StreamID: u.StreamID, Role: u.Role}})
		}
		out[i].utterances = append(out[i].utterances, u)
		out[i].talk = append(out[i].talk, span{u.StartMS, u.EndMS})
	}
	for _, p := range out {
		p.talk = union(p.talk)
	}
	return out
}

// count measures one of the parties.
func (p *party) count(all []*party) {
	for _, s := range p.talk {
		p.TalkMS += s.length()
		p.LongestTurnMS = max(p.LongestTurnMS, s.length())
	}
	for _, u := range p.utterances {
		n := len(spoken.Words(u.Text))
		p.Words += n
		if rating, ok := spoken.Sentiment(u.Text); ok {
			p.ratings = append(p.ratings, rating)
		}
		if n >= interruptWords && interrupts(u, p, all) {
			p.Interruptions++
		}
	}
	if p.TalkMS >= leastRated {
		p.WordsPerMinute = float64(p.Words) * minute / float64(p.TalkMS)
	}
	p.Sentiment = spoken.MoodOf(p.ratings)
}

// interrupts reports whether an utterance begins while another party speaks.
func interrupts(u earshot.Utterance, by *party, all []*party) bool {
	for _, other := range all {
		if other == by {
			continue
		}
		for _, s := range other.talk {
			if u.StartMS >= s.from+interruptAfter && u.StartMS <= s.to-interruptOver {
				return true
			}
		}
	}
	return false
}

// overtalk returns when more than one party spoke.
func overtalk(parties []*party) []span {
	var out []span
	for i, a := range parties {
		for _, b := range parties[i+1:] {
			for _, s := range a.talk {
				for _, o := range b.talk {
					out = append(out, o.within(s.from, s.to))
				}
			}
		}
	}
	return union(out)
}

// stretches returns the times between two kinds of marks. Several streams may
// be held at once; a stretch that has no end lasts up to the end of the call.
func stretches(marks []earshot.Mark, begin, end earshot.MarkKind, until int64) []span {
	var out []span
	open := map[earshot.StreamID]int64{}
	for _, m := range marks {
		from, isOpen := open[m.StreamID]
		switch {
		case m.Kind == begin && !isOpen:
			open[m.StreamID] = m.AtMS
		case m.Kind == end && isOpen:
			out = append(out, span{from, m.AtMS})
			delete(open, m.StreamID)
		}
	}
	for _, from := range open {
		out = append(out, span{from, until})
	}
	return union(out)
}

// minutes measures each minute by itself.
func minutes(parties []*party, until int64) []earshot.MinuteMeasure {
	out := []earshot.MinuteMeasure{}
	for at := int64(0); at < until; at += minute {
		m := earshot.MinuteMeasure{AtMS: at, Parties: []earshot.MinuteParty{}}
		for _, p := range parties {
			m.Parties = append(m.Parties, p.between(at, at+minute))
		}
		out = append(out, m)
	}
	return out
}

func (p *party) between(from, to int64) earshot.MinuteParty {
	out := earshot.MinuteParty{TalkMS: total(p.talk, from, to)}
	var ratings []float64
	for _, u := range p.utterances {
		if u.StartMS < from || u.StartMS >= to {
			continue
		}
		if rating, ok := spoken.Sentiment(u.Text); ok {
			ratings = append(ratings, rating)
		}
	}
	if len(ratings) > 0 {
		score := spoken.MoodOf(ratings).Score
		out.Sentiment = &score
	}
	return out
}
