package earshot

import "time"

// Summary is what is left of a call once it is over.
type Summary struct {
	CallID   CallID `json:"call_id"`
	Revision int    `json:"revision"`
	// Reason is why the customer called, in one or two sentences.
	Reason string `json:"reason"`
	// Text is the summary in a short paragraph.
	Text    string   `json:"text"`
	Facts   []Fact   `json:"facts"`
	Actions []Action `json:"actions"`
	// Disposition is the outcome, one of the configured list, "" when nothing
	// that was said tells it.
	Disposition string `json:"disposition"`
	// OpenQuestions are the customer's that nobody answered.
	OpenQuestions []OpenQuestion `json:"open_questions"`
	// Sentiment is that of the customer's words. Like Disposition and
	// OpenQuestions it is always found by rules.
	Sentiment Sentiment `json:"sentiment"`
	// Incomplete is set when the transcript was not complete in time.
	Incomplete bool `json:"incomplete"`
	// RolesUnsure is set when it is not known of everybody whether they are the
	// agent or the customer ([SureRole]): the reason is then taken from who does
	// not greet as an agent, and promises may have no owner.
	RolesUnsure bool `json:"roles_unsure,omitempty"`
	// By is "extractive" or the model's name; Fallback says why a configured
	// model was not used.
	By        string    `json:"by"`
	Fallback  string    `json:"fallback,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	// EditedBy is who last wrote reason, text, disposition and actions; "" while
	// they are as they were found.
	EditedBy string     `json:"edited_by,omitempty"`
	EditedAt *time.Time `json:"edited_at,omitempty"`
	// Automatic is the revision that the transcript would have made since it was
	// edited; 0 while the transcript is as it was then.
	Automatic int `json:"automatic,omitempty"`
}

// SummaryEdit is what somebody writes in the place of what was found.
type SummaryEdit struct {
	Reason      string
	Text        string
	Disposition string
	Actions     []Action
}

// Edited returns the next revision, with the words of whoever edits it. Actions
// that are of no utterance of s are follow-ups of their own.
func (s Summary) Edited(e SummaryEdit, by string, at time.Time) Summary {
	said := map[UtteranceID]int64{}
	for _, a := range s.Actions {
		said[a.UtteranceID] = a.AtMS
	}
	s.Actions = make([]Action, len(e.Actions))
	for i, a := range e.Actions {
		ms, known := said[a.UtteranceID]
		if !known {
			a.UtteranceID = ""
		}
		a.AtMS = ms
		s.Actions[i] = a
	}
	s.Reason, s.Text, s.Disposition = e.Reason, e.Text, e.Disposition
	s.Revision++
	s.EditedBy, s.EditedAt, s.Automatic = by, &at, 0
	return s
}

// KeepEdits returns the revision after s, which the transcript made, with what
// was written into the summary before it.
func (s Summary) KeepEdits(before Summary) Summary {
	s.Automatic = s.Revision
	s.Revision++
	s.Reason, s.Text, s.Disposition, s.Actions = before.Reason, before.Text, before.Disposition, before.Actions
	s.EditedBy, s.EditedAt = before.EditedBy, before.EditedAt
	return s
}

// HandOver is the note for an agent who takes over a live call: what was said
// before. Its summary has no revision and goes to no other system.
type HandOver struct {
	CallID CallID `json:"call_id"`
	// ParticipantID is the agent who takes over.
	ParticipantID ParticipantID `json:"participant_id"`
	Summary       Summary       `json:"summary"`
}

// FactKind is the kind of a fact.
type FactKind string

// The kinds of facts.
const (
	FactNumber FactKind = "number" // order, account, reference numbers
	FactAmount FactKind = "amount"
	FactDate   FactKind = "date"
	FactTime   FactKind = "time"
	FactPhone  FactKind = "phone"
	FactEmail  FactKind = "email"
	FactName   FactKind = "name"
)

// Fact is something said in the call that can be checked.
type Fact struct {
	Kind  FactKind `json:"kind"`
	Value string   `json:"value"`
	// Said is the words of the transcript that hold it.
	Said        string      `json:"said"`
	UtteranceID UtteranceID `json:"utterance_id"`
	AtMS        int64       `json:"at_ms"`
	Role        Role        `json:"role"`
}

// Action is something a party promised to do.
type Action struct {
	Text        string      `json:"text"`
	Owner       Role        `json:"owner"`
	Due         string      `json:"due,omitempty"`
	UtteranceID UtteranceID `json:"utterance_id"`
	AtMS        int64       `json:"at_ms"`
}

// OpenQuestion is something that was asked and not answered.
type OpenQuestion struct {
	Text        string      `json:"text"`
	UtteranceID UtteranceID `json:"utterance_id"`
	AtMS        int64       `json:"at_ms"`
}

// Note is what a connector writes into another system about a call. Its ID is
// the same over all revisions; a revision replaces the note before it.
type Note struct {
	ID           NoteID        `json:"id"`
	CallID       CallID        `json:"call_id"`
	Connector    string        `json:"connector"`
	Revision     int           `json:"revision"`
	Direction    Direction     `json:"direction"`
	StartedAt    time.Time     `json:"started_at"`
	EndedAt      time.Time     `json:"ended_at"`
	DurationS    int64         `json:"duration_s"`
	State        CallState     `json:"state"`
	Participants []Participant `json:"participants"`
	Summary      Summary       `json:"summary"`
	Tags         []string      `json:"tags"`
	// Conversation and CorrelationIDs are those of the [Call].
	Conversation   string   `json:"conversation,omitempty"`
	CorrelationIDs []string `json:"correlation_ids,omitempty"`
	CallURL        string   `json:"call_url,omitempty"`
	AudioURL       string   `json:"audio_url,omitempty"`
	// Queue is that of the [Call].
	Queue string `json:"queue,omitempty"`
	// Fields are what rules of the playbook found out, by the names they give.
	Fields map[string]string `json:"fields,omitempty"`
	// Match is whose number it was in the connector's system; nil where nobody
	// looked.
	Match *Match `json:"match,omitempty"`
	// Writing is what the mapping made for the connector's system.
	Writing *Writing `json:"writing,omitempty"`
}

// Contact is a record about a person or a company in another system.
type Contact struct {
	// ID is what the system calls it, with the kind in front where it has
	// several: "Lead/00Q5e000001".
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	URL  string `json:"url,omitempty"`
}

// MatchState is what looking a number up came to.
type MatchState string

// The outcomes of a look-up. Only a matched one has a contact: of several that
// have the number none is guessed.
const (
	MatchMatched   MatchState = "matched"
	MatchMade      MatchState = "made" // nobody had it, a lead was made
	MatchNone      MatchState = "none"
	MatchSeveral   MatchState = "several"
	MatchAnonymous MatchState = "anonymous"
	MatchFailed    MatchState = "failed" // the system could not be asked
)

// Match is whose number the customer's is in one connector's system.
type Match struct {
	Connector string     `json:"connector"`
	State     MatchState `json:"state"`
	// Number is the customer's in E.164, or as it came; "" for an anonymous one.
	Number  string   `json:"number,omitempty"`
	Contact *Contact `json:"contact,omitempty"`
	// Candidates is how many records have the number.
	Candidates int       `json:"candidates,omitempty"`
	At         time.Time `json:"at"`
}

// CallMatch is the match of a call.
type CallMatch struct {
	CallID CallID `json:"call_id"`
	Match
}

// Writing is a note in the words and names of the system it goes to.
type Writing struct {
	Subject string `json:"subject"`
	// Body is plain text, with "\n" between its lines.
	Body string `json:"body"`
	// Disposition, User and Queue are the system's own for the outcome, the
	// agent and the queue; "" where the mapping has none.
	Disposition string `json:"disposition,omitempty"`
	User        string `json:"user,omitempty"`
	Queue       string `json:"queue,omitempty"`
	// Fields are further ones of the record, by the system's names.
	Fields map[string]string `json:"fields,omitempty"`
	// Tasks are what the agent promised.
	Tasks []Task `json:"tasks,omitempty"`
}

// Task is something to do after a call.
type Task struct {
	// Key is the same in every revision of the note.
	Key  string `json:"key"`
	Text string `json:"text"`
	// Due is the day it is to be done by; zero where none was named.
	Due time.Time `json:"due,omitzero"`
}

// DeliveryState is how the delivery of a note stands.
type DeliveryState string

// The states of a delivery. An unknown one may or may not have arrived (a
// time-out after sending); it is looked up, where the vendor can, before it
// is tried again.
const (
	DeliveryPending   DeliveryState = "pending"
	DeliveryConfirmed DeliveryState = "confirmed"
	DeliveryFailed    DeliveryState = "failed"
	DeliveryUnknown   DeliveryState = "unknown"
)

// Delivery is the intent to bring one revision of a note to a connector, and
// what came of it. It is stored before the first attempt.
type Delivery struct {
	NoteID    NoteID `json:"note_id"`
	CallID    CallID `json:"call_id"`
	Connector string `json:"connector"`
	Revision  int    `json:"revision"`
	// Key identifies this revision at the receiver, over all attempts.
	Key string `json:"key"`
	// Note is the note itself, as it is sent.
	Note     Note          `json:"note"`
	State    DeliveryState `json:"state"`
	RemoteID string        `json:"remote_id,omitempty"`
	Attempts int           `json:"attempts"`
	Error    string        `json:"error,omitempty"`
	// UpdatedAt is when State last changed.
	UpdatedAt time.Time `json:"updated_at"`
}
