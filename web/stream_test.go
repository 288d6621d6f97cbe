package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"earshot"
)

// message is one server-sent event as a client reads it.
type message struct {
	id, event string
	data      earshot.Event
}

// stream reads server-sent events from an open connection.
type stream struct {
	body  io.ReadCloser
	lines *bufio.Scanner
}

// dial opens a stream; a test that waits for an event in vain fails after 10 s.
func dial(t *testing.T, c *http.Client, url, lastID string) (*stream, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	answer, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		return nil, errors.Join(fmt.Errorf("%s %q", answer.Status, answer.Header.Get("Content-Type")), answer.Body.Close())
	}
	s := &stream{body: answer.Body, lines: bufio.NewScanner(answer.Body)}
	s.lines.Buffer(nil, 64<<20)
	return s, nil
}

func open(t *testing.T, c *http.Client, url, lastID string) *stream {
	t.Helper()
	s, err := dial(t, c, url, lastID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// next returns the next event, false at the end of the stream.
func (s *stream) next() (message, bool) {
	var m message
	for s.lines.Scan() {
		line := s.lines.Text()
		field, value, _ := strings.Cut(line, ": ")
		switch field {
		case "id":
			m.id = value
		case "event":
			m.event = value
		case "data":
			if json.Unmarshal([]byte(value), &m.data) != nil {
				return m, false
			}
		case "":
			if m.event != "" {
				return m, true
			}
		}
	}
	return m, false
}

func (s *stream) close() { _ = s.body.Close() }
