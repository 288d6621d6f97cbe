package earshot

import (
	"encoding/json"
	"fmt"
	"time"
)

// JobKind names what a job does.
type JobKind string

// The kinds of jobs.
const (
	JobRender    JobKind = "render"    // render the call's WAV from the recording master
	JobOpus      JobKind = "opus"      // make the Ogg/Opus file of a rendered call
	JobAssist    JobKind = "assist"    // answer a final utterance
	JobWatch     JobKind = "watch"     // look whether rules that wait have come true
	JobSummarize JobKind = "summarize" // summarise a call
	JobNote      JobKind = "note"      // compose a note and store the intent to deliver it
	JobMatch     JobKind = "match"     // look up whose number the customer's is
	JobDeliver   JobKind = "deliver"   // bring a stored note to its connector
	JobSettle    JobKind = "settle"    // end the wrap-up of a call
	JobAgain     JobKind = "again"     // recognise a call again
	JobPoison    JobKind = "poison"    // a bus message nobody could read, kept dead
)

// JobState is where a job stands.
type JobState string

// The states of a job. Done jobs are kept for a while, so that the same
// event seen twice does not make the same job twice.
const (
	JobPending JobState = "pending"
	JobDone    JobState = "done"
	JobDead    JobState = "dead"
)

// Job is a piece of slow work, stored before it starts. (Kind, Key) is
// unique: storing a job that exists already, in any state, does nothing.
type Job struct {
	ID     int64   `json:"id"`
	Kind   JobKind `json:"kind"`
	Key    string  `json:"key"`
	CallID CallID  `json:"call_id"`
	// Lane orders jobs: those of one lane run one after another, by ID.
	Lane     string          `json:"lane"`
	Payload  json.RawMessage `json:"payload,omitempty"`
	State    JobState        `json:"state"`
	Attempts int             `json:"attempts"`
	// RunAt is the earliest time of the next attempt. A later one does not hold
	// up the jobs behind it in its lane.
	RunAt     time.Time `json:"run_at"`
	LastError string    `json:"last_error,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

// NewJob makes a job that may run at once, in a lane of its kind and call.
// The payload must marshal to JSON; it may be nil.
func NewJob(kind JobKind, call CallID, key string, payload any) Job {
	raw, err := json.Marshal(payload)
	if err != nil {
		panic(fmt.Sprintf("earshot: job %s of %T: %v", kind, payload, err))
	}
	now := time.Now().UTC()
	return Job{
		Kind: kind, Key: key, CallID: call, Lane: string(kind) + ":" + string(call),
		Payload: raw, State: JobPending, RunAt: now, CreatedAt: now,
	}
}
