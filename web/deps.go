package web

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
)

// ErrCursor is what a [Reader] returns for a cursor that no answer of the same
// query gave (HTTP 400).
var ErrCursor = errors.New("malformed cursor")

// CallQuery asks for calls, newest first.
type CallQuery struct {
	// State is "live", "ended" (all but live) or "" for both.
	State string
	// Tag restricts it to calls with this tag unless empty.
	Tag string
	// Audience restricts it to the calls that somebody may see.
	Audience earshot.Audience
	Limit    int
	// Before is the cursor of the page before, "" for the first page.
	Before string
}

// SearchQuery asks for final utterances by their words.
type SearchQuery struct {
	Text string
	// CallID and Role restrict the search unless empty.
	CallID earshot.CallID
	Role   earshot.Role
	// From and To are when the call began, To itself left out; zero: any time.
	From, To time.Time
	// Direction, Tag and AgentID of the directory are the call's, unless empty.
	Direction earshot.Direction
	Tag       string
	AgentID   string
	// Longer is how long the call took at least; 0: any, also one that goes on.
	Longer time.Duration
	// Audience restricts it to the calls that somebody may see.
	Audience earshot.Audience
	// Rank puts the best match first, else the newest.
	Rank   bool
	Limit  int
	Before string
}

// The marks around each matching word of [SearchHit.Snippet]. They are control
// characters, which no transcript has.
const (
	MarkStart = "\x02"
	MarkEnd   = "\x03"
)

// SearchHit is one utterance found.
type SearchHit struct {
	Utterance     earshot.Utterance
	Snippet       string
	CallStartedAt time.Time
	Speaker       string
}

// Reader reads the truth. All methods are safe for concurrent use; what they
// return belongs to the caller. Unknown calls are earshot.ErrNotFound in Call
// and may be empty lists elsewhere.
type Reader interface {
	Call(ctx context.Context, id earshot.CallID) (earshot.Call, error)
	Calls(ctx context.Context, q CallQuery) (calls []earshot.Call, next string, err error)
	// Metadata is that of the call's recording sessions.
	Metadata(ctx context.Context, id earshot.CallID) ([]earshot.SegmentMetadata, error)
	// Utterances are the finals of the call by their start.
	Utterances(ctx context.Context, id earshot.CallID) ([]earshot.Utterance, error)
	// EarlierTranscript are the finals of a transcript that was made anew since.
	EarlierTranscript(ctx context.Context, id earshot.CallID, revision int) ([]earshot.Utterance, error)
	Suggestions(ctx context.Context, id earshot.CallID) ([]earshot.Suggestion, error)
	Deliveries(ctx context.Context, id earshot.CallID) ([]earshot.Delivery, error)
	Search(ctx context.Context, q SearchQuery) (hits []SearchHit, next string, err error)
	// Figures are what the calls of days add up to.
	Figures(ctx context.Context, q earshot.FiguresQuery) (earshot.DaysFigures, error)
	// EventsAfter returns the events after seq in order, those of one call
	// unless it is "". Fewer than limit means that there are no more.
	EventsAfter(ctx context.Context, seq int64, call earshot.CallID, limit int) ([]earshot.Event, error)
	LastSeq(ctx context.Context) (int64, error)
}

// Live knows what the store does not have yet of a live call, such as the
// counters of its streams, and returns the call with that laid over it.
type Live interface {
	Snapshot(stored earshot.Call) earshot.Call
}

// Recorder pauses the recording of live calls and goes on with it. A call that
// is so already stays so. Unknown calls are earshot.ErrNotFound, those that are
// over earshot.ErrEnded.
type Recorder interface {
	Pause(ctx context.Context, id earshot.CallID, by, reason string) (earshot.Call, error)
	Resume(ctx context.Context, id earshot.CallID, by, reason string) (earshot.Call, error)
}

// Again has calls that are over recognised again. Unknown calls are
// earshot.ErrNotFound, those that go on earshot.ErrNotEnded, those that are at
// it earshot.ErrRunning; earshot.ErrNoEngine is no engine of the settings.
type Again interface {
	Retranscribe(ctx context.Context, id earshot.CallID, engine string) (earshot.Retranscription, error)
	// Retranscription is how the last such wish stands; earshot.ErrNotFound if
	// there is none.
	Retranscription(ctx context.Context, id earshot.CallID) (earshot.Retranscription, error)
}

// Audio knows where the rendered recording of a call is. What is not there is
// earshot.ErrNotFound.
type Audio interface {
	Path(id earshot.CallID) (string, error)
	// OpusPath is of the Ogg/Opus file.
	OpusPath(id earshot.CallID) (string, error)
	// View returns a WAV file with one channel of a recording of size octets, or
	// with all of them mixed for "". It is read before the recording is closed.
	View(recording io.ReaderAt, size int64, channel string) (io.ReadSeeker, error)
	Waveform(id earshot.CallID) (earshot.Waveform, error)
}

// Jobs lists stored jobs and sends dead ones round again.
type Jobs interface {
	// Jobs returns those in the state, or all for "".
	Jobs(ctx context.Context, state earshot.JobState, limit int) ([]earshot.Job, error)
	// ReplayJob returns earshot.ErrNotFound unless there is such a dead job.
	ReplayJob(ctx context.Context, id int64) error
	ReplayDead(ctx context.Context) (int, error)
}

// Insight is what is worked out of a call when somebody asks. Unknown calls are
// earshot.ErrNotFound.
type Insight interface {
	Measures(ctx context.Context, id earshot.CallID) (earshot.Measures, error)
	// Summary is of what was said up to now. It is ready within 5 s.
	Summary(ctx context.Context, id earshot.CallID) (earshot.Summary, error)
	// Ask returns the passages of calls that answer a question, the best first.
	Ask(ctx context.Context, q Question) ([]earshot.FoundPassage, error)
	// Checklist is what the playbook wants said, and what of it was by now.
	Checklist(ctx context.Context, id earshot.CallID) ([]earshot.ChecklistItem, error)
}

// Question is asked of what was said.
type Question struct {
	Text string
	// CallID restricts it to one call unless empty.
	CallID earshot.CallID
	// Audience restricts it to the calls that somebody may see.
	Audience earshot.Audience
	Limit    int
}

// Feedback keeps what agents make of suggestions. Unknown suggestions are
// earshot.ErrNotFound.
type Feedback interface {
	Rate(ctx context.Context, call earshot.CallID, id earshot.SuggestionID, v earshot.Verdict, by string) (earshot.Feedback, error)
	// FeedbackCounts are by rule and article, of all calls.
	FeedbackCounts(ctx context.Context) ([]earshot.FeedbackCount, error)
}

// WrapUp is what agents do when a call is over. Unknown calls are
// earshot.ErrNotFound.
type WrapUp interface {
	// Dispositions are the outcomes to choose from.
	Dispositions() []string
	// SummaryRevision returns a revision of the call's summary, the newest for 0;
	// earshot.ErrNotFound if there is none.
	SummaryRevision(ctx context.Context, id earshot.CallID, revision int) (earshot.Summary, error)
	// EditSummary writes the revision after one. It is earshot.ErrChanged when that
	// is not the newest, and earshot.ErrNotEnded for a call without a summary.
	EditSummary(ctx context.Context, id earshot.CallID, revision int, e earshot.SummaryEdit, by string) (earshot.Summary, error)
	// RetryNotes sends those of the call's notes round again that failed for good,
	// and returns how many.
	RetryNotes(ctx context.Context, id earshot.CallID) (int, error)
}

// noWrapUp knows of no call.
type noWrapUp struct{}

func (noWrapUp) Dispositions() []string { return nil }

func (noWrapUp) SummaryRevision(context.Context, earshot.CallID, int) (earshot.Summary, error) {
	return earshot.Summary{}, earshot.ErrNotFound
}

func (noWrapUp) EditSummary(context.Context, earshot.CallID, int, earshot.SummaryEdit, string) (earshot.Summary, error) {
	return earshot.Summary{}, earshot.ErrNotFound
}

func (noWrapUp) RetryNotes(context.Context, earshot.CallID) (int, error) { return 0, nil }

// noFeedback knows of no suggestion.
type noFeedback struct{}

func (noFeedback) Rate(context.Context, earshot.CallID, earshot.SuggestionID, earshot.Verdict, string) (earshot.Feedback, error) {
	return earshot.Feedback{}, earshot.ErrNotFound
}

func (noFeedback) FeedbackCounts(context.Context) ([]earshot.FeedbackCount, error) { return nil, nil }

// noInsight knows of no call.
type noInsight struct{}

func (noInsight) Measures(context.Context, earshot.CallID) (earshot.Measures, error) {
	return earshot.Measures{}, earshot.ErrNotFound
}

func (noInsight) Summary(context.Context, earshot.CallID) (earshot.Summary, error) {
	return earshot.Summary{}, earshot.ErrNotFound
}

func (noInsight) Ask(context.Context, Question) ([]earshot.FoundPassage, error) {
	return nil, nil
}

func (noInsight) Checklist(context.Context, earshot.CallID) ([]earshot.ChecklistItem, error) {
	return nil, earshot.ErrNotFound
}

// Deps is what the server needs of the others. Only Accounts, Directory, Traces,
// Insight, Feedback, WrapUp, Connectors, Provider, Broker, Ready and Gatherer may be left nil.
type Deps struct {
	Reader Reader
	Live   Live
	// Recorder may be the same as Live.
	Recorder Recorder
	Again    Again
	Audio    Audio
	Jobs     Jobs
	Traces   Traces
	Insight  Insight
	Feedback Feedback
	WrapUp   WrapUp
	// Connectors are where notes go.
	Connectors Connectors
	// Accounts is who may sign in.
	Accounts Accounts
	// Provider signs people in elsewhere; nil: nobody does.
	Provider Provider
	// Directory is who works in the contact centre.
	Directory Directory
	// Broker may be made before the server, so that no event is missed while
	// it starts; nil makes one.
	Broker *Broker
	// Ready returns why the server can't do its work right now, in words for
	// an operator; none means that it can.
	Ready    func() []error
	Gatherer prometheus.Gatherer
}

func (d *Deps) check() error {
	if d.Reader == nil || d.Live == nil || d.Recorder == nil || d.Again == nil || d.Audio == nil || d.Jobs == nil {
		return errors.New("web needs a reader, live calls, a recorder, recognition, audio and jobs")
	}
	if d.Directory == nil {
		d.Directory = noDirectory{}
	}
	if d.Accounts == nil {
		d.Accounts = noAccounts{}
	}
	if d.Traces == nil {
		d.Traces = noTraces{}
	}
	if d.Insight == nil {
		d.Insight = noInsight{}
	}
	if d.Feedback == nil {
		d.Feedback = noFeedback{}
	}
	if d.WrapUp == nil {
		d.WrapUp = noWrapUp{}
	}
	if d.Connectors == nil {
		d.Connectors = noConnectors{}
	}
	if d.Broker == nil {
		d.Broker = NewBroker()
	}
	if d.Ready == nil {
		d.Ready = func() []error { return nil }
	}
	if d.Gatherer == nil {
		d.Gatherer = prometheus.NewRegistry()
	}
	return nil
}
