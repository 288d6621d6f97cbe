package web

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"earshot"
)

// eventSnapshot is the first event of a connection that resumes nothing. It is
// made for that reader alone and is neither stored nor published.
const eventSnapshot earshot.EventType = "snapshot"

const eventBatch = 500

// callsSnapshot is the data of a snapshot of all: the live calls, newest
// first.
type callsSnapshot struct {
	Calls []earshot.Call `json:"calls"`
	// audience is who it is for.
	audience earshot.Audience
}

// callSnapshot is the data of a snapshot of one call: all there is so far.
type callSnapshot struct {
	Call        earshot.Call         `json:"call"`
	Utterances  []earshot.Utterance  `json:"utterances"`
	Suggestions []earshot.Suggestion `json:"suggestions"`
	Notes       []earshot.Delivery   `json:"notes"`
}

// state is a snapshot that further events can be applied to.
type state interface{ apply(e earshot.Event) error }

// snapshot reads the state of one call, or of all for "", exactly as it was
// after one event, and returns that event's Seq with it. The store is read in
// several steps, between which it may change: what was committed since the
// first step is applied on top, and applying what is there already changes
// nothing.
func (s *Server) snapshot(ctx context.Context, id earshot.CallID) (any, int64, error) {
	seq, err := s.deps.Reader.LastSeq(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("read last event: %w", err)
	}
	var st state
	if id == "" {
		st, err = s.readCalls(ctx)
	} else {
		st, err = s.readCall(ctx, id)
	}
	if err != nil {
		return nil, 0, err
	}
	seq, err = s.catchUp(ctx, id, seq, st.apply)
	if err != nil {
		return nil, 0, err
	}
	s.overlay(st)
	return st, seq, nil
}

// catchUp applies the stored events after seq, until there are no more, and
// returns the Seq of the last one.
func (s *Server) catchUp(ctx context.Context, id earshot.CallID, seq int64, apply func(earshot.Event) error) (int64, error) {
	for {
		events, err := s.deps.Reader.EventsAfter(ctx, seq, id, eventBatch)
		if err != nil {
			return seq, fmt.Errorf("read events: %w", err)
		}
		for _, e := range events {
			if err := apply(e); err != nil {
				return seq, fmt.Errorf("event %d: %w", e.Seq, err)
			}
			seq = e.Seq
		}
		if len(events) < eventBatch {
			return seq, nil
		}
	}
}

func (s *Server) readCalls(ctx context.Context) (*callsSnapshot, error) {
	st := &callsSnapshot{Calls: []earshot.Call{}, audience: audienceOf(ctx)}
	q := CallQuery{State: "live", Audience: st.audience, Limit: maxLimit}
	for {
		calls, next, err := s.deps.Reader.Calls(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("read live calls: %w", err)
		}
		st.Calls = append(st.Calls, calls...)
		if q.Before = next; next == "" {
			return st, nil
		}
	}
}

func (s *Server) readCall(ctx context.Context, id earshot.CallID) (*callSnapshot, error) {
	var st callSnapshot
	var err error
	if st.Call, err = s.deps.Reader.Call(ctx, id); err != nil {
		return nil, fmt.Errorf("read call: %w", err)
	}
	if st.Utterances, err = s.deps.Reader.Utterances(ctx, id); err != nil {
		return nil, fmt.Errorf("read utterances: %w", err)
	}
	if st.Suggestions, err = s.deps.Reader.Suggestions(ctx, id); err != nil {
		return nil, fmt.Errorf("read suggestions: %w", err)
	}
	if st.Notes, err = s.deps.Reader.Deliveries(ctx, id); err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	fill(&st.Utterances)
	fill(&st.Suggestions)
	fill(&st.Notes)
	return &st, nil
}

func (s *Server) overlay(st state) {
	switch st := st.(type) {
	case *callsSnapshot:
		for i := range st.Calls {
			st.Calls[i] = s.live(st.Calls[i])
		}
	case *callSnapshot:
		st.Call = s.live(st.Call)
		for i := range st.Notes {
			fillNote(&st.Notes[i].Note)
		}
	}
}

func (st *callsSnapshot) apply(e earshot.Event) error {
	switch e.Type {
	case earshot.EventCallStarted, earshot.EventCallUpdated, earshot.EventCallEnded, earshot.EventCallSettled:
	default:
		return nil
	}
	var c earshot.Call
	if err := json.Unmarshal(e.Data, &c); err != nil {
		return err
	}
	i := slices.IndexFunc(st.Calls, func(have earshot.Call) bool { return have.ID == c.ID })
	switch {
	case c.State.Ended() && i >= 0:
		st.Calls = slices.Delete(st.Calls, i, i+1)
	case c.State.Ended() || !st.audience.Sees(&c):
	case i >= 0:
		c.Matches = st.Calls[i].Matches
		st.Calls[i] = c
	default:
		st.Calls = slices.Insert(st.Calls, 0, c)
	}
	return nil
}

func (st *callSnapshot) apply(e earshot.Event) error {
	switch e.Type {
	case earshot.EventCallStarted, earshot.EventCallUpdated, earshot.EventCallEnded,
		earshot.EventCallSettled, earshot.EventRecordingReady:
		return st.applyCall(e.Data)
	case earshot.EventCallMarked:
		return st.applyMark(e.Data)
	case earshot.EventCallMatched:
		return upsert(&st.Call.Matches, e.Data,
			func(a, b *earshot.Match) bool { return a.Connector == b.Connector },
			func(have, m *earshot.Match) bool { return !m.At.Before(have.At) })
	case earshot.EventTranscriptCompleted:
		st.Call.TranscriptComplete = true
		return nil
	case earshot.EventSummaryCreated:
		return st.applySummary(e.Data)
	case earshot.EventUtteranceFinal:
		return st.applyFinal(e.Data)
	case earshot.EventSuggestionCreated:
		return upsert(&st.Suggestions, e.Data,
			func(a, b *earshot.Suggestion) bool { return a.ID == b.ID },
			func(have, s *earshot.Suggestion) bool { s.Feedback = have.Feedback; return true })
	case earshot.EventSuggestionRated:
		return st.applyFeedback(e.Data)
	case earshot.EventNoteUpdated:
		return upsert(&st.Notes, e.Data,
			func(a, b *earshot.Delivery) bool { return a.NoteID == b.NoteID && a.Revision == b.Revision },
			func(have, d *earshot.Delivery) bool { return !d.UpdatedAt.Before(have.UpdatedAt) })
	default:
		return nil
	}
}

// applyCall takes the call as the event has it, but for the summary and the
// matches, which only their own events bring.
func (st *callSnapshot) applyCall(data json.RawMessage) error {
	var c earshot.Call
	if err := json.Unmarshal(data, &c); err != nil {
		return err
	}
	if c.Summary == nil {
		c.Summary = st.Call.Summary
	}
	if c.Matches == nil {
		c.Matches = st.Call.Matches
	}
	st.Call = c
	return nil
}

func (st *callSnapshot) applyMark(data json.RawMessage) error {
	var m earshot.Mark
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	st.Call.Marks = earshot.PutMark(st.Call.Marks, m)
	return nil
}

func (st *callSnapshot) applyFeedback(data json.RawMessage) error {
	var f earshot.Feedback
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	i := slices.IndexFunc(st.Suggestions, func(s earshot.Suggestion) bool { return s.ID == f.SuggestionID })
	if i >= 0 {
		st.Suggestions[i].Feedback = &f
	}
	return nil
}

func (st *callSnapshot) applyFinal(data json.RawMessage) error {
	err := upsert(&st.Utterances, data,
		func(a, b *earshot.Utterance) bool { return a.ID == b.ID },
		func(have, u *earshot.Utterance) bool { return u.Revision > have.Revision })
	slices.SortStableFunc(st.Utterances, func(a, b earshot.Utterance) int { return int(a.StartMS - b.StartMS) })
	return err
}

func (st *callSnapshot) applySummary(data json.RawMessage) error {
	var sum earshot.Summary
	if err := json.Unmarshal(data, &sum); err != nil {
		return err
	}
	if st.Call.Summary == nil || sum.Revision >= st.Call.Summary.Revision {
		st.Call.Summary = &sum
	}
	return nil
}

// upsert puts the item of an event into the list, or in place of the same one
// if it is newer.
func upsert[T any](list *[]T, data json.RawMessage, same, newer func(have, item *T) bool) error {
	var item T
	if err := json.Unmarshal(data, &item); err != nil {
		return err
	}
	for i := range *list {
		if have := &(*list)[i]; same(have, &item) {
			if newer(have, &item) {
				*have = item
			}
			return nil
		}
	}
	*list = append(*list, item)
	return nil
}
