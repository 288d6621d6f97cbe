package web

import (
	"encoding/json"
	"strings"
	"testing"

	"earshot"
)

func TestPartialsAreDroppedFirst(t *testing.T) {
	b := NewBroker()
	defer b.Close()
	r, _, err := b.subscribe("", true)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(2 * queueLength) {
		b.Publish([]earshot.Event{partialEvent("live1", i)})
	}
	if n := len(r.queue); n != queueLength/2 {
		t.Errorf("%d partials wait, want %d", n, queueLength/2)
	}
	e := finalEvent("live1", 1)
	e.Seq = 1
	b.Publish([]earshot.Event{e})
	if n := len(r.queue); n != queueLength/2+1 {
		t.Error("no room for a final behind partials")
	}
	if n := gathered(t, b.collectors(), "earshot_web_partials_dropped_total"); n != queueLength*3/2 {
		t.Errorf("%v partials counted as dropped", n)
	}
}

func TestBrokerForgetsPartials(t *testing.T) {
	b := NewBroker()
	defer b.Close()
	now := func() int {
		r, partials, err := b.subscribe("live1", true)
		if err != nil {
			t.Fatal(err)
		}
		b.unsubscribe(r)
		return len(partials)
	}
	b.Publish([]earshot.Event{partialEvent("live1", 1), partialEvent("live1", 2)})
	if n := now(); n != 1 {
		t.Errorf("%d partials of one stream", n)
	}
	b.Publish([]earshot.Event{finalEvent("live1", 1)})
	if n := now(); n != 1 {
		t.Error("the final of an earlier utterance took the partial away")
	}
	b.Publish([]earshot.Event{finalEvent("live1", 2)})
	if n := now(); n != 0 {
		t.Error("the partial outlives its final")
	}
	b.Publish([]earshot.Event{partialEvent("live1", 3), earshot.NewEvent(earshot.EventTranscriptCompleted, "live1", nil)})
	if n := now(); n != 0 {
		t.Error("the partial outlives its call")
	}
}

func FuzzEncode(f *testing.F) {
	f.Add("utterance.final", []byte(`{"text":"a\nb"}`), int64(3))
	f.Add("utterance.partial", []byte("{\n\"x\" : 1\n}"), int64(0))
	f.Add("call.ended", []byte("not json"), int64(9))
	f.Fuzz(func(t *testing.T, kind string, data []byte, seq int64) {
		if strings.ContainsAny(kind, "\r\n") || kind == "" || seq < 0 {
			t.Skip()
		}
		e := earshot.Event{Seq: seq, Type: earshot.EventType(kind), CallID: "c", Data: data}
		text := string(encode(e).bytes)
		if strings.Count(text, "\ndata: ") != 1 || !strings.HasSuffix(text, "\n\n") || strings.Contains(strings.TrimSuffix(text, "\n\n"), "\n\n") {
			t.Fatalf("not one event: %q", text)
		}
		_, raw, _ := strings.Cut(text, "\ndata: ")
		if !json.Valid([]byte(strings.TrimSpace(raw))) {
			t.Fatalf("data is not JSON: %q", raw)
		}
		if strings.HasPrefix(text, "id: ") != (seq > 0 || kind == string(eventSnapshot)) {
			t.Fatalf("ID of event %d: %q", seq, text)
		}
	})
}
