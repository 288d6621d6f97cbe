package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sashabaranov/go-openai"
)

// Config is how the endpoint is asked. Zero values take the default named.
type Config struct {
	// BaseURL is the endpoint's, up to and with "/v1".
	BaseURL string
	// APIKey is sent as a bearer token; empty for servers without keys.
	APIKey string
	Model  string
	// Timeout bounds one attempt; 20 s.
	Timeout time.Duration
	// MaxAttempts bounds how often a 429, a 5xx or a broken connection is tried
	// again, first attempt included; 3.
	MaxAttempts int
	// MaxWait is the longest pause before another attempt; an endpoint that
	// asks for more is not asked again; 10 s.
	MaxWait time.Duration
	// MaxPrompt and MaxAnswer bound the texts in bytes; 256 KiB and 1 MiB.
	MaxPrompt int
	MaxAnswer int64
	// MaxTokens bounds the tokens of one answer; 2048.
	MaxTokens int
	// CallTokens bounds the tokens one call may use, prompt and answer together,
	// for requests made under [WithCall]; 0 = no limit.
	CallTokens int
	// CallCost bounds what they may cost, in the currency of the prices; 0 = no
	// limit. PriceIn and PriceOut are of a million tokens of prompts and answers.
	CallCost, PriceIn, PriceOut float64
}

func (c Config) withDefaults() Config {
	if c.Timeout <= 0 {
		c.Timeout = 20 * time.Second
	}
	if c.MaxAttempts <= 0 {
		c.MaxAttempts = 3
	}
	if c.MaxWait <= 0 {
		c.MaxWait = 10 * time.Second
	}
	if c.MaxPrompt <= 0 {
		c.MaxPrompt = 256 << 10
	}
	if c.MaxAnswer <= 0 {
		c.MaxAnswer = 1 << 20
	}
	if c.MaxTokens <= 0 {
		c.MaxTokens = 2048
	}
	return c
}

// Client asks one model. It is safe for concurrent use.
type Client struct {
	cfg    Config
	api    *openai.Client
	budget budget
	// plainJSON is set once the endpoint has refused json_schema and answered
	// with json_object.
	plainJSON atomic.Bool
	requests  *prometheus.CounterVec
	tokens    prometheus.Counter
	cost      prometheus.Counter
	seconds   prometheus.Histogram
}

// New returns a client of the endpoint. It does not connect.
func New(cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	u, err := url.Parse(cfg.BaseURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("language model: base URL is not an http or https address")
	}
	if u.User != nil {
		return nil, errors.New("language model: base URL must not hold a password")
	}
	if cfg.Model == "" {
		return nil, errors.New("language model: no model named")
	}
	oc := openai.DefaultConfig(cfg.APIKey)
	oc.BaseURL = cfg.BaseURL
	oc.HTTPClient = &http.Client{
		Transport:     &limitedTransport{base: http.DefaultTransport, limit: cfg.MaxAnswer},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
	}
	return &Client{
		cfg: cfg, api: openai.NewClientWithConfig(oc), budget: budget{tokens: cfg.CallTokens, cost: cfg.CallCost},
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_llm_requests_total", Help: "Completions asked for, by outcome.",
		}, []string{"outcome"}),
		tokens: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "earshot_llm_tokens_total", Help: "Tokens of prompts and answers, as the endpoint counts them.",
		}),
		cost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "earshot_llm_cost_total", Help: "What these tokens cost by the prices of the settings.",
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "earshot_llm_completion_seconds", Help: "Time to a completion, retries included.",
			Buckets: []float64{.1, .25, .5, 1, 2, 4, 8, 16, 32, 64},
		}),
	}, nil
}

// Model returns the name of the model.
func (c *Client) Model() string { return c.cfg.Model }

// Collectors returns the client's metrics.
func (c *Client) Collectors() []prometheus.Collector {
	return []prometheus.Collector{c.requests, c.tokens, c.cost, c.seconds}
}

// Complete asks for one JSON answer that follows the schema and decodes it
// into out, which is not touched but on success. The schema must be of an
// object, with all of its properties required and no others allowed. Errors are
// of type *[Error].
func (c *Client) Complete(ctx context.Context, system, user, schemaName string, schema json.RawMessage, out any) error {
	return c.observed(ctx, c.once, system, user, schemaName, schema, out)
}

// observed is a completion that is counted.
func (c *Client) observed(ctx context.Context, once exchange, system, user, schemaName string, schema json.RawMessage, out any) error {
	began := time.Now()
	err := c.complete(ctx, once, system, user, schemaName, schema, out)
	outcome := "ok"
	if e, ok := errors.AsType[*Error](err); ok {
		outcome = string(e.Kind)
	}
	c.requests.WithLabelValues(outcome).Inc()
	c.seconds.Observe(time.Since(began).Seconds())
	return err
}

func (c *Client) complete(ctx context.Context, once exchange, system, user, name string, schema json.RawMessage, out any) error {
	if n := len(system) + len(user); n > c.cfg.MaxPrompt {
		return &Error{Kind: KindTooLarge, Detail: fmt.Sprintf("prompt of %d bytes, limit %d", n, c.cfg.MaxPrompt)}
	}
	if c.budget.exhausted(ctx) {
		return &Error{Kind: KindBudget}
	}
	answer, err := c.ask(ctx, once, system, user, name, schema)
	if err != nil {
		return err
	}
	switch err := decodeAnswer(answer, schema, out); {
	case err == nil:
		return nil
	case errors.Is(err, errMalformed):
		return &Error{Kind: KindMalformed, Detail: err.Error()}
	default:
		return &Error{Kind: KindSchema, Detail: err.Error()}
	}
}

// ask sends the request with json_schema and, if the endpoint refuses that,
// once more with json_object and the schema in the prompt.
func (c *Client) ask(ctx context.Context, once exchange, system, user, name string, schema json.RawMessage) (string, error) {
	if !c.plainJSON.Load() {
		answer, err := c.attempt(ctx, once, c.request(system, user, &openai.ChatCompletionResponseFormat{
			Type:       openai.ChatCompletionResponseFormatTypeJSONSchema,
			JSONSchema: &openai.ChatCompletionResponseFormatJSONSchema{Name: name, Schema: schema, Strict: true},
		}))
		if e, ok := errors.AsType[*Error](err); !ok || !refusesFormat(e) {
			return answer, err
		}
	}
	system += "\n\nAnswer with one JSON object and nothing else. It must follow this JSON schema:\n" + string(schema)
	answer, err := c.attempt(ctx, once, c.request(system, user, &openai.ChatCompletionResponseFormat{
		Type: openai.ChatCompletionResponseFormatTypeJSONObject,
	}))
	if err == nil {
		c.plainJSON.Store(true)
	}
	return answer, err
}

func refusesFormat(e *Error) bool {
	return e.Kind == KindRequest && (e.Status == http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity) ||
		e.Status == http.StatusNotImplemented
}

func (c *Client) request(system, user string, format *openai.ChatCompletionResponseFormat) openai.ChatCompletionRequest {
	return openai.ChatCompletionRequest{
		Model: c.cfg.Model,
		Messages: []openai.ChatCompletionMessage{
			{Role: openai.ChatMessageRoleSystem, Content: system},
			{Role: openai.ChatMessageRoleUser, Content: user},
		},
		MaxCompletionTokens: c.cfg.MaxTokens,
		ResponseFormat:      format,
	}
}
