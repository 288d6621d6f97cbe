package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ThreeDotsLabs/watermill/message"

	"earshot"
)

// poisonLane is the lane of messages set aside, so that replaying many of them
// takes one worker.
const poisonLane = "poison"

// Poison is the payload of a [earshot.JobPoison] job: a bus message no handler
// could make jobs of.
type Poison struct {
	Handler string `json:"handler"`
	Subject string `json:"subject"`
	// MessageID is the Nats-Msg-Id, the event's ID when we published it.
	MessageID string `json:"message_id,omitempty"`
	StreamSeq string `json:"stream_seq,omitempty"`
	Reason    string `json:"reason"`
	Body      []byte `json:"body"`
}

// decodeEvent reads an event of a type from the bus.
func decodeEvent(body []byte, want earshot.EventType) (earshot.Event, error) {
	var e earshot.Event
	if err := json.Unmarshal(body, &e); err != nil {
		return e, fmt.Errorf("decode event: %w", err)
	}
	if e.ID == "" {
		return e, errors.New("decode event: no id")
	}
	if e.Type != want {
		return e, fmt.Errorf("decode event: type %.40q on the subject of %s", e.Type, want)
	}
	return e, nil
}

// poison sets a message aside as a dead job. Only when that cannot be stored
// does the message come again.
func (r *Router) poison(h *handler, m *message.Message, reason error) error {
	job := poisonJob(h, m, reason)
	if _, err := r.sink.Apply(m.Context(), earshot.Commit{Jobs: []earshot.Job{job}}); err != nil {
		return r.again(h, m, fmt.Errorf("store poisoned event: %w", err))
	}
	r.poisoned.WithLabelValues(h.name).Inc()
	r.log.Error("event is set aside", "handler", h.name, "event_id", m.UUID, "error", reason)
	return nil
}

func poisonJob(h *handler, m *message.Message, reason error) earshot.Job {
	p := Poison{
		Handler: h.name, Subject: Subject(h.typ), MessageID: m.UUID,
		StreamSeq: m.Metadata.Get(metaStreamSeq), Reason: reason.Error(), Body: m.Payload,
	}
	var e earshot.Event
	_ = json.Unmarshal(m.Payload, &e) // the call's ID, if it can be read
	job := earshot.NewJob(earshot.JobPoison, e.CallID, poisonKey(p), p)
	job.Lane = poisonLane
	job.State = earshot.JobDead
	job.Attempts = deliveries(m)
	job.LastError = p.Reason
	return job
}

// poisonKey is the same for each delivery of a message. One that is not ours
// has no ID, and its number starts over with a new stream.
func poisonKey(p Poison) string {
	if p.MessageID != "" {
		return p.Handler + "/" + p.MessageID
	}
	sum := sha256.Sum256(p.Body)
	return p.Handler + "/" + p.StreamSeq + "/" + hex.EncodeToString(sum[:8])
}

// Replay gives a message that was set aside to its handler again and returns
// the jobs it makes. It is the worker of [earshot.JobPoison]: such a job runs
// only when somebody replays it.
func (r *Router) Replay(ctx context.Context, j earshot.Job) (earshot.Commit, error) {
	var p Poison
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return earshot.Commit{}, earshot.Permanent(fmt.Errorf("decode poisoned event: %w", err))
	}
	h := r.byName[p.Handler]
	if h == nil {
		return earshot.Commit{}, earshot.Permanent(fmt.Errorf("no handler %.60q", p.Handler))
	}
	jobs, err := r.jobs(ctx, h, p.Body)
	if err != nil {
		return earshot.Commit{}, err
	}
	return earshot.Commit{Jobs: jobs}, nil
}
