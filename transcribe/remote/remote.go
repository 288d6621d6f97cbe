// Package remote is what engines behind a network share: what went wrong, said
// without a word of the provider's, which may quote a key or what was said, and
// the WAV file an utterance travels in.
package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"earshot"
)

// Error says how a provider failed. Its text is short, and safe to log.
type Error struct {
	Provider string
	// What went wrong, in our words.
	What string
	// Status is the HTTP status, 0 without one.
	Status int
	cause  error
}

func (e *Error) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("%s: %s (HTTP %d)", e.Provider, e.What, e.Status)
	}
	return e.Provider + ": " + e.What
}

// Unwrap returns the context's error if it ended the request, else nil.
func (e *Error) Unwrap() error { return e.cause }

// Status makes an error of an HTTP status: 408, 429 and 5xx are transient, with
// the wait asked for if there is one; all others are permanent.
func Status(provider string, status int, header http.Header) error {
	e := &Error{Provider: provider, Status: status}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.What = "key refused"
	case status == http.StatusTooManyRequests:
		e.What = "too many requests"
	case status >= 500 || status == http.StatusRequestTimeout:
		e.What = "server error"
	default:
		e.What = "request refused"
	}
	if status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout {
		return earshot.Permanent(e)
	}
	if after := retryAfter(header, time.Now()); after > 0 {
		return &earshot.RetryAfterError{Err: e, After: after}
	}
	return e
}

// Broken makes an error of a connection that failed or was not made.
func Broken(ctx context.Context, provider string, err error) error {
	e := &Error{Provider: provider, What: "connection failed"}
	var timeout net.Error
	switch {
	case ctx.Err() != nil:
		e.What, e.cause = "no answer in time", ctx.Err()
		if errors.Is(ctx.Err(), context.Canceled) {
			e.What = "cancelled"
		}
	case errors.As(err, &timeout) && timeout.Timeout():
		e.What = "no answer in time"
	}
	return e
}

// Malformed says that an answer is none.
func Malformed(provider string) error { return &Error{Provider: provider, What: "malformed answer"} }

// retryAfter reads Retry-After (RFC 9110 section 10.2.3): seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(v); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 3600)) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(0, at.Sub(now)), time.Hour)
	}
	return 0
}
