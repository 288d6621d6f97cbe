// Package deepgramtest has a server that speaks the protocol of Deepgram's
// streaming endpoint as developers.deepgram.com describes it
// (reference/speech-to-text/listen-streaming, docs/finalize, docs/close-stream,
// docs/audio-keep-alive), refuses what is not in there, and recognises what it
// is sent.
package deepgramtest

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"earshot"
	"earshot/transcribe/timing"
)

const (
	// idleLimit is how long the endpoint waits for audio or a KeepAlive.
	idleLimit = 10 * time.Second
	// leastSeconds of audio are worth an answer.
	leastSeconds = 0.1
)

// Recogniser is what the server asks.
type Recogniser interface {
	Recognise(ctx context.Context, pcm []int16, rate int) (earshot.Recognition, error)
}

// Server is the endpoint. Its faults may be set while it runs.
type Server struct {
	T      testing.TB
	Key    string
	Model  string
	Engine Recogniser
	// InterimSeconds is how much new audio makes an interim result; 0: none does.
	InterimSeconds int
	// Refuse answers instead of a handshake, if it returns true.
	Refuse func(http.ResponseWriter, *http.Request) bool
	// Fault is asked before each message, which is the n-th of the connection,
	// and may say what goes wrong: "cut", "silent", "malformed", "error".
	Fault func(connection, n int32) string

	// Connections is how many there were, Samples how much audio came.
	Connections, Samples, Interim, KeepAlives atomic.Int32
}

// parameters are those of a request, with what they may be; nil is anything.
var parameters = map[string][]string{
	"encoding": {"linear16"}, "channels": {"1"}, "sample_rate": nil, "model": nil, "language": nil,
	"interim_results": {"true", "false"}, "punctuate": {"true", "false"}, "endpointing": nil,
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/listen" {
		http.NotFound(w, r)
		return
	}
	if r.Header.Get("Authorization") != "Token "+s.Key {
		http.Error(w, `{"err_code":"INVALID_AUTH"}`, http.StatusUnauthorized)
		return
	}
	if s.Refuse != nil && s.Refuse(w, r) {
		return
	}
	query := r.URL.Query()
	for name, values := range query {
		allowed, known := parameters[name]
		if !known || len(values) != 1 || allowed != nil && !slices.Contains(allowed, values[0]) {
			s.T.Errorf("parameter %s=%q", name, values)
			http.Error(w, `{"err_code":"Bad Request"}`, http.StatusBadRequest)
			return
		}
	}
	rate, err := strconv.Atoi(query.Get("sample_rate"))
	if err != nil || rate < 8000 || query.Get("encoding") == "" || query.Get("model") != s.Model {
		s.T.Errorf("parameters %s", r.URL.RawQuery)
		http.Error(w, `{"err_code":"Bad Request"}`, http.StatusBadRequest)
		return
	}
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		s.T.Errorf("accept: %v", err)
		return
	}
	defer func() { _ = ws.CloseNow() }()
	c := &session{s: s, ws: ws, rate: rate, number: s.Connections.Add(1)}
	c.serve(r.Context())
}

// session is one connection.
type session struct {
	s      *Server
	ws     *websocket.Conn
	rate   int
	number int32

	pcm  []int16
	done int // samples of which the words are final
	told int // samples of which an interim result told
}

func (c *session) serve(ctx context.Context) {
	for n := int32(1); ; n++ {
		waiting, cancel := context.WithTimeout(ctx, idleLimit)
		kind, raw, err := c.ws.Read(waiting)
		cancel()
		if err != nil {
			if waiting.Err() != nil && ctx.Err() == nil {
				_ = c.ws.Close(websocket.StatusInternalError, "NET-0001") // it may be gone
			}
			return
		}
		fault := ""
		if c.s.Fault != nil {
			fault = c.s.Fault(c.number, n)
		}
		switch fault {
		case "cut":
			return
		case "silent":
			for err == nil {
				_, _, err = c.ws.Read(ctx)
			}
			return
		case "malformed":
			_ = c.ws.Write(ctx, websocket.MessageText, []byte(`{"type":"Results","channel":"none"`)) // a test cares, not we
		case "error":
			_ = c.ws.Write(ctx, websocket.MessageText, []byte(`{"type":"Error","description":"what was said"}`)) // likewise
		}
		if !c.message(ctx, kind, raw) {
			return
		}
	}
}

// message takes one message and reports whether the connection goes on.
func (c *session) message(ctx context.Context, kind websocket.MessageType, raw []byte) bool {
	if kind == websocket.MessageBinary {
		if len(raw) == 0 || len(raw)%2 != 0 {
			c.s.T.Errorf("%d octets of audio", len(raw))
			return false
		}
		for ; len(raw) > 0; raw = raw[2:] {
			c.pcm = append(c.pcm, int16(binary.LittleEndian.Uint16(raw)))
			c.s.Samples.Add(1)
		}
		if every := c.s.InterimSeconds * c.rate; every > 0 && len(c.pcm)-max(c.told, c.done) >= every {
			c.told = len(c.pcm)
			c.s.Interim.Add(1)
			return c.results(ctx, false, false)
		}
		return true
	}
	var m struct{ Type string }
	if err := json.Unmarshal(raw, &m); err != nil {
		c.s.T.Errorf("message %q: %v", raw, err)
		return false
	}
	switch m.Type {
	case "KeepAlive":
		c.s.KeepAlives.Add(1)
	case "Finalize":
		if len(c.pcm)-c.done < int(leastSeconds*float64(c.rate)) {
			return true // too little for an answer
		}
		return c.results(ctx, true, true)
	case "CloseStream":
		if c.done < len(c.pcm) && !c.results(ctx, true, false) {
			return false
		}
		c.send(ctx, map[string]any{
			"type": "Metadata", "transaction_key": "deprecated", "request_id": "00000000-0000-0000-0000-000000000000",
			"duration": float64(len(c.pcm)) / float64(c.rate), "channels": 1,
		})
		_ = c.ws.Close(websocket.StatusNormalClosure, "") // it may be gone
		return false
	default:
		c.s.T.Errorf("message %q", raw)
		return false
	}
	return true
}

// results sends what is said in the audio that is not final.
func (c *session) results(ctx context.Context, final, fromFinalize bool) bool {
	pcm := c.pcm[c.done:]
	heard, err := c.s.Engine.Recognise(ctx, pcm, c.rate)
	if err != nil {
		return false
	}
	at := float64(c.done) / float64(c.rate)
	words := []map[string]any{}
	heard.Words = timing.Words(heard, pcm, c.rate)
	for _, w := range heard.Words {
		words = append(words, map[string]any{
			"word": strings.ToLower(strings.Trim(w.Text, ".,?!")), "punctuated_word": w.Text, "confidence": heard.Confidence,
			"start": at + float64(w.StartMS)/1000, "end": at + float64(w.EndMS)/1000,
		})
	}
	if final {
		c.done = len(c.pcm)
	}
	return c.send(ctx, map[string]any{
		"type": "Results", "channel_index": []int{0, 1}, "start": at, "duration": float64(len(pcm)) / float64(c.rate),
		"is_final": final, "speech_final": false, "from_finalize": fromFinalize,
		"channel":  map[string]any{"alternatives": []any{map[string]any{"transcript": heard.Text, "confidence": heard.Confidence, "words": words}}},
		"metadata": map[string]any{"request_id": "00000000-0000-0000-0000-000000000000", "model_uuid": fmt.Sprint(c.number)},
	})
}

func (c *session) send(ctx context.Context, m map[string]any) bool {
	raw, err := json.Marshal(m)
	if err != nil {
		c.s.T.Errorf("encode: %v", err)
		return false
	}
	return c.ws.Write(ctx, websocket.MessageText, raw) == nil
}
