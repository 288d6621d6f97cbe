package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func sample() (earshot.Call, []earshot.Utterance) {
	start := time.Date(2026, 3, 4, 9, 30, 0, 0, time.UTC)
	end := start.Add(3724 * time.Second)
	call := earshot.Call{
		ID: "01jexample", State: earshot.CallSettled, Direction: earshot.DirectionInbound,
		StartedAt: start, EndedAt: &end,
		Participants: []earshot.Participant{
			{ID: "p1", Name: "Dana Reyes", AOR: "sip:dana@example.com", Role: earshot.RoleAgent},
			{ID: "p2", AOR: "sip:+15550100@example.com", Role: earshot.RoleCustomer},
			{ID: "p3", Name: "Bot <v1> & co", Role: earshot.RoleUnknown},
		},
		Streams: []earshot.Stream{}, Segments: []earshot.Segment{}, Tags: []string{},
		Marks: []earshot.Mark{{ID: "m1", Kind: earshot.MarkPause, AtMS: 3000, EndMS: 3000, By: "Dana Reyes"}},
	}
	say := func(id earshot.UtteranceID, who earshot.ParticipantID, from, to int64, text string) earshot.Utterance {
		return earshot.Utterance{
			ID: id, CallID: call.ID, StreamID: "s-" + earshot.StreamID(who), ParticipantID: who,
			StartMS: from, EndMS: to, Text: text, Confidence: 0.9, Final: true,
		}
	}
	partial := say("u9", "p1", 9000, 9500, "not final yet")
	partial.Final = false
	return call, []earshot.Utterance{
		say("u2", "p2", 2750, 5200, "Where is my order,\n\nnumber 4 < 5 & 6 --> 7?"),
		say("u1", "p1", -120, 2500, "Good morning, how can I help?"),
		say("u3", "p1", 4900, 4900, "One moment."),
		say("u4", "p3", 3_723_456, 3_724_000, "Goodbye."),
		say("u5", "nobody", 6000, 6500, "Hello?"),
		say("u6", "p1", 7000, 7100, "  "),
		long(say("u7", "p2", 10_000, 24_000, "")),
		partial,
	}
}

// long is a turn too long for one cue: three sentences, half a second a word.
func long(u earshot.Utterance) earshot.Utterance {
	u.Text = "I ordered the blue one in March, but the parcel that came last week has a red one in it. " +
		"I would like to send it back. Could you tell me how?"
	for i, w := range strings.Fields(u.Text) {
		at := u.StartMS + int64(i)*450
		u.Words = append(u.Words, earshot.Word{Text: w, StartMS: at, EndMS: at + 400})
	}
	return u
}

func TestCuesHoldEveryWordOnce(t *testing.T) {
	whole := long(earshot.Utterance{ID: "u", StartMS: 1000, EndMS: 16_000})
	list := cues([]Turn{{Utterance: whole, Speaker: "Customer"}})
	var texts []string
	last := whole.StartMS
	for _, c := range list {
		texts = append(texts, c.Text)
		if len(c.Text) > mostLetters || c.StartMS < last || c.EndMS <= c.StartMS || c.Speaker != "Customer" || c.EndMS-c.StartMS > mostTime {
			t.Errorf("cue %d to %d behind %d: %q", c.StartMS, c.EndMS, last, c.Text)
		}
		last = c.EndMS
	}
	if strings.Join(texts, " ") != whole.Text || len(list) < 3 || list[0].StartMS != 1000 || last != 16_000 {
		t.Errorf("%d cues, the last until %d: %q", len(list), last, texts)
	}
	whole.Words = whole.Words[1:] // not those of the text
	if list = cues([]Turn{{Utterance: whole}}); len(list) != 1 || list[0].Text != whole.Text {
		t.Errorf("other words: %+v", list)
	}
}

func TestGolden(t *testing.T) {
	call, us := sample()
	for _, f := range Formats() {
		t.Run(string(f), func(t *testing.T) {
			var got bytes.Buffer
			if err := Write(&got, f, call, us); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", "call"+f.Extension())
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%s differs:\n%s\nwant:\n%s", file, got.Bytes(), want)
			}
		})
	}
}

func TestJSONReadsBack(t *testing.T) {
	call, us := sample()
	var out bytes.Buffer
	if err := Write(&out, JSON, call, us); err != nil {
		t.Fatal(err)
	}
	var doc Transcript
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Call.ID != call.ID || len(doc.Utterances) != 6 || doc.Utterances[1].Speaker != "Customer" {
		t.Errorf("read back %+v", doc)
	}
}

func TestUnknownFormat(t *testing.T) {
	call, us := sample()
	if err := Write(&bytes.Buffer{}, "docx", call, us); err == nil || !strings.Contains(err.Error(), "docx") {
		t.Errorf("err = %v, want one that names the format", err)
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteError(t *testing.T) {
	call, us := sample()
	for _, f := range Formats() {
		if err := Write(brokenWriter{}, f, call, us); !errors.Is(err, errBroken) {
			t.Errorf("%s: err = %v", f, err)
		}
	}
}

func TestSpeaker(t *testing.T) {
	call, _ := sample()
	for who, want := range map[earshot.ParticipantID]string{"p1": "Dana Reyes", "p2": "Customer", "gone": "Agent"} {
		if got := Speaker(&call, earshot.Utterance{ParticipantID: who, Role: earshot.RoleAgent}); got != want {
			t.Errorf("Speaker(%s) = %q, want %q", who, got, want)
		}
	}
}
