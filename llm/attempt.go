package llm

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/sashabaranov/go-openai"
)

var (
	errRedirect  = errors.New("redirected")
	errLongReply = errors.New("answer over the size limit")
)

// exchange asks the endpoint one time.
type exchange func(ctx context.Context, req openai.ChatCompletionRequest) (string, *Error)

// attempt asks until there is an answer, an error that asking again will not
// mend, or no attempt left.
func (c *Client) attempt(ctx context.Context, once exchange, req openai.ChatCompletionRequest) (string, error) {
	for n := 1; ; n++ {
		answer, err := once(ctx, req)
		if err == nil {
			return answer, nil
		}
		err.Attempts = n
		if n >= c.cfg.MaxAttempts || !again(err) || ctx.Err() != nil {
			return "", err
		}
		wait := pause(n)
		if err.RetryAfter > 0 {
			wait = err.RetryAfter
		}
		if deadline, ok := ctx.Deadline(); wait > c.cfg.MaxWait || ok && time.Until(deadline) < wait {
			return "", err
		}
		select {
		case <-ctx.Done():
			return "", err
		case <-time.After(wait):
		}
	}
}

// again reports whether the same request is worth another attempt. One that
// took all of its time is not: whoever waits has waited long enough.
func again(err *Error) bool {
	return err.Transient() && err.Kind != KindTimeout && err.Status != http.StatusNotImplemented
}

// pause returns how long to wait after attempt n: about 0.25 s, 0.5 s, 1 s.
func pause(n int) time.Duration {
	base := 250 * time.Millisecond << min(n-1, 5)
	return base/2 + rand.N(base)
}

// once asks one time.
func (c *Client) once(parent context.Context, req openai.ChatCompletionRequest) (string, *Error) {
	ctx, cancel := context.WithTimeout(parent, c.cfg.Timeout)
	defer cancel()
	resp, err := c.api.CreateChatCompletion(ctx, req)
	if err != nil {
		return "", classify(ctx, err, resp.Header())
	}
	c.spend(parent, resp.Usage)
	if len(resp.Choices) == 0 {
		return "", &Error{Kind: KindMalformed, Detail: "no choices"}
	}
	choice := resp.Choices[0]
	switch {
	case choice.Message.Refusal != "" || choice.FinishReason == openai.FinishReasonContentFilter:
		return "", &Error{Kind: KindRefused}
	case choice.FinishReason == openai.FinishReasonLength:
		return "", &Error{Kind: KindTruncated}
	case choice.Message.Content == "":
		return "", &Error{Kind: KindMalformed, Detail: "empty"}
	}
	return choice.Message.Content, nil
}

// classify makes an error of ours of what the library or the endpoint said. The
// endpoint's own words are dropped: they may quote the key or the prompt.
func classify(ctx context.Context, err error, header http.Header) *Error {
	switch {
	case errors.Is(err, errLongReply):
		return &Error{Kind: KindTooLarge, Detail: "answer"}
	case ctx.Err() != nil:
		return &Error{Kind: KindTimeout, cause: ctx.Err()}
	}
	if status := statusOf(err); status != 0 {
		return &Error{Kind: kindOf(status), Status: status, RetryAfter: retryAfter(header, time.Now())}
	}
	if errors.Is(err, errRedirect) {
		return &Error{Kind: KindRequest, Detail: "redirected"}
	}
	if isNetwork(err) {
		return &Error{Kind: KindUnreachable}
	}
	if isJSON(err) {
		return &Error{Kind: KindMalformed, Detail: "reply is not JSON"}
	}
	return &Error{Kind: KindRequest, Detail: "the library refused it"}
}

func statusOf(err error) int {
	if e, ok := errors.AsType[*openai.APIError](err); ok {
		return e.HTTPStatusCode
	}
	if e, ok := errors.AsType[*openai.RequestError](err); ok {
		return e.HTTPStatusCode
	}
	return 0
}

func kindOf(status int) Kind {
	switch {
	case status == http.StatusTooManyRequests:
		return KindRateLimited
	case status >= 500:
		return KindServer
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return KindAuth
	case status == http.StatusRequestEntityTooLarge:
		return KindTooLarge
	}
	return KindRequest
}

func isNetwork(err error) bool {
	_, ok := errors.AsType[net.Error](err)
	return ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func isJSON(err error) bool {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, wrong := errors.AsType[*json.UnmarshalTypeError](err)
	return syntax || wrong
}

// retryAfter reads the header of RFC 9110 10.2.3: seconds or a date.
func retryAfter(header http.Header, now time.Time) time.Duration {
	v := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(v); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, 86400)) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// limitedTransport fails the reading of replies that are too long.
type limitedTransport struct {
	base  http.RoundTripper
	limit int64
}

func (t *limitedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(req)
	if err == nil {
		resp.Body = &limitedBody{ReadCloser: resp.Body, left: t.limit + 1}
	}
	return resp, err
}

type limitedBody struct {
	io.ReadCloser
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongReply
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
