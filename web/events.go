package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

const eventStream = "text/event-stream"

// EventsInput says where a reader of events begins.
type EventsInput struct {
	LastID   string `header:"Last-Event-ID" maxLength:"20" pattern:"^[0-9]*$" doc:"ID of the last event read; the stream goes on after it."`
	LastArg  string `query:"last_event_id" maxLength:"20" pattern:"^[0-9]*$" doc:"The same for clients that can't set the header, which comes first."`
	Partials bool   `query:"partials" default:"true" doc:"Whether partial utterances are sent."`
}

type callEventsInput struct {
	CallInput
	EventsInput
}

func (s *Server) eventRoutes(api huma.API) {
	op := huma.Operation{
		Method: http.MethodGet, Tags: []string{"events"},
		Description: "Server-sent events; the data of each is JSON: {seq, id, type, call_id, at, data}. " +
			"A connection without a last event begins with a snapshot, then come the events after it, none " +
			"left out and none twice. Partial utterances have no ID and are never sent again. A reader " +
			"that is too slow is cut off and resumes with the last ID.",
		Responses: rawResponse("The events", eventStream),
		Errors:    []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}
	all := op
	all.OperationID, all.Path, all.Summary = "events", "/api/v1/events", "Events of all calls"
	register(s, api, all, func(ctx context.Context, in *EventsInput) (*huma.StreamResponse, error) {
		return s.events(ctx, "", in)
	})
	one := op
	one.OperationID, one.Path, one.Summary = "callEvents", "/api/v1/calls/{id}/events", "Events of one call"
	one.Responses = rawResponse("The events", eventStream)
	one.Errors = append([]int{http.StatusNotFound}, op.Errors...)
	register(s, api, one, func(ctx context.Context, in *callEventsInput) (*huma.StreamResponse, error) {
		if _, err := s.deps.Reader.Call(ctx, in.ID); err != nil {
			return nil, err
		}
		return s.events(ctx, in.ID, &in.EventsInput)
	})
}

// after returns the Seq to go on from, false when there is none.
func (in *EventsInput) after() (int64, bool) {
	for _, text := range []string{in.LastID, in.LastArg} {
		if seq, err := strconv.ParseInt(text, 10, 64); err == nil {
			return seq, true
		}
	}
	return 0, false
}

// session is one connection that reads events.
type session struct {
	server   *Server
	call     earshot.CallID
	audience earshot.Audience
	// seen are the calls of which it is known whether the audience sees them.
	seen     map[earshot.CallID]bool
	reader   *reader
	partials []partial
	last     int64 // Seq of the last event written
	first    []byte
}

// events prepares a session. The reader is subscribed before the store is
// read: what is committed meanwhile waits in its queue.
func (s *Server) events(ctx context.Context, call earshot.CallID, in *EventsInput) (*huma.StreamResponse, error) {
	r, partials, err := s.broker.subscribe(call, in.Partials)
	if err != nil {
		return nil, err
	}
	ses := &session{
		server: s, call: call, audience: audienceOf(ctx), seen: map[earshot.CallID]bool{}, reader: r, partials: partials,
	}
	if err := ses.begin(ctx, in); err != nil {
		s.broker.unsubscribe(r)
		return nil, err
	}
	return raw(func(w http.ResponseWriter, req *http.Request) {
		defer s.broker.unsubscribe(r)
		ses.run(w, req)
	}), nil
}

// begin finds where the session starts. An ID that the store has not given
// out yet is of another store: the reader gets a snapshot, as a new one does.
func (ses *session) begin(ctx context.Context, in *EventsInput) error {
	if seq, ok := in.after(); ok {
		last, err := ses.server.deps.Reader.LastSeq(ctx)
		if err != nil {
			return err
		}
		if seq <= last {
			ses.last = seq
			return nil
		}
	}
	st, seq, err := ses.server.snapshot(ctx, ses.call)
	if err != nil {
		return err
	}
	e := earshot.NewEvent(eventSnapshot, ses.call, st)
	e.Seq = seq
	ses.last, ses.first = seq, encode(e).bytes
	ses.forget(st)
	return nil
}

// forget leaves out the partials whose finals are in the snapshot.
func (ses *session) forget(st any) {
	one, ok := st.(*callSnapshot)
	if !ok {
		return
	}
	final := map[earshot.UtteranceID]bool{}
	for _, u := range one.Utterances {
		final[u.ID] = true
	}
	kept := ses.partials[:0]
	for _, p := range ses.partials {
		if !final[p.utterance.ID] {
			kept = append(kept, p)
		}
	}
	ses.partials = kept
}

// run writes events until the client goes, is cut off, or the server stops.
func (ses *session) run(w http.ResponseWriter, r *http.Request) {
	rc := http.NewResponseController(w)
	h := w.Header()
	h.Set("Content-Type", eventStream)
	h.Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		return
	}
	// The connection outlives the deadline of reading the request.
	_ = rc.SetReadDeadline(time.Time{})
	out := &eventWriter{w: w, rc: rc}
	out.write([]byte("retry: 1000\n\n"))
	out.write(ses.first)
	ses.replay(r.Context(), out)
	for _, p := range ses.partials {
		if ses.sees(r.Context(), p.frame) {
			out.write(p.frame.bytes)
		}
	}
	out.flush()
	ses.follow(r, out)
}

// sees reports whether an event is for the session's audience. Whose call it is
// may turn out later, with a change of the call.
func (ses *session) sees(ctx context.Context, f frame) bool {
	if ses.audience.All() {
		return true
	}
	seen, known := ses.seen[f.call]
	if known && (seen || !strings.HasPrefix(string(f.kind), "call.")) {
		return seen
	}
	c, err := ses.server.deps.Reader.Call(ctx, f.call)
	if err == nil {
		c = ses.server.live(c)
		seen = ses.audience.Sees(&c)
		ses.seen[f.call] = seen
	}
	return seen && err == nil
}

// replay writes what the store has after the last event. An error ends the
// connection; the client resumes.
func (ses *session) replay(ctx context.Context, out *eventWriter) {
	_, err := ses.server.catchUp(ctx, ses.call, ses.last, func(e earshot.Event) error {
		if f := encode(e); ses.sees(ctx, f) {
			out.write(f.bytes)
		}
		ses.last = e.Seq
		return out.err
	})
	if err != nil && out.err == nil {
		out.err = err
		if ctx.Err() == nil {
			ses.server.log.ErrorContext(ctx, "events not replayed", "request_id", requestID(ctx), "error", err)
		}
	}
}

func (ses *session) follow(r *http.Request, out *eventWriter) {
	ctx := r.Context()
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for out.err == nil {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if !ses.server.still(r) {
				return
			}
			out.write([]byte(": heartbeat\n\n"))
			out.flush()
		case f, ok := <-ses.reader.queue:
			if !ok {
				return
			}
			ses.deliver(ctx, f, out)
			if len(ses.reader.queue) == 0 {
				out.flush()
			}
		}
	}
}

// still reports whether whoever sent a request is who they were, and signed in.
func (s *Server) still(r *http.Request) bool {
	before := principalOf(r.Context())
	now, err := s.who(r)
	if err != nil || now == nil || before == nil {
		return false
	}
	return now.account.ID == before.account.ID && now.audience() == before.audience()
}

// deliver writes an event unless the store gave it already.
func (ses *session) deliver(ctx context.Context, f frame, out *eventWriter) {
	if f.seq != 0 && f.seq <= ses.last {
		return
	}
	ses.last = max(ses.last, f.seq)
	if ses.sees(ctx, f) {
		out.write(f.bytes)
	}
}

// eventWriter remembers the first error and bounds each write.
type eventWriter struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	err error
}

func (o *eventWriter) write(p []byte) {
	if o.err != nil || len(p) == 0 {
		return
	}
	_ = o.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, o.err = o.w.Write(p)
}

func (o *eventWriter) flush() {
	if o.err == nil {
		o.err = o.rc.Flush()
	}
}
