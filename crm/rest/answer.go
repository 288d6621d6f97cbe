package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"earshot"
	"earshot/crm"
)

// maxRetryAfter bounds what a system may ask for.
const maxRetryAfter = 24 * time.Hour

// StatusError is an answer that is not 2xx.
type StatusError struct {
	System string
	Status int
	// Code is the system's own, "" for none.
	Code string
}

func (e *StatusError) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("%s answers %d", e.System, e.Status)
	}
	return fmt.Sprintf("%s answers %d (%s)", e.System, e.Status, e.Code)
}

// codePattern is what a code may look like: a word, not a text, which could
// repeat what was sent.
var codePattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,60}$`)

// Code returns a system's code if it is fit for an error, else "".
func Code(text string) string {
	if !codePattern.MatchString(text) {
		return ""
	}
	return text
}

// read says what an answer means: the table of the package.
func (c *Client) read(a *Answer, r Request) error {
	if a.Status < 200 || a.Status > 299 {
		return c.refusal(a, r.Asks)
	}
	page, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	switch {
	case strings.EqualFold(strings.TrimSpace(page), "text/html"):
	case r.Out == nil || len(bytes.TrimSpace(a.Body)) == 0:
		return nil
	case json.Unmarshal(a.Body, r.Out) == nil: // its error could repeat the answer
		return nil
	}
	err := fmt.Errorf("%s answers %d with a page or malformed JSON", c.cfg.System, a.Status)
	if r.Asks {
		return err
	}
	return crm.Unknown(err)
}

func (c *Client) refusal(a *Answer, asks bool) error {
	cause := &StatusError{System: c.cfg.System, Status: a.Status}
	if c.cfg.Code != nil {
		cause.Code = Code(c.cfg.Code(a.Body))
	}
	var err error = cause
	switch a.Status {
	case http.StatusGone:
		return earshot.Permanent(fmt.Errorf("%w: %w", cause, earshot.ErrGone))
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusLocked, http.StatusTooEarly,
		http.StatusTooManyRequests, http.StatusServiceUnavailable:
	default:
		switch {
		case c.cfg.Passes != nil && c.cfg.Passes(a.Status, cause.Code):
		case a.Status < 500:
			return earshot.Permanent(err)
		case !asks:
			err = crm.Unknown(err)
		}
	}
	if after := RetryAfter(a.Header, time.Now()); after > 0 {
		return &earshot.RetryAfterError{Err: err, After: after}
	}
	return err
}

// RetryAfter reads that header (RFC 9110 10.2.3): seconds or a date, at most a
// day. What is missing, malformed or past is 0.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.ParseUint(v, 10, 64); err == nil {
		return time.Duration(min(n, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), maxRetryAfter)
}
