package llm

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/sashabaranov/go-openai"
)

// Streamer asks the model of a [Client] for answers that come token by token, so
// that one that stalls is given up early. It is safe for concurrent use.
type Streamer struct {
	client        *Client
	silence, most time.Duration
}

// Streaming returns a Streamer that gives up when no token comes for silence, and
// when an answer is not whole after most, further attempts included.
func (c *Client) Streaming(silence, most time.Duration) *Streamer {
	return &Streamer{client: c, silence: silence, most: most}
}

// Complete is [Client.Complete]; nothing of an answer is used before it is whole
// and follows the schema.
func (s *Streamer) Complete(ctx context.Context, system, user, schemaName string, schema json.RawMessage, out any) error {
	ctx, cancel := context.WithTimeout(ctx, s.most)
	defer cancel()
	return s.client.observed(ctx, s.once, system, user, schemaName, schema, out)
}

// once asks one time. What came is paid for, however it ends.
func (s *Streamer) once(parent context.Context, req openai.ChatCompletionRequest) (string, *Error) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	stalled := &Error{Kind: KindTimeout, Detail: "no token for " + s.silence.String(), cause: context.DeadlineExceeded}
	watch := time.AfterFunc(s.silence, func() { cancel(stalled) })
	defer watch.Stop()
	req.StreamOptions = &openai.StreamOptions{IncludeUsage: true}
	stream, err := s.client.api.CreateChatCompletionStream(ctx, req)
	if err != nil {
		return "", streamError(ctx, err)
	}
	defer func() { _ = stream.Close() }() // read to its end or given up
	var got streamed
	err = got.read(stream, func() { watch.Reset(s.silence) })
	s.client.spend(parent, got.usage(req))
	if err != nil {
		return "", streamError(ctx, err)
	}
	return got.answer()
}

// streamError is [classify] for streams.
func streamError(ctx context.Context, err error) *Error {
	if e, ok := errors.AsType[*Error](context.Cause(ctx)); ok {
		return e
	}
	if errors.Is(err, openai.ErrTooManyEmptyStreamMessages) {
		return &Error{Kind: KindMalformed, Detail: "reply is no stream"}
	}
	if e, ok := errors.AsType[*openai.APIError](err); ok && e.HTTPStatusCode == 0 {
		return &Error{Kind: KindServer} // said in mid-stream
	}
	return classify(ctx, err, nil)
}

// streamed is what came of an answer.
type streamed struct {
	text    strings.Builder
	finish  openai.FinishReason
	refused bool
	counted *openai.Usage
}

// read takes the parts of an answer until its end; alive is called at each.
func (g *streamed) read(stream *openai.ChatCompletionStream, alive func()) error {
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		alive()
		if part.Usage != nil {
			g.counted = part.Usage
		}
		for _, c := range part.Choices {
			g.text.WriteString(c.Delta.Content)
			g.refused = g.refused || c.Delta.Refusal != ""
			if c.FinishReason != "" {
				g.finish = c.FinishReason
			}
		}
	}
}

// usage is what the endpoint counted, or else about a token for four bytes.
func (g *streamed) usage(req openai.ChatCompletionRequest) openai.Usage {
	if g.counted != nil && g.counted.TotalTokens > 0 {
		return *g.counted
	}
	in := 0
	for _, m := range req.Messages {
		in += len(m.Content)
	}
	u := openai.Usage{PromptTokens: in / 4, CompletionTokens: g.text.Len() / 4}
	u.TotalTokens = u.PromptTokens + u.CompletionTokens
	return u
}

func (g *streamed) answer() (string, *Error) {
	switch {
	case g.refused || g.finish == openai.FinishReasonContentFilter:
		return "", &Error{Kind: KindRefused}
	case g.finish == openai.FinishReasonLength:
		return "", &Error{Kind: KindTruncated}
	case g.text.Len() == 0:
		return "", &Error{Kind: KindMalformed, Detail: "empty"}
	case g.finish == "":
		return "", &Error{Kind: KindUnreachable, Detail: "broken off"}
	}
	return g.text.String(), nil
}
