package hubspot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"earshot"
	"earshot/crm"
	"earshot/crm/rest"
)

// record is one input of an upsert
// (https://developers.hubspot.com/docs/api-reference/latest/crm/objects/objects/batch/upsert-objects).
// All properties are strings, numbers too.
type record struct {
	ID         string            `json:"id"`
	IDProperty string            `json:"idProperty"`
	Properties map[string]string `json:"properties"`
}

// results is the answer to what is done with several records.
type results struct {
	Results   []result `json:"results"`
	NumErrors int      `json:"numErrors"`
	Errors    []struct {
		Category string `json:"category"`
	} `json:"errors"`
}

// result is a record as HubSpot shows it.
type result struct {
	ID         string            `json:"id"`
	Properties map[string]string `json:"properties"`
}

// passing are the categories of errors of one input that trying again helps.
// HubSpot publishes no list of them: one that is not known is for good, and
// waits for somebody to replay it.
var passing = map[string]bool{"CONFLICT": true, "RATE_LIMITS": true, "INTERNAL_ERROR": true}

// upsert creates or changes a record of a kind ("calls") and returns its ID.
func (c *Connector) upsert(ctx context.Context, kind string, r record) (id string, err error) {
	var out results
	a, err := c.client.Do(ctx, rest.Request{
		Path: objects + kind + "/batch/upsert", In: map[string][]record{"inputs": {r}}, Out: &out,
	})
	if err != nil {
		return "", err
	}
	if out.NumErrors > 0 || len(out.Errors) > 0 {
		refusal := &rest.StatusError{System: c.cfg.Name, Status: a.Status}
		if len(out.Errors) > 0 {
			refusal.Code = rest.Code(out.Errors[0].Category)
		}
		if passing[refusal.Code] {
			return "", refusal
		}
		return "", earshot.Permanent(refusal)
	}
	if len(out.Results) != 1 || out.Results[0].ID == "" {
		return "", crm.Unknown(fmt.Errorf("%s answers %d without the record", c.cfg.Name, a.Status))
	}
	return out.Results[0].ID, nil
}

// link associates a record with a contact, in the default way
// (https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide);
// once more changes nothing. A contact that is gone since leaves the record
// without one.
func (c *Connector) link(ctx context.Context, kind, id, contact string) error {
	if contact == "" {
		return nil
	}
	_, err := c.client.Do(ctx, rest.Request{
		Method: http.MethodPut,
		Path:   objects + kind + "/" + url.PathEscape(id) + "/associations/default/contacts/" + url.PathEscape(contact),
	})
	if s, ok := errors.AsType[*rest.StatusError](err); ok && s.Status == http.StatusNotFound {
		return nil
	}
	return err
}
