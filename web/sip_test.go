package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"earshot"
)

type fakeTraces struct {
	list    []earshot.SIPMessage
	refused []earshot.RefusedSIP
	capture func(w io.Writer, media bool) error
}

func (f *fakeTraces) SIPMessages(context.Context, earshot.CallID) ([]earshot.SIPMessage, error) {
	return f.list, nil
}
func (f *fakeTraces) Refused() []earshot.RefusedSIP { return f.refused }
func (f *fakeTraces) Capture(_ context.Context, w io.Writer, _ earshot.Call, media bool) error {
	return f.capture(w, media)
}

func ladderOf(call earshot.CallID) []earshot.SIPMessage {
	at := time.Date(2026, 3, 4, 9, 30, 0, 0, time.UTC)
	return []earshot.SIPMessage{
		{ID: 1, CallID: call, SegmentID: "seg", At: at, Transport: "UDP", Peer: "192.0.2.1:5060", FirstLine: "INVITE sip:x SIP/2.0", CSeq: "1 INVITE", Size: 900},
		{ID: 2, CallID: call, SegmentID: "seg", At: at.Add(12 * time.Millisecond), Sent: true, Transport: "UDP", Peer: "192.0.2.1:5060", FirstLine: "SIP/2.0 200 OK", CSeq: "1 INVITE", Size: 700},
	}
}

func TestLadderOverHTTP(t *testing.T) {
	traces := &fakeTraces{list: ladderOf("done1")}
	f := newFixture(t, func(_ *Config, d *Deps) { d.Traces = traces })
	answer, body := f.do(t, http.MethodGet, "/api/v1/calls/done1/sip")
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", answer.Status, body)
	}
	checkSchema(t, f, http.MethodGet, "/api/v1/calls/{id}/sip", body)
	if list, _ := items[earshot.SIPMessage](t, body); len(list) != 2 || list[1].FirstLine != "SIP/2.0 200 OK" || !list[1].Sent {
		t.Errorf("got %+v", list)
	}
	answer, body = f.do(t, http.MethodGet, "/api/v1/calls/done1/sip?format=text")
	lines := strings.Split(string(body), "\n")
	if answer.Header.Get("Content-Type") != "text/plain; charset=utf-8" || len(lines) < 5 ||
		!strings.Contains(lines[3], "- INVITE -") || !strings.Contains(lines[3], ">|") || !strings.Contains(lines[3], "0.000") ||
		!strings.Contains(lines[4], "- 200 OK -") || !strings.Contains(lines[4], "|<") || !strings.Contains(lines[4], "0.012") {
		t.Errorf("the diagram is\n%s", body)
	}
	answer, body = f.do(t, http.MethodGet, "/api/v1/calls/nobody/sip")
	checkProblem(t, answer, body, http.StatusNotFound)
	answer, body = f.do(t, http.MethodGet, "/api/v1/calls/done1/sip?format=gif")
	checkProblem(t, answer, body, http.StatusUnprocessableEntity)
}

func TestRefusedOverHTTP(t *testing.T) {
	traces := &fakeTraces{refused: []earshot.RefusedSIP{{At: time.Now(), Peer: "192.0.2.1:5060", Status: 403, Reason: "Forbidden"}}}
	f := newFixture(t, func(_ *Config, d *Deps) { d.Traces = traces })
	_, body := f.do(t, http.MethodGet, "/api/v1/sip/refused")
	checkSchema(t, f, http.MethodGet, "/api/v1/sip/refused", body)
	if list, _ := items[earshot.RefusedSIP](t, body); len(list) != 1 || list[0].Status != 403 {
		t.Errorf("got %+v", list)
	}
	_, body = newFixture(t).do(t, http.MethodGet, "/api/v1/sip/refused")
	if list, _ := items[earshot.RefusedSIP](t, body); len(list) != 0 {
		t.Errorf("without traces: %+v", list)
	}
}

func TestCaptureOverHTTP(t *testing.T) {
	traces := &fakeTraces{}
	f := newFixture(t, func(_ *Config, d *Deps) { d.Traces = traces })
	for query, want := range map[string]bool{"": true, "?media=true": true, "?media=false": false} {
		traces.capture = func(w io.Writer, media bool) error {
			if media != want {
				t.Errorf("%q asks for media %v", query, media)
			}
			_, err := io.WriteString(w, "pcap")
			return err
		}
		answer, body := f.do(t, http.MethodGet, "/api/v1/calls/done1/capture"+query)
		if string(body) != "pcap" || answer.Header.Get("Content-Type") != captureType ||
			!strings.Contains(answer.Header.Get("Content-Disposition"), "done1.pcap") {
			t.Errorf("%s %v: %q", answer.Status, answer.Header, body)
		}
	}
	traces.capture = func(io.Writer, bool) error { return errors.New("no disk") }
	answer, body := f.do(t, http.MethodGet, "/api/v1/calls/done1/capture")
	if p := checkProblem(t, answer, body, http.StatusInternalServerError); strings.Contains(p.Detail, "disk") {
		t.Errorf("the problem tells %q", p.Detail)
	}
	traces.capture = func(w io.Writer, _ bool) error {
		_, _ = io.WriteString(w, "half")
		return errors.New("no disk")
	}
	aborted := func() (p any) {
		defer func() { p = recover() }()
		f.do(t, http.MethodGet, "/api/v1/calls/done1/capture")
		return nil
	}()
	if aborted == nil {
		t.Error("half a capture is taken for a whole one")
	}
	answer, body = f.do(t, http.MethodGet, "/api/v1/calls/nobody/capture")
	checkProblem(t, answer, body, http.StatusNotFound)
}
