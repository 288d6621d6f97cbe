package hubspot

import (
	"html"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"earshot"
)

// maxBody is how long hs_call_body and hs_task_body get, in characters. The
// guides to calls and tasks name no limit; this is the one that the guide to
// notes names for their body
// (https://developers.hubspot.com/docs/api-reference/latest/crm/activities/notes/guide).
const maxBody = 65536

// callProperties are those of a call
// (https://developers.hubspot.com/docs/api-reference/latest/crm/activities/calls/guide).
// What a revision no longer has is emptied, for an upsert leaves alone what is
// not named; the outcome and the owner, which people set too, stay as they are
// where the mapping has none.
func callProperties(n earshot.Note, w *earshot.Writing) map[string]string {
	p := map[string]string{
		"hs_timestamp":          strconv.FormatInt(n.StartedAt.UnixMilli(), 10), // Unix time in ms, thus without a zone
		"hs_call_duration":      strconv.FormatInt(n.DurationS*1000, 10),        // ms
		"hs_call_direction":     direction(n.Direction),
		"hs_call_status":        "COMPLETED",
		"hs_call_title":         w.Subject,
		"hs_call_body":          body(w.Body),
		"hs_call_recording_url": "",
	}
	if strings.HasPrefix(n.AudioURL, "https://") { // others are refused
		p["hs_call_recording_url"] = n.AudioURL
	}
	if n.Match != nil && n.Match.Number != "" {
		switch n.Direction {
		case earshot.DirectionInbound:
			p["hs_call_from_number"] = n.Match.Number
		case earshot.DirectionOutbound:
			p["hs_call_to_number"] = n.Match.Number
		}
	}
	if w.Disposition != "" {
		p["hs_call_disposition"] = w.Disposition // a GUID
	}
	if w.User != "" {
		p["hubspot_owner_id"] = w.User
	}
	maps.Copy(p, w.Fields)
	return p
}

// direction is as seen from the company; HubSpot knows no other two, and ""
// for what is neither.
func direction(d earshot.Direction) string {
	switch d {
	case earshot.DirectionInbound:
		return "INBOUND"
	case earshot.DirectionOutbound:
		return "OUTBOUND"
	default:
		return ""
	}
}

// address is one of the web in a text.
var address = regexp.MustCompile(`https?://[^\s<>"]+`)

// body is plain text as HTML: a paragraph for each line, addresses as links.
// Lines that no longer fit are left out whole, so that no tag stays open.
func body(text string) string {
	var b strings.Builder
	length := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		line = address.ReplaceAllStringFunc(html.EscapeString(line), func(a string) string {
			return `<a href="` + a + `">` + a + `</a>`
		})
		line = "<p>" + line + "</p>"
		if size := utf8.RuneCountInString(line); length+size <= maxBody {
			b.WriteString(line)
			length += size
		}
	}
	return b.String()
}
