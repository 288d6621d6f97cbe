package zendesk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"earshot"
	"earshot/crm"
	"earshot/crm/phone"
	"earshot/crm/rest"
)

// Via IDs of the Talk Partner Edition.
const (
	viaInbound  = 45
	viaOutbound = 46
)

// ticket is what is set of one
// (https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/).
type ticket struct {
	Subject    string        `json:"subject,omitempty"`
	Comment    *comment      `json:"comment,omitempty"`
	Type       string        `json:"type,omitempty"`
	ExternalID string        `json:"external_id,omitempty"`
	Requester  int64         `json:"requester_id,omitempty"`
	Assignee   int64         `json:"assignee_id,omitempty"`
	Group      int64         `json:"group_id,omitempty"`
	Tags       []string      `json:"tags,omitempty"`
	Due        string        `json:"due_at,omitempty"`
	Fields     []field       `json:"custom_fields,omitempty"`
	Via        int           `json:"via_id,omitempty"`
	Voice      *voiceComment `json:"voice_comment,omitempty"`
}

// comment is an internal one, in plain text.
type comment struct {
	Body   string `json:"body"`
	Public bool   `json:"public"`
}

type field struct {
	ID    int64  `json:"id"`
	Value string `json:"value"`
}

// voiceComment is a call.
type voiceComment struct {
	From       string `json:"from"`
	To         string `json:"to"`
	Recording  string `json:"recording_url,omitempty"`
	StartedAt  string `json:"started_at"`
	Seconds    int64  `json:"call_duration"`
	AnsweredBy int64  `json:"answered_by_id,omitempty"`
	Text       string `json:"transcription_text"`
}

// create makes a ticket. The same request under the same key is answered from
// memory for some hours
// (https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency);
// another one under that key would be refused, so what is sent is part of it.
func (c *Connector) create(ctx context.Context, path string, t ticket, key string) (string, error) {
	in := map[string]any{"ticket": t}
	raw, err := json.Marshal(in)
	if err != nil {
		return "", earshot.Permanent(fmt.Errorf("encode ticket: %w", err))
	}
	sum := sha256.Sum256(raw)
	var out struct{ Ticket struct{ ID int64 } }
	_, err = c.rest.Do(ctx, rest.Request{
		Path: api + path, Header: http.Header{"Idempotency-Key": {key + "-" + hex.EncodeToString(sum[:8])}}, In: in, Out: &out,
	})
	if err != nil {
		return "", err
	}
	if out.Ticket.ID == 0 {
		return "", crm.Unknown(fmt.Errorf("%s answers without the ticket", c.cfg.Name))
	}
	return strconv.FormatInt(out.Ticket.ID, 10), nil
}

func (c *Connector) update(ctx context.Context, id string, t ticket) error {
	_, err := c.rest.Do(ctx, rest.Request{Method: http.MethodPut, Path: api + "/tickets/" + url.PathEscape(id), In: map[string]any{"ticket": t}})
	return err
}

// ticketOf returns the ticket with an external ID, "" for none.
func (c *Connector) ticketOf(ctx context.Context, external string) (string, error) {
	var out struct {
		Tickets []struct {
			ID         int64
			ExternalID string `json:"external_id"`
		}
	}
	_, err := c.rest.Do(ctx, rest.Request{Path: api + "/tickets", Query: url.Values{"external_id": {external}}, Out: &out})
	for _, t := range out.Tickets {
		if t.ExternalID == external {
			return strconv.FormatInt(t.ID, 10), err
		}
	}
	return "", err
}

// comments returns the texts of the newest comments of a ticket. What is said in
// a call is part of its comment.
func (c *Connector) comments(ctx context.Context, id string) ([]string, error) {
	var out struct {
		Comments []struct {
			PlainBody string `json:"plain_body"`
			Data      struct {
				Text string `json:"transcription_text"`
			}
		}
	}
	_, err := c.rest.Do(ctx, rest.Request{
		Path: api + "/tickets/" + url.PathEscape(id) + "/comments", Query: url.Values{"sort_order": {"desc"}, "per_page": {"100"}}, Out: &out,
	})
	texts := make([]string, 0, len(out.Comments))
	for _, v := range out.Comments {
		texts = append(texts, v.PlainBody, v.Data.Text)
	}
	return texts, err
}

// number is an ID of Zendesk, 0 for what is none.
func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

func requester(n earshot.Note) int64 {
	if n.Match == nil || n.Match.Contact == nil {
		return 0
	}
	return number(n.Match.Contact.ID)
}

// tags makes an outcome a tag, which has no blanks.
func tags(outcome string) []string {
	if outcome = strings.Join(strings.Fields(strings.ToLower(outcome)), "_"); outcome == "" {
		return nil
	}
	return []string{outcome}
}

// fields are custom ones, by their numbers; others are left out.
func fields(m map[string]string) []field {
	var out []field
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if id := number(name); id != 0 {
			out = append(out, field{id, m[name]})
		}
	}
	return out
}

// numbers returns who called and who was called, "" for what is not known.
func numbers(n earshot.Note) (from, to string) {
	of := func(p *earshot.Participant) string {
		if p == nil {
			return ""
		}
		v, _ := phone.Parse(p.AOR, "")
		if v.E164 != "" {
			return v.E164
		}
		return v.Raw
	}
	customer := of(crm.CustomerOf(n.Participants))
	if n.Match != nil && n.Match.Number != "" {
		customer = n.Match.Number
	}
	i := slices.IndexFunc(n.Participants, func(p earshot.Participant) bool { return p.SureRole() == earshot.RoleAgent })
	if i < 0 {
		return "", ""
	}
	agent := of(&n.Participants[i])
	if n.Direction == earshot.DirectionOutbound {
		return agent, customer
	}
	return customer, agent
}
