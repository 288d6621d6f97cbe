package main

import (
	"context"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"earshot"
	"earshot/store/sqlite"
)

// sentences.txt is what is said: sentences of scripted calls. How common the
// common words are is as in them.
//
//go:embed sentences.txt
var sentenceFile string

const (
	vocabulary  = 60_000 // words that take the place of some words of sentences
	agents      = 200
	teams       = 12
	callsAtOnce = 40 // calls of one commit
	days        = 730
)

// newest is when the last generated call begins.
var newest = time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC)

// talk makes up what is said. It is always the same for the same seed.
type talk struct {
	*rand.Rand
	sentences [][]string
	zipf      *rand.Zipf
}

func newTalk(seed uint64) *talk {
	r := rand.New(rand.NewPCG(seed, 8))
	t := &talk{Rand: r, zipf: rand.NewZipf(r, 1.05, 4, vocabulary-1)}
	for line := range strings.Lines(sentenceFile) {
		t.sentences = append(t.sentences, strings.Fields(line))
	}
	return t
}

// word returns the i-th of the words that are made up, the most common first.
func word(i int) string {
	const consonants, vowels = "bdfgklmnprstvz", "aeiou"
	var b strings.Builder
	i = (i*7919 + 31337) % (70 * 70 * 70) // neighbours do not look alike
	for range 3 {
		s := i % 70
		b.WriteByte(consonants[s/5])
		b.WriteByte(vowels[s%5])
		i /= 70
	}
	return b.String()
}

// say returns one to three sentences, in which every eighth longer word is
// another one and every sixteenth a number.
func (t *talk) say() string {
	words := make([]string, 0, 32)
	for range 1 + t.IntN(3) {
		for _, w := range t.sentences[t.IntN(len(t.sentences))] {
			switch {
			case len(w) < 5:
			case t.IntN(8) == 0:
				w = word(int(t.zipf.Uint64()))
			case t.IntN(16) == 0:
				w = fmt.Sprint(1000 + t.IntN(999_000))
			}
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

// tags are what calls are tagged with, and how many of a thousand are.
var tags = []struct {
	name     string
	thousand int
}{{"queue:support", 450}, {"queue:sales", 250}, {"billing", 120}, {"refund", 40}, {"vip", 10}, {"legal", 2}}

var outcomes = []string{"resolved", "follow-up", "sale", "cancelled", "no answer"}

func callID(i int) earshot.CallID { return earshot.CallID(fmt.Sprintf("gen%07d", i)) }

func agentID(i int) string { return fmt.Sprintf("agent%03d", i) }

func teamID(i int) string { return fmt.Sprintf("team%02d", i) }

// call returns the i-th of n calls with the utterances of it.
func (t *talk) call(i, n int) (earshot.Call, []earshot.Utterance) {
	id := callID(i)
	agent := t.IntN(agents)
	c := earshot.Call{
		ID: id, State: earshot.CallSettled, Direction: earshot.DirectionInbound,
		StartedAt: newest.Add(-time.Duration(n-1-i) * (days * 24 * time.Hour / time.Duration(n))),
		Participants: []earshot.Participant{
			{
				ID: "p1", Name: fmt.Sprintf("Agent %d", agent), Role: earshot.RoleAgent,
				AgentID: agentID(agent), Team: teamID(agent % teams),
			},
			{ID: "p2", Name: word(t.IntN(vocabulary)), AOR: fmt.Sprintf("sip:+1555%07d@example.com", t.IntN(9999999)), Role: earshot.RoleCustomer},
		},
		Streams: []earshot.Stream{
			{ID: earshot.StreamID(id + "-a"), ParticipantIDs: []earshot.ParticipantID{"p1"}},
			{ID: earshot.StreamID(id + "-c"), ParticipantIDs: []earshot.ParticipantID{"p2"}},
		},
		TranscriptComplete: true, RecordingReady: true,
	}
	switch k := t.IntN(100); {
	case k < 2:
		c.Direction = earshot.DirectionInternal
	case k < 30:
		c.Direction = earshot.DirectionOutbound
	}
	for _, tag := range tags {
		if t.IntN(1000) < tag.thousand {
			c.Tags = append(c.Tags, tag.name)
		}
	}
	count := 5 + int(t.ExpFloat64()*20) // a few calls are long
	list := make([]earshot.Utterance, count)
	at := int64(0)
	for k := range list {
		list[k] = t.utterance(c, k%2, at)
		at = list[k].EndMS + int64(t.IntN(1500))
	}
	end := c.StartedAt.Add(time.Duration(at) * time.Millisecond)
	c.EndedAt = &end
	return c, list
}

// utterance is what the party of a stream says at a moment.
func (t *talk) utterance(c earshot.Call, stream int, atMS int64) earshot.Utterance {
	s := c.Streams[stream]
	text := t.say()
	from := earshot.Position(atMS) * earshot.MediaClock / 1000
	u := earshot.Utterance{
		ID: earshot.UtteranceIDFor(s.ID, from), CallID: c.ID, StreamID: s.ID, ParticipantID: s.ParticipantIDs[0],
		Role: c.Speaker(s.ID).Role, StartMS: atMS, Text: text, Confidence: 0.9, Final: true, Language: "en", Engine: "moonshine",
		From: from,
	}
	for w := range strings.FieldsSeq(text) {
		u.Words = append(u.Words, earshot.Word{Text: w, StartMS: atMS, EndMS: atMS + 300})
		atMS += 330
	}
	u.EndMS, u.To = atMS, earshot.Position(atMS)*earshot.MediaClock/1000
	return u
}

// fill stores calls until there are n utterances.
func fill(ctx context.Context, s *sqlite.Store, n int) error {
	t := newTalk(1)
	calls := n / 25 // the mean length of a call is 24.5
	for i, stored := 0, 0; stored < n; {
		var commit earshot.Commit
		for ; len(commit.Calls) < callsAtOnce && stored < n; i++ {
			c, list := t.call(i, calls)
			list = list[:min(len(list), n-stored)]
			stored += len(list)
			commit.Calls = append(commit.Calls, c)
			commit.Utterances = append(commit.Utterances, list...)
			commit.Summaries = append(commit.Summaries, earshot.Summary{
				CallID: c.ID, Revision: 1, Reason: list[0].Text, Disposition: outcomes[t.IntN(len(outcomes))], CreatedAt: *c.EndedAt,
			})
		}
		if _, err := s.Apply(ctx, commit); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	return nil
}
