package measure

import (
	"math"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
)

func said(role earshot.Role, from, to int64, text string) earshot.Utterance {
	return earshot.Utterance{ParticipantID: earshot.ParticipantID(role), StreamID: earshot.StreamID(role), Role: role, StartMS: from, EndMS: to, Text: text}
}

// conversation is a call of 70 s: the customer interrupts once, says "okay"
// once meanwhile, and waits on hold for 20 s.
func conversation() (*earshot.Call, []earshot.Utterance) {
	start := time.Unix(0, 0)
	end := start.Add(70 * time.Second)
	call := &earshot.Call{ID: "c", StartedAt: start, EndedAt: &end, Marks: []earshot.Mark{
		{Kind: earshot.MarkHold, StreamID: "agent", AtMS: 22_000},
		{Kind: earshot.MarkHold, StreamID: "customer", AtMS: 23_000},
		{Kind: earshot.MarkUnhold, StreamID: "agent", AtMS: 41_000},
		{Kind: earshot.MarkUnhold, StreamID: "customer", AtMS: 42_000},
	}}
	return call, []earshot.Utterance{
		said("agent", 0, 4000, "Thank you for calling, how may I help you today?"),
		said("customer", 3000, 9000, "This is terrible, I am furious about my bill."),
		said("agent", 10_000, 20_000, "I can see it here and I will look what has happened with it."),
		said("customer", 12_000, 12_500, "Okay."),
		said("customer", 62_000, 66_000, "Great, thank you, I'm happy now."),
	}
}

func TestMeasures(t *testing.T) {
	call, list := conversation()
	m := Of(call, list, time.Time{})
	for what, c := range map[string]struct{ got, want int64 }{
		"duration": {m.DurationMS, 70_000}, "talk": {m.TalkMS, 23_000}, "overtalk": {m.OvertalkMS, 1500},
		"hold": {m.HoldMS, 20_000}, "silence": {m.SilenceMS, 27_000}, "longest silence": {m.LongestSilenceMS, 20_000},
		"minutes": {int64(len(m.Minutes)), 2},
	} {
		if c.got != c.want {
			t.Errorf("%s is %d, not %d", what, c.got, c.want)
		}
	}
	if len(m.Parties) != 2 {
		t.Fatalf("%d parties", len(m.Parties))
	}
	agent, customer := m.Parties[0], m.Parties[1]
	if agent.Role != earshot.RoleAgent || agent.TalkMS != 14_000 || agent.LongestTurnMS != 10_000 || agent.Interruptions != 0 {
		t.Errorf("agent: %+v", agent)
	}
	if customer.Interruptions != 1 || customer.Words != 16 || math.Abs(customer.TalkShare-10.5/24.5) > 1e-9 || math.Abs(customer.WordsPerMinute-16*60/10.5) > 1e-9 {
		t.Errorf("customer: %+v", customer)
	}
	if customer.Sentiment.Trend != earshot.TrendImproving || agent.Sentiment.Mood == earshot.MoodNegative {
		t.Errorf("moods: %+v, %+v", customer.Sentiment, agent.Sentiment)
	}
	first, last := m.Minutes[0].Parties[1], m.Minutes[1].Parties[1]
	if first.TalkMS != 6500 || first.Sentiment == nil || last.TalkMS != 4000 || last.Sentiment == nil || *first.Sentiment >= *last.Sentiment {
		t.Errorf("minutes: %+v, %+v", first, last)
	}
	if m.Minutes[1].Parties[0].Sentiment != nil {
		t.Error("the agent is rated in a minute without a word")
	}
}

// TestNothingSaid measures a call that is silence and one whose speakers are
// not known.
func TestNothingSaid(t *testing.T) {
	start := time.Unix(0, 0)
	call := &earshot.Call{StartedAt: start}
	m := Of(call, nil, start.Add(time.Second))
	if m.SilenceMS != 1000 || m.Parties == nil || len(m.Minutes) != 1 {
		t.Errorf("silence: %+v", m)
	}
	m = Of(call, []earshot.Utterance{{StreamID: "a", EndMS: 500, Text: "Hi"}, {StreamID: "b", StartMS: 600, EndMS: 900, Text: "Hello"}}, start)
	if len(m.Parties) != 2 || m.DurationMS != 900 || m.Parties[0].WordsPerMinute != 0 {
		t.Errorf("unknown: %+v", m)
	}
}

func TestMeter(t *testing.T) {
	call, list := conversation()
	v := Of(call, list, time.Time{})
	m := NewMeter()
	m.Observe(&v)
	registry := prometheus.NewRegistry()
	registry.MustRegister(m.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, v := range f.GetMetric() {
			name := f.GetName()
			for _, l := range v.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = v.GetCounter().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"earshot_measure_seconds_total hold":           20,
		"earshot_measure_seconds_total overtalk":       1.5,
		"earshot_measure_talk_seconds_total customer":  10.5,
		"earshot_measure_interruptions_total customer": 1,
		"earshot_measure_interruptions_total agent":    0,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, not %v", name, got[name], want)
		}
	}
}
