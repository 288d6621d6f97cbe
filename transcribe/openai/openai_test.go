package openai

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/transcribe/models"
	"earshot/transcribe/moonshine"
	"earshot/transcribe/transcribetest"
)

const key = "sk-a-key-nobody-may-see"

// server speaks the API as platform.openai.com/docs/api-reference/audio/createTranscription
// describes it, refuses what is not in there, and recognises what it is sent.
type server struct {
	t      *testing.T
	engine transcribetest.Recogniser
	// fault answers instead, if it is set.
	fault http.HandlerFunc
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != "/v1/audio/transcriptions" || r.URL.RawQuery != "" {
		http.Error(w, `{"error":{"message":"no such endpoint"}}`, http.StatusNotFound)
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+key {
		http.Error(w, `{"error":{"message":"bad key"}}`, http.StatusUnauthorized)
		return
	}
	if s.fault != nil {
		s.fault(w, r)
		return
	}
	pcm, rate, format, err := s.read(r)
	if err != nil {
		s.t.Errorf("the request is wrong: %v", err)
		http.Error(w, `{"error":{"message":"bad request"}}`, http.StatusBadRequest)
		return
	}
	heard, err := s.engine.Recognise(r.Context(), pcm, rate)
	if err != nil {
		http.Error(w, `{"error":{"message":"sorry"}}`, http.StatusInternalServerError)
		return
	}
	answer := map[string]any{"text": heard.Text}
	if format == "verbose_json" {
		seconds := float64(len(pcm)) / float64(rate)
		maps.Copy(answer, map[string]any{"task": "transcribe", "language": "english", "duration": seconds})
		if heard.Text != "" {
			answer["segments"] = []map[string]any{{
				"id": 0, "start": 0, "end": seconds, "text": " " + heard.Text,
				"avg_logprob": math.Log(heard.Confidence), "no_speech_prob": 0.01,
			}}
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		s.t.Error(err)
	}
}

// read checks the form and the WAV file in it.
func (s *server) read(r *http.Request) (pcm []int16, rate int, format string, err error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "multipart/form-data" {
		return nil, 0, "", fmt.Errorf("content type %q", kind)
	}
	if err := r.ParseMultipartForm(25 << 20); err != nil {
		return nil, 0, "", err
	}
	for name := range r.MultipartForm.Value {
		switch name {
		case "model", "language", "prompt", "response_format":
		default:
			return nil, 0, "", fmt.Errorf("unknown field %s", name)
		}
	}
	if r.FormValue("model") != "whisper-1" || r.FormValue("language") != "en" || r.FormValue("prompt") != "Earshot" {
		return nil, 0, "", fmt.Errorf("fields %v", r.MultipartForm.Value)
	}
	file, head, err := r.FormFile("file")
	if err != nil || !strings.HasSuffix(head.Filename, ".wav") {
		return nil, 0, "", fmt.Errorf("file: %w", err)
	}
	raw, err := io.ReadAll(file)
	if err != nil {
		return nil, 0, "", err
	}
	pcm, rate, err = parse(raw)
	return pcm, rate, r.FormValue("response_format"), err
}

// parse reads a WAV file and believes nothing of it.
func parse(raw []byte) ([]int16, int, error) {
	le := binary.LittleEndian
	if len(raw) < 44 || string(raw[:4]) != "RIFF" || int(le.Uint32(raw[4:])) != len(raw)-8 || string(raw[8:16]) != "WAVEfmt " ||
		le.Uint32(raw[16:]) != 16 || le.Uint16(raw[20:]) != 1 || le.Uint16(raw[22:]) != 1 || string(raw[36:40]) != "data" {
		return nil, 0, errors.New("header is wrong")
	}
	rate := le.Uint32(raw[24:])
	if le.Uint32(raw[28:]) != 2*rate || le.Uint16(raw[32:]) != 2 || le.Uint16(raw[34:]) != 16 || int(le.Uint32(raw[40:])) != len(raw)-44 {
		return nil, 0, errors.New("sizes are wrong")
	}
	pcm := make([]int16, (len(raw)-44)/2)
	for i := range pcm {
		pcm[i] = int16(le.Uint16(raw[44+2*i:]))
	}
	return pcm, int(rate), nil
}

// start returns a recogniser that asks a server with a fault.
func start(t *testing.T, format string, s *server) *Recogniser {
	t.Helper()
	s.t = t
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	r, err := New(Config{
		BaseURL: srv.URL + "/v1", APIKey: key, Model: "whisper-1", Format: format, Language: "en", Prompt: "Earshot",
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestContract(t *testing.T) {
	dir, err := models.Find("")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := moonshine.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	transcribetest.TestRecogniser(t, start(t, "verbose_json", &server{engine: engine}), 0.14)
}

// TestPlainJSON has no confidence and the text all the same.
func TestPlainJSON(t *testing.T) {
	r := start(t, "json", &server{fault: func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"text":" Good morning. "}`)
	}})
	got, err := r.Recognise(t.Context(), make([]int16, 8000), 8000)
	if err != nil || got.Text != "Good morning." || got.Confidence != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestHallucination drops the segment that the model itself takes for silence.
func TestHallucination(t *testing.T) {
	r := start(t, "verbose_json", &server{fault: func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"text":"Hello. Thanks for watching!","segments":[`+
			`{"end":0.4,"text":" Hello.","avg_logprob":-0.1},`+
			`{"start":0.4,"end":1,"text":" Thanks for watching!","avg_logprob":-1.4,"no_speech_prob":0.9}]}`)
	}})
	got, err := r.Recognise(t.Context(), make([]int16, 8000), 8000)
	if err != nil || got.Text != "Hello." || math.Abs(got.Confidence-math.Exp(-0.1)) > 1e-9 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestFaults: which errors are permanent, which say when to come back, and that
// none has the key, the address or the provider's words.
func TestFaults(t *testing.T) {
	status := func(code int, after string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if after != "" {
				w.Header().Set("Retry-After", after)
			}
			http.Error(w, `{"error":{"message":"key `+key+` is no good"}}`, code)
		}
	}
	for name, c := range map[string]struct {
		fault     http.HandlerFunc
		permanent bool
		after     time.Duration
	}{
		"401":           {fault: status(http.StatusUnauthorized, ""), permanent: true},
		"413":           {fault: status(http.StatusRequestEntityTooLarge, ""), permanent: true},
		"redirection":   {fault: status(http.StatusFound, ""), permanent: true},
		"429":           {fault: status(http.StatusTooManyRequests, "7"), after: 7 * time.Second},
		"500":           {fault: status(http.StatusInternalServerError, "")},
		"503 with time": {fault: status(http.StatusServiceUnavailable, "3"), after: 3 * time.Second},
		"no JSON":       {fault: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, key+"<html>") }},
		"half of it":    {fault: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"text":"`+key) }},
		"cut off":       {fault: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, "verbose_json", &server{fault: c.fault})
			_, err := r.Recognise(t.Context(), make([]int16, 8000), 8000)
			if err == nil {
				t.Fatal("no error")
			}
			if _, permanent := errors.AsType[*earshot.PermanentError](err); permanent != c.permanent {
				t.Errorf("permanent %v: %v", permanent, err)
			}
			later, _ := errors.AsType[*earshot.RetryAfterError](err)
			if later == nil && c.after != 0 || later != nil && later.After != c.after {
				t.Errorf("retry after: %+v", later)
			}
			for _, secret := range []string{key, "http:", "127.0.0.1"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("error has %q: %v", secret, err)
				}
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []Config{
		{},
		{BaseURL: "http://u:p@127.0.0.1/v1", Model: "m", Format: "json"},
		{BaseURL: "http://127.0.0.1/v1", Format: "json"},
		{BaseURL: "http://127.0.0.1/v1", Model: "m", Format: "srt"},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
