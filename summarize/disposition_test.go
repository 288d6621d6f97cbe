package summarize

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"earshot"
)

// talk makes utterances of lines "A: ..." and "C: ...".
func talk(lines ...string) []earshot.Utterance {
	d := dialogue{}
	for _, l := range lines {
		d.say(l)
	}
	return d.utterances
}

func TestDispositions(t *testing.T) {
	for _, c := range []struct {
		want  string
		own   []string
		lines []string
	}{
		{"wrong number", nil, []string{"A: Green Bakery, hello?", "C: Oh, sorry, I think I have the wrong number."}},
		{"voicemail", nil, []string{"A: Please leave a message after the tone.", "C: Hi, it's me, call me back."}},
		{"", nil, []string{"A: Hello, how can I help?", "C: I did leave a message yesterday, is it cancelled?"}},
		{"cancelled", nil, []string{"C: Please end my plan.", "A: I have cancelled the plan as of today."}},
		{"", nil, []string{"A: It is not cancelled.", "C: Why is that?"}},
		{"follow-up", nil, []string{"C: My heater is broken.", "A: I will send you a technician tomorrow."}},
		{"resolved", nil, []string{"C: My line is dead.", "A: Restart the box, please.", "C: Yes, it works now, thanks."}},
		{"resolved", nil, []string{"C: When do you close today?", "A: We close at six.", "C: Thank you."}},
		{"claim opened", []string{"follow-up", "claim opened: opened a claim; claim is open"}, []string{"C: My car was hit.", "A: I've opened a claim and I'll email you the form."}},
		{"follow-up", []string{"follow-up"}, []string{"C: I have to cancel.", "A: It is cancelled, I will send you a letter tomorrow."}},
	} {
		s, err := New(Config{Dispositions: c.own}, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Summarize(t.Context(), earshot.Call{ID: "c"}, talk(c.lines...), false)
		if err != nil {
			t.Fatal(err)
		}
		if got.Disposition != c.want {
			t.Errorf("%v: %q, not %q", c.lines, got.Disposition, c.want)
		}
	}
}

func TestDispositionsThatAreNone(t *testing.T) {
	for entry, want := range map[string]string{"": "no name", "sold out": "not known", "sold out: ": "no phrases", ": x": "no name"} {
		_, err := New(Config{Dispositions: []string{entry}}, nil, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, not %q", entry, err, want)
		}
	}
	if list := Dispositions(); len(list) < 8 || !slices.Contains(list, "sale") {
		t.Errorf("known: %v", list)
	}
}

// TestOpenQuestions keeps what was put off and what was never answered, with
// the moment it was asked.
func TestOpenQuestions(t *testing.T) {
	us := talk("A: Hello.", "C: What are your opening hours?", "A: Nine to five.", "C: And when will my parcel arrive?",
		"A: I have to check with the carrier.", "C: Fine. Who pays for the damage?")
	got := openQuestions(turns(us))
	if len(got) != 2 || !strings.Contains(got[0].Text, "parcel") || got[0].UtteranceID != us[3].ID || got[0].AtMS != us[3].StartMS ||
		!strings.Contains(got[1].Text, "damage") || got[1].AtMS <= us[5].StartMS {
		t.Errorf("%+v", got)
	}
}

// TestMoodOfTheSummary is the customer's, not the agent's.
func TestMoodOfTheSummary(t *testing.T) {
	got := extract(talk("A: Wonderful, how can I help?", "C: This is unacceptable, I am very angry.", "A: That's great.", "C: It is terrible, a nightmare.",
		"A: You have it back.", "C: Oh, thank you."))
	if got.Sentiment.Mood != earshot.MoodNegative || got.Sentiment.Trend != earshot.TrendImproving || got.Sentiment.Rated != 3 {
		t.Errorf("%+v", got.Sentiment)
	}
}
