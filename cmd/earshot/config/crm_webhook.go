package config

import (
	"fmt"
	"slices"
	"strings"

	"earshot"
)

// Webhook is the connector that posts notes.
type Webhook struct {
	URL     string   `koanf:"url" doc:"Where notes are posted; empty: nowhere."`
	Secrets []string `koanf:"secrets" doc:"Signing secrets (whsec_...); the first signs first, further ones are for rotation."`
	Format  string   `koanf:"format" doc:"Body of a request: standard (Standard Webhooks) or cloudevents (CloudEvents 1.0, signed in the same way)."`
	Events  []string `koanf:"events" doc:"Events that are posted too, as they happen and once: types of docs/crm.md such as call.started, or all."`
}

// EventTypes returns the events that are posted.
func (w Webhook) EventTypes() []earshot.EventType {
	if slices.Contains(w.Events, "all") {
		return earshot.EventTypes()
	}
	var out []earshot.EventType
	for _, e := range w.Events {
		out = append(out, earshot.EventType(e))
	}
	return out
}

func (w Webhook) check() error {
	if w.URL != "" && len(w.Secrets) == 0 {
		return fmt.Errorf("webhook.secrets: needed when webhook.url is set (make one: openssl rand -base64 32, with whsec_ in front)")
	}
	if w.Format != "standard" && w.Format != "cloudevents" {
		return fmt.Errorf("webhook.format: %q is not standard or cloudevents", w.Format)
	}
	for _, e := range w.EventTypes() {
		if !slices.Contains(earshot.EventTypes(), e) {
			return fmt.Errorf("webhook.events: there is no %q, there are all, %s", e, known())
		}
	}
	return nil
}

func known() string {
	out := make([]string, 0, len(earshot.EventTypes()))
	for _, e := range earshot.EventTypes() {
		out = append(out, string(e))
	}
	return strings.Join(out, ", ")
}
