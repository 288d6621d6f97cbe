package salesforce

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"earshot"
	"earshot/crm"
	"earshot/crm/phone"
	"earshot/crm/rest"
)

// maxLong is how much text goes into an event: those of an hour have a limit.
const maxLong = 4000

// Events implements crm.Publisher.
func (c *Connector) Events() []earshot.EventType {
	if c.cfg.Event == "" {
		return nil
	}
	return []earshot.EventType{
		earshot.EventCallStarted, earshot.EventCallMatched, earshot.EventSuggestionCreated, earshot.EventCallEnded,
	}
}

// Publish implements crm.Publisher, with a platform event
// (https://developer.salesforce.com/docs/atlas.en-us.platform_events.meta/platform_events/platform_events_publish_api.htm).
func (c *Connector) Publish(ctx context.Context, e earshot.Event) error {
	fields := map[string]string{
		"Event_Id__c": e.ID, "Type__c": string(e.Type), "Call_Id__c": string(e.CallID),
		"At__c": e.At.UTC().Format(time.RFC3339),
	}
	if err := describe(fields, e); err != nil {
		return earshot.Permanent(fmt.Errorf("decode event: %w", err))
	}
	_, err := c.client.Do(ctx, rest.Request{Path: api + "/sobjects/" + c.cfg.Event, In: fields})
	return err
}

// describe adds what is in the event.
func describe(fields map[string]string, e earshot.Event) error {
	switch e.Type {
	case earshot.EventCallStarted, earshot.EventCallEnded:
		var call earshot.Call
		if err := json.Unmarshal(e.Data, &call); err != nil {
			return err
		}
		fields["Direction__c"] = string(call.Direction)
		if p := crm.CustomerOf(call.Participants); p != nil {
			n, _ := phone.Parse(p.AOR, "")
			fields["Number__c"] = n.Raw
		}
	case earshot.EventCallMatched:
		var m earshot.CallMatch
		if err := json.Unmarshal(e.Data, &m); err != nil {
			return err
		}
		fields["Number__c"], fields["Match__c"] = m.Number, string(m.State)
		if m.Contact != nil {
			fields["Contact__c"], fields["Title__c"] = m.Contact.ID, cut(m.Contact.Name, maxSubject)
		}
	case earshot.EventSuggestionCreated:
		var s earshot.Suggestion
		if err := json.Unmarshal(e.Data, &s); err != nil {
			return err
		}
		fields["Kind__c"], fields["Title__c"], fields["Text__c"] = s.Kind, cut(s.Title, maxSubject), cut(s.Text, maxLong)
	}
	return nil
}
