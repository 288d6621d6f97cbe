package crm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"earshot"
	"earshot/crm/phone"
)

// Connector brings notes into one other system, such as a CRM.
//
// Deliver brings one revision of a note there, creating it or replacing the
// revision before. It is called concurrently, but for one note only once at a
// time. It ends when ctx does, and keeps neither the Delivery nor what is in
// it. The Delivery is as it stood before this attempt: State pending for the
// first, unknown when an earlier one, of this revision or one before, may have
// arrived, which is looked up before it is sent again where the system can be
// asked. RemoteID is what an earlier revision was confirmed with, "" when there
// was none. Key names the revision and is what the receiver cuts doubles off
// by; NoteID and CallID are what a record is looked up by.
//
// The remoteID returned, which may be "", is kept with the delivery. An error
// is transient unless it is
//   - a [earshot.PermanentError]: trying again will not help;
//   - a [earshot.PermanentError] of [earshot.ErrGone]: the receiver wants no
//     more, and the connector is not called again before a restart;
//   - a [earshot.RetryAfterError]: transient, with the time to come back;
//   - wrapping [ErrUnknown]: the note may have arrived.
//
// Errors hold no secrets and no text of the note.
type Connector interface {
	// Name is unique among the connectors and never changes: see ValidName.
	Name() string
	Deliver(ctx context.Context, d earshot.Delivery) (remoteID string, err error)
}

// Finder is a Connector whose system knows who has a number.
type Finder interface {
	// Find returns the records that may have the number n: what a search for
	// its spellings gives, at most a hundred. They are compared with n
	// afterwards, so ones that only look alike do no harm. Errors are as those
	// of Deliver.
	Find(ctx context.Context, n phone.Number) ([]Candidate, error)
}

// Limited is a Connector whose system takes only so much at a time.
type Limited interface {
	// PerMinute is how many look-ups and deliveries a minute it takes.
	PerMinute() int
}

// Candidate is a contact with the numbers its record holds, as they are
// written there.
type Candidate struct {
	earshot.Contact
	Numbers []string
}

// LeadMaker is a Finder that can make a record for a number that nobody has.
type LeadMaker interface {
	// MakeLead makes it, or returns the one an earlier attempt made.
	MakeLead(ctx context.Context, n phone.Number) (earshot.Contact, error)
}

// Tester is a Connector that can say whether its settings work.
type Tester interface {
	// Test checks the credentials, the permissions and a look-up, in this order,
	// and writes nothing. It ends after the first that fails.
	Test(ctx context.Context) []Check
}

// Check is one thing that was tested.
type Check struct {
	// Name says what: "credentials", "may create calls".
	Name string
	// Found is what was seen, e.g. as whom one is signed in.
	Found string
	Err   error
}

// Publisher is a Connector that shows a call while it lasts.
type Publisher interface {
	// Events are the types it wants to be told of, always the same. Of
	// [earshot.EventCallMatched] a [Finder] is told those in its own system.
	Events() []earshot.EventType
	// Publish tells of one event. It has a second; what takes longer is
	// dropped, and nothing is tried twice.
	Publish(ctx context.Context, e earshot.Event) error
}

// Screen is a Finder that can bring a contact up before the agent who talks to
// them.
type Screen interface {
	// Brings says whether it is set up to.
	Brings() bool
	// Bring shows the contact to a user of the system. It has a second; what
	// takes longer is dropped, and nothing is tried twice.
	Bring(ctx context.Context, c earshot.Contact, user string) error
}

// Abilities says in a few words what a connector can do.
func Abilities(c Connector) []string {
	list := []string{"writes notes"}
	if _, ok := c.(Finder); ok {
		list = append(list, "looks numbers up")
	}
	if _, ok := c.(LeadMaker); ok {
		list = append(list, "makes leads")
	}
	if _, ok := c.(Publisher); ok {
		list = append(list, "shows calls while they last")
	}
	if s, ok := c.(Screen); ok && s.Brings() {
		list = append(list, "brings callers up before the agent")
	}
	if _, ok := c.(Tester); ok {
		list = append(list, "can be tested")
	}
	return list
}

// ErrUnknown says that the outcome of an attempt is not known: what was sent
// may have arrived.
var ErrUnknown = errors.New("it is unknown whether the note arrived")

// Unknown wraps err so that it also is [ErrUnknown]; nil stays nil.
func Unknown(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUnknown, err)
}

// Outcome is what an Observer is told of each attempt.
type Outcome struct {
	Connector string
	State     earshot.DeliveryState
	Took      time.Duration
	// Gone is set when the connector was disabled because of it.
	Gone bool
}
