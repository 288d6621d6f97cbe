package pipedrive

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"time"

	"earshot"
	"earshot/crm"
	"earshot/crm/phone"
	"earshot/crm/rest"
)

// logPage is how many call logs a page has at the most.
const logPage = 50

// outcomes are those that a call log may have.
var outcomes = []string{"connected", "no_answer", "left_message", "left_voicemail", "wrong_number", "busy"}

// callLog is one (https://developers.pipedrive.com/docs/api/v1/CallLogs#addCallLog).
type callLog struct {
	ID         string `json:"id,omitempty"`
	ActivityID int64  `json:"activity_id"`
	Subject    string `json:"subject,omitempty"`
	Duration   string `json:"duration,omitempty"` // seconds, as a text
	Outcome    string `json:"outcome"`
	From       string `json:"from_phone_number,omitempty"`
	To         string `json:"to_phone_number"`
	Start      string `json:"start_time"` // 2026-03-04 05:06:07, UTC
	End        string `json:"end_time"`
}

// callLog makes the call log of an activity, and adds the recording. With look
// it is looked whether there is one.
func (c *Connector) callLog(ctx context.Context, activityID string, look bool, n earshot.Note, w *earshot.Writing) error {
	v, ok := logOf(n, w)
	if !ok {
		return nil
	}
	var err error
	if v.ActivityID, err = strconv.ParseInt(activityID, 10, 64); err != nil {
		return fmt.Errorf("the activity's ID is no number: %w", err)
	}
	id := ""
	if look {
		if id, err = c.logged(ctx, v.ActivityID); err != nil {
			return err
		}
	}
	if id == "" {
		var out struct{ Data callLog }
		if _, err := c.rest.Do(ctx, rest.Request{Path: v1 + "/callLogs", In: v, Out: &out}); err != nil {
			return err
		}
		if id = out.Data.ID; id == "" {
			return fmt.Errorf("%s answers without the call log", c.cfg.Name)
		}
	}
	return c.upload(ctx, id, n)
}

// logOf returns the call log of a note, as far as it is known who called whom.
func logOf(n earshot.Note, w *earshot.Writing) (callLog, bool) {
	customer, agent := numbers(n.Participants)
	v := callLog{
		Duration: strconv.FormatInt(n.DurationS, 10), Outcome: outcome(n, w), From: customer, To: agent,
		Start: n.StartedAt.UTC().Format(time.DateTime), End: n.EndedAt.UTC().Format(time.DateTime),
	}
	if n.Direction == earshot.DirectionOutbound {
		v.From, v.To = v.To, v.From
	}
	return v, v.To != ""
}

// numbers returns those of the two sides, "" for one that is not known.
func numbers(list []earshot.Participant) (customer, agent string) {
	of := func(p *earshot.Participant) string {
		if p == nil {
			return ""
		}
		n, _ := phone.Parse(p.AOR, "")
		return cmp.Or(n.E164, n.Raw)
	}
	for i := range list {
		if list[i].SureRole() == earshot.RoleAgent {
			agent = of(&list[i])
		}
	}
	return of(crm.CustomerOf(list)), agent
}

// outcome is that of the mapping if Pipedrive knows it, else what the summary
// says of calls that reached nobody.
func outcome(n earshot.Note, w *earshot.Writing) string {
	if slices.Contains(outcomes, w.Disposition) {
		return w.Disposition
	}
	switch n.Summary.Disposition {
	case "voicemail":
		return "left_voicemail"
	case "wrong number":
		return "wrong_number"
	}
	return "connected"
}

// logged returns the ID of the call log of an activity, "" for none.
func (c *Connector) logged(ctx context.Context, activityID int64) (string, error) {
	for page := range maxPages {
		var out struct {
			Data       []callLog
			Additional struct {
				Pagination struct {
					More bool `json:"more_items_in_collection"`
				}
			} `json:"additional_data"`
		}
		query := url.Values{"start": {strconv.Itoa(page * logPage)}, "limit": {strconv.Itoa(logPage)}}
		if _, err := c.rest.Do(ctx, rest.Request{Path: v1 + "/callLogs", Query: query, Out: &out}); err != nil {
			return "", err
		}
		for _, v := range out.Data {
			if v.ActivityID == activityID {
				return v.ID, nil
			}
		}
		if !out.Additional.Pagination.More {
			break
		}
	}
	return "", nil
}

// recordingWait is for how long after a call its recording is waited for.
const recordingWait = 10 * time.Minute

// upload adds the recording to a call log
// (https://developers.pipedrive.com/docs/api/v1/CallLogs#addCallLogAudioFile).
func (c *Connector) upload(ctx context.Context, id string, n earshot.Note) error {
	if c.cfg.Recording == nil {
		return nil
	}
	r, err := c.cfg.Recording(n.CallID)
	if errors.Is(err, earshot.ErrNotFound) && time.Since(n.EndedAt) > recordingWait {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the recording: %w", err)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="file"; filename=%q`, r.Name)}, "Content-Type": {r.Type},
	})
	if err == nil {
		_, err = part.Write(r.Audio)
	}
	if err = errors.Join(err, form.Close()); err != nil {
		return fmt.Errorf("encode the recording: %w", err)
	}
	_, err = c.rest.Do(ctx, rest.Request{
		Path: v1 + "/callLogs/" + url.PathEscape(id) + "/recordings", In: rest.Raw{Type: form.FormDataContentType(), Body: body.Bytes()},
	})
	if status(err) == http.StatusConflict {
		return nil // an attempt before has added it
	}
	return err
}
