package earshot

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// Utterance is one speaker's turn, or the piece of it up to the length limit.
type Utterance struct {
	ID            UtteranceID   `json:"id"`
	CallID        CallID        `json:"call_id"`
	StreamID      StreamID      `json:"stream_id"`
	ParticipantID ParticipantID `json:"participant_id"`
	Role          Role          `json:"role"`
	// StartMS and EndMS count from the start of the call.
	StartMS int64  `json:"start_ms"`
	EndMS   int64  `json:"end_ms"`
	Text    string `json:"text"`
	// Raw is what the engine heard, where Text was made more readable or
	// corrected; "" where it is the same.
	Raw string `json:"raw,omitempty"`
	// Words are the words of Text with their times from the start of the call;
	// nil when they are not known.
	Words []Word `json:"words,omitempty"`
	// Language is a tag of BCP 47; "" when the engine does not say.
	Language string `json:"language,omitempty"`
	// Engine is the speech engine that heard it, as transcribe.engine names it;
	// "" in what was stored before engines were noted.
	Engine string `json:"engine,omitempty"`
	// Confidence is between 0 and 1: the mean probability of the tokens.
	Confidence float64 `json:"confidence"`
	// Final utterances never change but by a revision; others are partials.
	Final bool `json:"final"`
	// Late says that the text came from the backlog, not live.
	Late bool `json:"late"`
	// Continues says that the speaker was cut off at the length limit: the
	// stream's next utterance goes on with the same sentence.
	Continues bool `json:"continues,omitempty"`
	Revision  int  `json:"revision"`
	// From and To are the span recognised, on the stream's own timeline.
	From Position `json:"-"`
	To   Position `json:"-"`
}

// continuesWithin is how soon in milliseconds speech that was cut off at the
// length limit goes on; after that the speaker had come to an end just there.
const continuesWithin = 500

// JoinContinued returns the utterances, which are in the order they began, with
// each that was cut off at the length limit and what goes on with it made one:
// as people read them. The confidence is the lower one.
func JoinContinued(list []Utterance) []Utterance {
	out := make([]Utterance, 0, len(list))
	open := map[StreamID]int{} // the last of each stream, by its place in out
	for _, u := range list {
		at, ok := open[u.StreamID]
		if ok && out[at].Continues && u.StartMS-out[at].EndMS <= continuesWithin {
			out[at] = out[at].join(u)
			continue
		}
		open[u.StreamID] = len(out)
		out = append(out, u)
	}
	return out
}

// join returns an utterance that goes on with another.
func (u Utterance) join(next Utterance) Utterance {
	if u.Raw != "" || next.Raw != "" {
		u.Raw = u.Heard() + " " + next.Heard()
	}
	if u.Words != nil && next.Words != nil {
		u.Words = slices.Concat(u.Words, next.Words)
	} else {
		u.Words = nil
	}
	u.Text += " " + next.Text
	if u.Engine != next.Engine {
		u.Engine = "" // no single one heard it
	}
	u.EndMS, u.To, u.Continues = next.EndMS, next.To, next.Continues
	u.Confidence, u.Late = min(u.Confidence, next.Confidence), u.Late || next.Late
	return u
}

// Heard returns what the engine heard, whatever was made of it: what word errors
// are counted in.
func (u Utterance) Heard() string { return cmp.Or(u.Raw, u.Text) }

// Word is one word with the time it is said.
type Word struct {
	Text    string `json:"text"`
	StartMS int64  `json:"start_ms"`
	EndMS   int64  `json:"end_ms"`
}

// Recognition is what an engine hears in the audio of one utterance.
type Recognition struct {
	// Text is "" when nothing is said.
	Text string
	// Confidence is between 0 and 1.
	Confidence float64
	// Language is a tag of BCP 47; "" when the engine does not say.
	Language string
	// Engine is what heard it, as transcribe.engine names it.
	Engine string
	// Words are timed from the start of the audio; nil when the engine does not
	// say.
	Words []Word
}

// UtteranceIDFor returns the ID of the utterance that starts at from.
func UtteranceIDFor(stream StreamID, from Position) UtteranceID {
	return UtteranceID(string(stream) + "-" + strconv.FormatInt(int64(from), 10))
}

// TranscriptRevision names a transcript of a call: 0 is the first.
type TranscriptRevision struct {
	CallID   CallID
	Revision int
}

// Retranscription is how recognising a call again stands.
type Retranscription struct {
	CallID CallID `json:"call_id"`
	// Revision is that of the transcript that it makes.
	Revision int `json:"revision"`
	// Engine is the one that is asked, "" those that the settings name.
	Engine string               `json:"engine,omitempty"`
	State  RetranscriptionState `json:"state"`
	// Done is the share of the audio that is recognised, from 0 to 1.
	Done float64 `json:"done"`
	// Error says why the last attempt failed; "" if none has.
	Error string `json:"error,omitempty"`
}

// RetranscriptionState is where recognising a call again stands.
type RetranscriptionState string

// The states of recognising a call again. After a failure the transcript is
// what it was.
const (
	RetranscriptionWaiting RetranscriptionState = "waiting"
	RetranscriptionRunning RetranscriptionState = "running"
	RetranscriptionDone    RetranscriptionState = "done"
	RetranscriptionFailed  RetranscriptionState = "failed"
)

// Watermark says that a stream is recognised up to a position: everything
// before it is in committed finals, or was silence.
type Watermark struct {
	StreamID StreamID `json:"stream_id"`
	Position Position `json:"position"`
	// Finals counts the final utterances committed for the stream.
	Finals int `json:"finals"`
	// Completed is set when Position is the end of the ended stream.
	Completed bool `json:"completed"`
}

// Suggestion is one thing shown to the agent during a call.
type Suggestion struct {
	ID     SuggestionID `json:"id"`
	CallID CallID       `json:"call_id"`
	// Kind is "card" (a playbook's), "answer" (from the knowledge base),
	// "checklist" (an item ticked), "alert" (for the supervisor), "tag" (its
	// Title is a tag of the call) or "field" (Title and Text are name and value of
	// a field of the call's notes).
	Kind  string `json:"kind"`
	Title string `json:"title"`
	Text  string `json:"text"`
	// Rule is the playbook rule that fired, if one did.
	Rule string `json:"rule,omitempty"`
	// Source is where the answer stands; nil for a playbook's own words.
	Source *Citation `json:"source,omitempty"`
	// UtteranceID is what the suggestion answers, of a rule that waited the one
	// said last; "" before the first.
	UtteranceID UtteranceID `json:"utterance_id"`
	// AtMS is the end of that utterance, or when the rule had waited enough, from
	// the start of the call.
	AtMS       int64     `json:"at_ms"`
	Confidence float64   `json:"confidence"`
	CreatedAt  time.Time `json:"created_at"`
	// By is "rules" or the model's name; Fallback says why a configured model did
	// not word it, and Prompt names the prompt it was given.
	By       string `json:"by"`
	Fallback string `json:"fallback,omitempty"`
	Prompt   string `json:"prompt,omitempty"`
	// Reply is what the agent may say next, in a model's words; "" without one.
	Reply string `json:"reply,omitempty"`
	// SpeakerUnsure is set when it is not known whether the customer said what
	// this answers ([SureRole]).
	SpeakerUnsure bool `json:"speaker_unsure,omitempty"`
	// Feedback is the newest verdict on it, nil without one.
	Feedback *Feedback `json:"feedback,omitempty"`
}

// Citation is the passage a suggestion stands on.
type Citation struct {
	Article string `json:"article"`
	Heading string `json:"heading"`
	Passage string `json:"passage"`
}

// Passage is a piece of a knowledge article as it is indexed: the text under
// one heading, or a part of it.
type Passage struct {
	ID      string  `json:"id"`
	Article string  `json:"article"`
	Heading string  `json:"heading"`
	Text    string  `json:"text"`
	Score   float64 `json:"score"`
}

// Hearing says which utterance a piece of audio is the beginning of.
type Hearing struct {
	StreamID StreamID
	// From is where the utterance begins.
	From Position
	// Final says that this is all of it.
	Final bool
}
