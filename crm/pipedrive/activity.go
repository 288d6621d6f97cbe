package pipedrive

import (
	"context"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"time"

	"earshot"
	"earshot/crm/rest"
)

const (
	// maxSubject is in characters.
	maxSubject = 255
	// pageSize and maxPages bound what is read of a list.
	pageSize, maxPages = 500, 40
)

// activity is one in API v2 (https://developers.pipedrive.com/docs/api/v1/Activities#addActivity).
type activity struct {
	ID           int64         `json:"id,omitempty"`
	Subject      string        `json:"subject"`
	Type         string        `json:"type"`
	Done         bool          `json:"done"`
	OwnerID      int64         `json:"owner_id,omitempty"`
	DueDate      string        `json:"due_date,omitempty"` // 2026-03-04
	DueTime      string        `json:"due_time,omitempty"` // 05:06:07, UTC
	Duration     string        `json:"duration,omitempty"` // 00:01:05
	Participants []participant `json:"participants,omitempty"`
	Note         string        `json:"note"` // HTML
}

type participant struct {
	PersonID int64 `json:"person_id"`
	Primary  bool  `json:"primary"`
}

func callActivity(n earshot.Note, w *earshot.Writing) activity {
	start := n.StartedAt.UTC()
	a := activity{
		Subject: cut(w.Subject, maxSubject), Type: "call", Done: true, DueDate: start.Format(time.DateOnly), DueTime: start.Format(time.TimeOnly),
		Duration: clock(n.DurationS), Note: lines(w.Body) + mark(string(n.ID)),
	}
	a.belongsTo(n, w)
	return a
}

func taskActivity(n earshot.Note, w *earshot.Writing, t earshot.Task) activity {
	a := activity{Subject: cut(t.Text, maxSubject), Type: "task", Note: lines(strings.TrimSpace(t.Text+"\n"+n.CallURL)) + mark(t.Key)}
	if !t.Due.IsZero() {
		a.DueDate = t.Due.Format(time.DateOnly)
	}
	a.belongsTo(n, w)
	return a
}

// belongsTo links the person and the user.
func (a *activity) belongsTo(n earshot.Note, w *earshot.Writing) {
	if id, err := strconv.ParseInt(w.User, 10, 64); err == nil {
		a.OwnerID = id
	}
	if n.Match != nil && n.Match.Contact != nil {
		if id, err := strconv.ParseInt(n.Match.Contact.ID, 10, 64); err == nil {
			a.Participants = []participant{{PersonID: id, Primary: true}}
		}
	}
}

// lines makes HTML of plain text.
func lines(text string) string {
	return strings.ReplaceAll(html.EscapeString(text), "\n", "<br>")
}

const markBegins = "<br><br>Earshot: "

// mark is the last line of a note, by which its activity is found again.
func mark(id string) string { return markBegins + html.EscapeString(id) }

// marked returns what the last line of a note names, "" for nothing. Pipedrive
// may have written the HTML anew: only the text of the line counts.
func marked(note string) string {
	i := strings.LastIndex(note, "Earshot: ")
	if i < 0 {
		return ""
	}
	id, _, _ := strings.Cut(note[i+len("Earshot: "):], "<")
	return strings.TrimSpace(html.UnescapeString(id))
}

// clock writes seconds as hours, minutes and seconds.
func clock(s int64) string { return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60) }

// left is what earlier attempts have left: activities by what their notes name.
type left map[string]string

// left reads the activities that were changed since a moment, the first made
// first (https://developers.pipedrive.com/docs/api/v1/Activities#getActivities).
func (c *Connector) left(ctx context.Context, since time.Time) (left, error) {
	out := left{}
	query := url.Values{
		"updated_since": {since.UTC().Format(time.RFC3339)}, "limit": {strconv.Itoa(pageSize)},
		"sort_by": {"add_time"}, "sort_direction": {"asc"},
	}
	for range maxPages {
		var page struct {
			Data       []activity
			Additional struct {
				Next string `json:"next_cursor"`
			} `json:"additional_data"`
		}
		if _, err := c.rest.Do(ctx, rest.Request{Path: v2 + "/activities", Query: query, Out: &page}); err != nil {
			return nil, err
		}
		for _, a := range page.Data {
			if id := marked(a.Note); id != "" && out[id] == "" {
				out[id] = strconv.FormatInt(a.ID, 10)
			}
		}
		if page.Additional.Next == "" {
			return out, nil
		}
		query.Set("cursor", page.Additional.Next)
	}
	return nil, fmt.Errorf("%s has more activities since the call than can be looked through", c.cfg.Name)
}

// cut shortens a text to so many characters.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return strings.TrimRight(string(r[:n-3]), " ") + "..."
}
