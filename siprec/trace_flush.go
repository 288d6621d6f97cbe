package siprec

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"earshot"
)

// run writes what waits each second until ctx is over, and once more then.
func (t *trace) run(ctx context.Context) {
	tick := time.NewTicker(flushInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := t.flush(ctx); err != nil && ctx.Err() == nil {
				t.log.Warn("SIP messages not stored", "error", err)
			}
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			if err := t.flush(last); err != nil {
				t.log.Warn("SIP messages not stored", "error", err)
			}
			return
		}
	}
}

// flush writes what waits, in one commit. What can't be written waits on.
func (t *trace) flush(ctx context.Context) error {
	t.flushing.Lock()
	defer t.flushing.Unlock()
	taken := t.take()
	if len(taken) == 0 || t.traces == nil {
		return nil
	}
	var out []earshot.SIPMessage
	for _, w := range taken {
		for _, m := range w.messages {
			out = append(out, t.stored(w, m))
		}
	}
	if err := t.traces.SaveSIP(ctx, out); err != nil {
		t.putBack(taken)
		return fmt.Errorf("store SIP messages: %w", err)
	}
	return nil
}

// waiting is what was taken off a ladder.
type waiting struct {
	*ladder
	call     earshot.CallID
	segment  earshot.SegmentID
	messages []message
}

// take takes what sessions have waiting, and forgets the ladders that are
// over.
func (t *trace) take() []waiting {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []waiting
	for id, l := range t.ladders {
		if l.call != "" && len(l.pending) > 0 {
			out = append(out, waiting{l, l.call, l.segment, l.pending})
			l.pending, l.size = nil, 0
		}
		if (l.over || l.call == "") && time.Since(l.since) > lingering {
			delete(t.ladders, id)
			if l.call == "" {
				t.strays--
			}
		}
	}
	return out
}

func (t *trace) putBack(taken []waiting) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range taken {
		newer := w.pending
		w.pending, w.size = nil, 0
		for _, m := range append(w.messages, newer...) {
			t.append(w.ladder, m)
		}
	}
}

// stored is a message as it is kept.
func (t *trace) stored(w waiting, m message) earshot.SIPMessage {
	return earshot.SIPMessage{
		CallID: w.call, SegmentID: w.segment, At: m.at, Sent: m.sent, Transport: m.transport,
		Peer: m.peer, Local: t.localAddr(m), FirstLine: redactURIs(m.first, t.mode), CSeq: m.cseq,
		Size: m.size, Text: redact(m.data, t.mode),
	}
}

// localAddr is our side of a message, where the socket is bound to no address
// the one that faces the peer.
func (t *trace) localAddr(m message) string {
	host, port, err := net.SplitHostPort(m.local)
	if err != nil {
		return m.local
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
		return m.local
	}
	return net.JoinHostPort(t.local(m.peer), port)
}

// unparsable remembers a message that is not SIP, or not sound.
func (t *trace) unparsable(transport string, peer net.Addr, data []byte, status int, why string) {
	if t.mode == TraceOff || len(data) < minMessage {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	m := message{at: time.Now(), transport: transport, peer: peer.String(), head: readHead(data), data: data}
	if n := len(t.refused); n > 0 && m.callID != "" && t.refused[n-1].SIPCallID == m.callID {
		return // its 400 was seen already
	}
	t.refuse(m, status, why)
}

// refuse remembers a refusal. The caller holds mu.
func (t *trace) refuse(m message, status int, reason string) {
	if len(t.refused) == maxRefused {
		t.refused = t.refused[1:]
	}
	t.refused = append(t.refused, earshot.RefusedSIP{
		At: m.at, Transport: m.transport, Peer: m.peer, SIPCallID: m.callID, Status: status, Reason: reason,
		Text: redact(m.data[:min(len(m.data), maxTraceText)], t.mode),
	})
}

// FlushTrace stores the SIP messages that wait to be stored. Without it that
// happens within a second.
func (s *Server) FlushTrace(ctx context.Context) error { return s.trace.flush(ctx) }

// Refused returns the INVITEs that began no session and the messages that are
// not SIP, the newest first.
func (s *Server) Refused() []earshot.RefusedSIP {
	s.trace.mu.Lock()
	defer s.trace.mu.Unlock()
	out := make([]earshot.RefusedSIP, 0, len(s.trace.refused))
	for _, r := range slices.Backward(s.trace.refused) {
		out = append(out, r)
	}
	return out
}

// statusOfLine returns the status of a status line, 0 for a request.
func statusOfLine(first string) int {
	rest, found := strings.CutPrefix(first, "SIP/2.0 ")
	if !found || len(rest) < 3 {
		return 0
	}
	n, _ := strconv.Atoi(rest[:3])
	return n
}

// reasonOf is what a response says about itself: its Warning (RFC 3261 20.43)
// or its reason phrase.
func reasonOf(data []byte, first string) string {
	for line := range strings.Lines(string(data)) {
		if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Warning") {
			if _, text, found := strings.Cut(value, `"`); found {
				return strings.TrimRight(text, "\"\r\n")
			}
		}
	}
	fields := strings.SplitN(first, " ", 3)
	return fields[len(fields)-1]
}
