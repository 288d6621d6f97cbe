package webhook

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"earshot"
)

// message is one thing to post.
type message struct {
	ID     string
	Type   string
	CallID earshot.CallID
	At     time.Time
	Data   any
}

// encode makes the body of a message and says what it is.
func (c *Connector) encode(m message) (body []byte, contentType string, err error) {
	contentType = "application/json"
	var v any = struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      any       `json:"data"`
	}{m.Type, m.At, m.Data}
	if c.cfg.CloudEvents {
		contentType = "application/cloudevents+json"
		v = cloudEvent{
			SpecVersion: "1.0", ID: m.ID, Source: cmp.Or(c.cfg.Source, "earshot"), Type: "earshot." + m.Type,
			Subject: string(m.CallID), Time: m.At, DataContentType: "application/json", Data: m.Data,
		}
	}
	if body, err = json.Marshal(v); err != nil {
		return nil, "", fmt.Errorf("encode %s: %w", m.Type, err)
	}
	return body, contentType, nil
}

// cloudEvent is an event in the JSON format of CloudEvents 1.0.2, chapter 3
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
type cloudEvent struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Subject         string    `json:"subject"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Data            any       `json:"data"`
}
