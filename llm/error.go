package llm

import (
	"fmt"
	"time"
)

// Kind says what went wrong with a completion.
type Kind string

// The kinds of errors.
const (
	// KindTimeout: no answer within the time of the client or of the context.
	KindTimeout Kind = "timeout"
	// KindUnreachable: no connection, or one that broke.
	KindUnreachable Kind = "unreachable"
	// KindRateLimited: HTTP 429 to the last attempt.
	KindRateLimited Kind = "rate limited"
	// KindServer: HTTP 5xx to the last attempt.
	KindServer Kind = "server error"
	// KindAuth: HTTP 401 or 403.
	KindAuth Kind = "key refused"
	// KindRequest: another HTTP 4xx.
	KindRequest Kind = "request refused"
	// KindTooLarge: the prompt or the answer is over the limit.
	KindTooLarge Kind = "too large"
	// KindTruncated: the model stopped at its token limit.
	KindTruncated Kind = "answer cut off"
	// KindRefused: the model or its filter refused to answer.
	KindRefused Kind = "refused"
	// KindMalformed: the answer is not JSON, or not an answer at all.
	KindMalformed Kind = "malformed answer"
	// KindSchema: the answer is JSON and does not follow the schema.
	KindSchema Kind = "answer against the schema"
	// KindBudget: the tokens of this call are used up.
	KindBudget Kind = "budget used up"
)

// Error is what [Client.Complete] returns. Its text is short, and safe to log,
// store and show.
type Error struct {
	Kind Kind
	// Status is the HTTP status, 0 without one.
	Status int
	// Attempts is how often the endpoint was asked.
	Attempts int
	// RetryAfter is what the endpoint asked for with the last 429 or 5xx.
	RetryAfter time.Duration
	// Detail says more about malformed answers; it never quotes them.
	Detail string
	cause  error
}

func (e *Error) Error() string {
	s := "language model: " + string(e.Kind)
	if e.Status != 0 {
		s += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Attempts > 1 {
		s += fmt.Sprintf(", %d attempts", e.Attempts)
	}
	return s
}

// Unwrap returns context.Canceled or context.DeadlineExceeded if the context
// ended the request, and nil otherwise: foreign errors quote addresses and
// answers.
func (e *Error) Unwrap() error { return e.cause }

// Transient reports whether trying again later may help.
func (e *Error) Transient() bool {
	switch e.Kind {
	case KindTimeout, KindUnreachable, KindRateLimited, KindServer:
		return true
	}
	return false
}
