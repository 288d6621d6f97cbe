package crm

import (
	"os"
	"testing"
	"time"

	"earshot"
)

// writtenNote is a note of everything that one can hold.
func writtenNote() earshot.Note {
	end := start.Add(65 * time.Second)
	return Compose(earshot.Call{
		ID: "c1", State: earshot.CallSettled, Direction: earshot.DirectionInbound, StartedAt: start, EndedAt: &end,
		Participants: []earshot.Participant{
			{ID: "p1", Name: "Mira", AOR: "sip:2001@desk.example", Role: earshot.RoleAgent, RoleConfidence: 1, AgentID: "mira"},
			{ID: "p2", AOR: "sip:+49301234567@trunk.example", Role: earshot.RoleCustomer, RoleConfidence: 1},
		},
		Tags: []string{"delivery", "urgent"},
	}, earshot.Summary{
		CallID: "c1", Revision: 1, Reason: "A parcel is late.", Text: "The parcel was found.", Disposition: "resolved",
		Facts: []earshot.Fact{{Kind: earshot.FactNumber, Value: "AB12", AtMS: 61_000}},
		Actions: []earshot.Action{
			{Text: "Send the form by Friday.", Owner: earshot.RoleAgent, Due: "by Friday", UtteranceID: "u1"},
			{Text: "Call back.", Owner: earshot.RoleAgent, Due: "tomorrow", UtteranceID: "u1"},
			{Text: "Sign the form.", Owner: earshot.RoleCustomer, UtteranceID: "u2"},
		},
		OpenQuestions: []earshot.OpenQuestion{{Text: "Who pays?", AtMS: 3_600_000}},
	}, Links{"https://e.example/c1", "https://e.example/c1.wav"}, "crm", 1)
}

// Follow-ups that an agent wrote are of no utterance: each is a task of its own.
func TestTasksOfAnAgentsOwn(t *testing.T) {
	n := writtenNote()
	n.Summary.Actions = []earshot.Action{{Text: "Send a voucher", Owner: earshot.RoleAgent}, {Text: "Call back", Owner: earshot.RoleAgent}}
	list := tasks(n, time.UTC)
	if len(list) != 2 || list[0].Key == list[1].Key || list[0].Text != "Send a voucher" {
		t.Errorf("%+v", list)
	}
}

func TestPlainWriting(t *testing.T) {
	w := PlainWriting(writtenNote())
	if w.Subject != "Call with +49301234567: A parcel is late." {
		t.Errorf("subject %q", w.Subject)
	}
	want, err := os.ReadFile("testdata/plain.txt")
	if err != nil {
		t.Fatal(err)
	}
	if w.Body+"\n" != string(want) {
		t.Errorf("body is\n%s\nwant\n%s", w.Body, want)
	}
	if len(w.Tasks) != 1 || w.Tasks[0].Key != "c1-u1" || w.Tasks[0].Text != "Send the form by Friday.; Call back. (tomorrow)" ||
		w.Tasks[0].Due.Format(time.DateOnly) != "2026-03-05" {
		t.Errorf("tasks %+v", w.Tasks)
	}
}

func TestPlainWritingOfNearlyNothing(t *testing.T) {
	w := PlainWriting(earshot.Note{CallID: "c1", StartedAt: start})
	if w.Subject != "Call" || w.Body != "Call, 4 March 2026, 04:06 UTC, 0:00\n\nCall ID: c1" {
		t.Errorf("%q, %q", w.Subject, w.Body)
	}
}

func TestCustomerOf(t *testing.T) {
	agent := earshot.Participant{ID: "a", Role: earshot.RoleAgent, RoleConfidence: 1}
	customer := earshot.Participant{ID: "c", Role: earshot.RoleCustomer, RoleConfidence: 1}
	guess := earshot.Participant{ID: "g", Role: earshot.RoleCustomer, RoleConfidence: .3}
	unknown := earshot.Participant{ID: "u"}
	for name, c := range map[string]struct {
		list []earshot.Participant
		want earshot.ParticipantID
	}{
		"customer":             {[]earshot.Participant{agent, customer}, "c"},
		"beside a stranger":    {[]earshot.Participant{unknown, customer}, "c"},
		"who is no agent":      {[]earshot.Participant{agent, guess}, "g"},
		"two customers":        {[]earshot.Participant{customer, customer}, ""},
		"two who may be it":    {[]earshot.Participant{agent, unknown, guess}, ""},
		"agents among them":    {[]earshot.Participant{agent, agent}, ""},
		"nobody was there yet": {nil, ""},
	} {
		var got earshot.ParticipantID
		if p := CustomerOf(c.list); p != nil {
			got = p.ID
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestDueDay(t *testing.T) {
	began := time.Date(2026, 3, 4, 23, 30, 0, 0, time.FixedZone("CET", 3600)) // a Wednesday
	for words, want := range map[string]string{
		"today": "2026-03-04", "this afternoon": "2026-03-04", "this is it": "", "tonight": "2026-03-04", "by 5 pm": "2026-03-04", "the end of business": "2026-03-04",
		"tomorrow morning": "2026-03-05", "the day after tomorrow": "2026-03-06",
		"by Friday": "2026-03-06", "Wednesday": "2026-03-11", "the end of this week": "2026-03-06",
		"within 3 days": "2026-03-07", "within 3 business days": "2026-03-09", "3 to 5 working days": "2026-03-11",
		"in 2 hours": "2026-03-05", "within 1 week": "2026-03-11", "within 1 month": "2026-04-04",
		"the end of the month": "2026-03-31", "March 14": "2026-03-14", "March 1": "2027-03-01", "April 2 2027": "2027-04-02",
		"2026-03-14": "2026-03-14", "Friday at 10:30": "2026-03-06",
		"": "", "soon": "", "in a few days": "", "February 30": "", "next Friday": "", "03/04/2026": "", "within 99999999999999999999 days": "",
	} {
		got := ""
		if d := dueDay(words, began); !d.IsZero() {
			got = d.Format(time.DateOnly)
		}
		if got != want {
			t.Errorf("%q is %q, want %q", words, got, want)
		}
	}
}
