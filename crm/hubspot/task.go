package hubspot

import (
	"context"
	"strconv"
	"time"

	"earshot"
	"earshot/crm/rest"
)

// makeTasks makes those that are not there yet. A task that is there belongs to
// who has to do it: later revisions of the note leave it alone.
func (c *Connector) makeTasks(ctx context.Context, n earshot.Note, w *earshot.Writing, contact string) error {
	if c.cfg.TaskProperty == "" || len(w.Tasks) == 0 {
		return nil
	}
	there, err := c.tasksThere(ctx, w.Tasks)
	if err != nil {
		return err
	}
	for _, t := range w.Tasks {
		id := there[t.Key]
		if id == "" {
			id, err = c.upsert(ctx, "tasks", record{
				ID: t.Key, IDProperty: c.cfg.TaskProperty, Properties: taskProperties(n, w, t),
			})
			if err != nil {
				return err
			}
		}
		// The link is made again too: an earlier attempt may have died before it.
		if err := c.link(ctx, "tasks", id, contact); err != nil {
			return err
		}
	}
	return nil
}

// tasksThere returns the IDs of those that are there, by our keys. It reads them
// by their unique property, which unlike the search does not lag.
func (c *Connector) tasksThere(ctx context.Context, tasks []earshot.Task) (map[string]string, error) {
	type id struct {
		ID string `json:"id"`
	}
	in := struct {
		IDProperty string   `json:"idProperty"`
		Inputs     []id     `json:"inputs"`
		Properties []string `json:"properties"`
		History    []string `json:"propertiesWithHistory"`
	}{IDProperty: c.cfg.TaskProperty, Properties: []string{c.cfg.TaskProperty}, History: []string{}}
	there := map[string]string{}
	for len(tasks) > 0 {
		some := tasks[:min(100, len(tasks))] // as many as one request takes
		tasks = tasks[len(some):]
		in.Inputs = nil
		for _, t := range some {
			in.Inputs = append(in.Inputs, id{t.Key})
		}
		var out results // those that are not there are errors inside 207
		if _, err := c.client.Do(ctx, rest.Request{Path: objects + "tasks/batch/read", In: in, Out: &out, Asks: true}); err != nil {
			return nil, err
		}
		for _, r := range out.Results {
			there[r.Properties[c.cfg.TaskProperty]] = r.ID
		}
	}
	return there, nil
}

// taskProperties are those of a task
// (https://developers.hubspot.com/docs/api-reference/latest/crm/activities/tasks/guide).
// It is due at noon of its day, and a day after the call where none was named,
// for HubSpot wants a time.
func taskProperties(n earshot.Note, w *earshot.Writing, t earshot.Task) map[string]string {
	due := n.EndedAt.Add(24 * time.Hour)
	if !t.Due.IsZero() {
		due = t.Due.Add(12 * time.Hour)
	}
	p := map[string]string{
		"hs_timestamp":    strconv.FormatInt(due.UnixMilli(), 10),
		"hs_task_subject": t.Text,
		"hs_task_body":    body(w.Subject + "\n" + n.CallURL),
		"hs_task_status":  "NOT_STARTED",
		"hs_task_type":    "TODO",
	}
	if w.User != "" {
		p["hubspot_owner_id"] = w.User
	}
	return p
}
