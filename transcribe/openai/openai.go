// Package openai recognises utterances at any endpoint that takes
// transcriptions as OpenAI's does: the provider, Groq, a local Whisper server.
package openai

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sashabaranov/go-openai"

	"earshot"
	"earshot/transcribe/remote"
)

const name = "openai"

// Limits of one request. An utterance of 15 s at 48 kHz has 1.4 MB.
const (
	maxAudio  = 24 << 20 // the provider takes 25 MB
	maxAnswer = 1 << 20
)

// A segment is no speech when the model says so and was not sure of its text:
// Whisper's own rule, with its own thresholds.
const (
	noSpeech  = 0.6
	noLogprob = -1.0
)

// leastSeconds is what the provider takes at least; shorter audio holds no word.
const leastSeconds = 0.1

// Config is how the endpoint is asked.
type Config struct {
	// BaseURL is the endpoint's, up to and with "/v1".
	BaseURL string
	// APIKey is sent as a bearer token; empty for servers without keys.
	APIKey string
	Model  string
	// Format is verbose_json or json. Only the first brings a confidence.
	Format string
	// Language is a tag of ISO 639-1; empty: the model finds out.
	Language string
	// Prompt names what is likely said; empty: nothing.
	Prompt string
}

// Recogniser asks one endpoint. It is safe for concurrent use.
type Recogniser struct {
	cfg Config
	api *openai.Client
}

// New returns a recogniser. It does not connect.
func New(cfg Config) (*Recogniser, error) {
	u, err := url.Parse(cfg.BaseURL)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("openai: base URL is not an http or https address without a password")
	}
	if cfg.Model == "" {
		return nil, errors.New("openai: no model named")
	}
	if cfg.Format != "json" && cfg.Format != "verbose_json" {
		return nil, fmt.Errorf("openai: format %q is not verbose_json or json", cfg.Format)
	}
	oc := openai.DefaultConfig(cfg.APIKey)
	oc.BaseURL = strings.TrimSuffix(cfg.BaseURL, "/")
	oc.HTTPClient = &http.Client{Transport: limited{http.DefaultTransport}}
	return &Recogniser{cfg: cfg, api: openai.NewClientWithConfig(oc)}, nil
}

// Recognise returns what is said in a piece of mono audio. The confidence is the
// mean probability of the tokens, 0 where the endpoint does not say. Errors are
// of type [*remote.Error], marked permanent or with the wait asked for.
func (r *Recogniser) Recognise(ctx context.Context, pcm []int16, rate int) (earshot.Recognition, error) {
	if rate <= 0 {
		return earshot.Recognition{}, earshot.Permanent(fmt.Errorf("openai: %d samples per second", rate))
	}
	if 2*len(pcm) > maxAudio {
		return earshot.Recognition{}, earshot.Permanent(errors.New("openai: audio over the size limit"))
	}
	if float64(len(pcm)) < leastSeconds*float64(rate) {
		return earshot.Recognition{}, ctx.Err()
	}
	resp, err := r.api.CreateTranscription(ctx, openai.AudioRequest{
		Model: r.cfg.Model, FilePath: "utterance.wav", Reader: bytes.NewReader(remote.WAV(pcm, rate)),
		Prompt: r.cfg.Prompt, Language: r.cfg.Language, Format: openai.AudioResponseFormat(r.cfg.Format),
	})
	if err != nil {
		return earshot.Recognition{}, classify(ctx, err)
	}
	return r.heard(resp, time.Duration(len(pcm))*time.Second/time.Duration(rate)), nil
}

// heard makes a recognition of an answer, without the segments that are no
// speech.
func (r *Recogniser) heard(resp openai.AudioResponse, length time.Duration) earshot.Recognition {
	out := earshot.Recognition{Text: strings.TrimSpace(resp.Text), Language: r.cfg.Language, Engine: name}
	if len(resp.Segments) == 0 {
		return out
	}
	var texts []string
	logprob, weight := 0.0, 0.0
	for _, s := range resp.Segments {
		if s.NoSpeechProb > noSpeech && s.AvgLogprob < noLogprob {
			continue
		}
		texts = append(texts, strings.TrimSpace(s.Text))
		w := max(0.01, min(s.End-s.Start, length.Seconds()))
		logprob, weight = logprob+w*s.AvgLogprob, weight+w
	}
	out.Text = strings.TrimSpace(strings.Join(texts, " "))
	if weight > 0 {
		out.Confidence = min(1, math.Exp(logprob/weight))
	}
	return out
}

// classify makes an error of ours of what the library says, without its words.
func classify(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return remote.Broken(ctx, name, err)
	}
	if status, ok := errors.AsType[*statusError](err); ok {
		return status.err
	}
	if _, ok := errors.AsType[*url.Error](err); ok || errors.Is(err, io.ErrUnexpectedEOF) {
		return remote.Broken(ctx, name, err)
	}
	return remote.Malformed(name)
}

// statusError carries an error of ours through the library, which drops the
// headers of transcriptions that fail.
type statusError struct{ err error }

func (e *statusError) Error() string { return e.err.Error() }

// limited bounds the size of answers, and makes errors of all that are none. A
// redirection is one of them: the key stays with the host it is for.
type limited struct{ base http.RoundTripper }

func (l limited) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, errors.Join(&statusError{remote.Status(name, resp.StatusCode, resp.Header)}, resp.Body.Close())
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}
