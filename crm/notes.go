package crm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"

	"earshot"
)

// deliverLanes is how many deliveries of one connector run at once: enough to
// keep up with a slow one, few enough for a receiver that does not answer to leave the workers
// to others. Those of one call are in one lane.
const deliverLanes = 4

// CallReader is what composing a note reads. Summary returns nil when the call
// has none; Deliveries may come in any order, Utterances by time.
type CallReader interface {
	Call(ctx context.Context, id earshot.CallID) (earshot.Call, error)
	Summary(ctx context.Context, id earshot.CallID) (*earshot.Summary, error)
	Deliveries(ctx context.Context, id earshot.CallID) ([]earshot.Delivery, error)
	Utterances(ctx context.Context, id earshot.CallID) ([]earshot.Utterance, error)
	Suggestions(ctx context.Context, id earshot.CallID) ([]earshot.Suggestion, error)
}

// NotePayload is the payload of a [earshot.JobNote] job.
type NotePayload struct {
	Connector string `json:"connector"`
	// SummaryRevision is that of the summary that made the job. The note is
	// made of the newest summary.
	SummaryRevision int `json:"summary_revision"`
}

// DeliverPayload is the payload of a [earshot.JobDeliver] job.
type DeliverPayload struct {
	NoteID   earshot.NoteID `json:"note_id"`
	Revision int            `json:"revision"`
}

// NoteJob makes the job to compose the note of a call for a connector after
// that revision of the summary.
func NoteJob(call earshot.CallID, connector string, summaryRevision int) earshot.Job {
	key := fmt.Sprintf("%s-s%d", NoteIDFor(call, connector), summaryRevision)
	return earshot.NewJob(earshot.JobNote, call, key, NotePayload{connector, summaryRevision})
}

// DeliverJob makes the job to bring a delivery to its connector.
func DeliverJob(d earshot.Delivery) earshot.Job {
	j := earshot.NewJob(earshot.JobDeliver, d.CallID, d.Key, DeliverPayload{d.NoteID, d.Revision})
	h := fnv.New32a()
	h.Write([]byte(d.CallID))
	j.Lane = "deliver:" + d.Connector + ":" + strconv.FormatUint(uint64(h.Sum32()%deliverLanes), 10)
	return j
}

// Notes composes notes. It is the worker of [earshot.JobNote] jobs.
type Notes struct {
	read    CallReader
	links   func(earshot.CallID) Links
	mapping *Mapping
}

// NewNotes makes the composer; links and mapping may be nil.
func NewNotes(read CallReader, links func(earshot.CallID) Links, mapping *Mapping) *Notes {
	if links == nil {
		links = func(earshot.CallID) Links { return Links{} }
	}
	return &Notes{read, links, mapping}
}

// Handle composes the note and returns the intent to deliver it, unless the
// revision before says the same already. Jobs of one call must run one after
// another, as those of [NoteJob] do.
func (n *Notes) Handle(ctx context.Context, j earshot.Job) (earshot.Commit, error) {
	var p NotePayload
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return earshot.Commit{}, earshot.Permanent(fmt.Errorf("decode note job: %w", err))
	}
	if err := ValidName(p.Connector); err != nil {
		return earshot.Commit{}, earshot.Permanent(err)
	}
	last, err := n.last(ctx, j.CallID, p.Connector)
	if err != nil {
		return earshot.Commit{}, err
	}
	note, err := n.Preview(ctx, j.CallID, p.Connector, last.Revision+1)
	if err != nil {
		return earshot.Commit{}, err
	}
	if last.Revision > 0 && contentHash(last.Note) == contentHash(note) {
		return earshot.Commit{}, nil
	}
	d := earshot.Delivery{
		NoteID: note.ID, CallID: note.CallID, Connector: p.Connector, Revision: note.Revision,
		Key: KeyFor(note.ID, note.Revision), Note: note, State: earshot.DeliveryPending, UpdatedAt: now(),
	}
	return earshot.Commit{Deliveries: []earshot.Delivery{d}, Jobs: []earshot.Job{DeliverJob(d)}}, nil
}

// ErrNoSummary says that there is nothing yet to make a note of.
var ErrNoSummary = errors.New("the call has no summary")

// Preview composes a revision of the note of a call, and stores nothing.
func (n *Notes) Preview(ctx context.Context, id earshot.CallID, connector string, revision int) (earshot.Note, error) {
	call, err := n.read.Call(ctx, id)
	if err != nil {
		return earshot.Note{}, permanentIfMissing(fmt.Errorf("read call: %w", err))
	}
	summary, err := n.read.Summary(ctx, id)
	if err != nil {
		return earshot.Note{}, permanentIfMissing(fmt.Errorf("read summary: %w", err))
	}
	if summary == nil {
		return earshot.Note{}, earshot.Permanent(ErrNoSummary)
	}
	said, err := n.read.Utterances(ctx, id)
	if err != nil {
		return earshot.Note{}, fmt.Errorf("read utterances: %w", err)
	}
	made, err := n.read.Suggestions(ctx, id)
	if err != nil {
		return earshot.Note{}, fmt.Errorf("read suggestions: %w", err)
	}
	note := Compose(call, *summary, n.links(id), connector, revision)
	note.Fields = fieldsOf(made)
	if note.Writing, err = n.mapping.Write(note, call.SureRoles(said)); err != nil {
		return earshot.Note{}, earshot.Permanent(err)
	}
	return note, nil
}

// fieldsOf returns the fields that rules have set: of each name the newest.
func fieldsOf(made []earshot.Suggestion) map[string]string {
	at := map[string]int64{}
	var out map[string]string
	for _, s := range made {
		if s.Kind != "field" || out != nil && out[s.Title] != "" && s.AtMS < at[s.Title] {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[s.Title], at[s.Title] = s.Text, s.AtMS
	}
	return out
}

// last returns the newest delivery of the note, the zero value for none.
func (n *Notes) last(ctx context.Context, call earshot.CallID, connector string) (last earshot.Delivery, err error) {
	all, err := n.read.Deliveries(ctx, call)
	if err != nil {
		return last, fmt.Errorf("read deliveries: %w", err)
	}
	for _, d := range all {
		if d.NoteID == NoteIDFor(call, connector) && d.Revision > last.Revision {
			last = d
		}
	}
	return last, nil
}

func permanentIfMissing(err error) error {
	if errors.Is(err, earshot.ErrNotFound) {
		return earshot.Permanent(err)
	}
	return err
}
