package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"earshot"
)

// maxEventLine bounds one line of an event stream.
const maxEventLine = 4 << 20

// readEvents reads a stream of server-sent events and hands each event of the
// API to handle, until the stream or ctx ends or handle fails. Snapshots are
// left out: they hold no event.
func readEvents(ctx context.Context, url string, handle func(earshot.Event) error) error {
	resp, err := ask(ctx, http.MethodGet, url, http.NoBody, http.Header{"Accept": {"text/event-stream"}})
	if err != nil {
		return err
	}
	defer closeQuietly(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxEventLine)
	name := ""
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case field == "event":
			name = value
		case field == "data" && name != "snapshot":
			var e earshot.Event
			if err := json.Unmarshal([]byte(value), &e); err != nil {
				return fmt.Errorf("event %s: %w", name, err)
			}
			if err := handle(e); err != nil {
				return fmt.Errorf("event %s: %w", name, err)
			}
		}
	}
	return lines.Err()
}
