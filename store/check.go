package store

import (
	"encoding/json"
	"errors"
	"fmt"

	"earshot"
)

// Check reports what no store takes: rows without a name, utterances that may
// still change, and events that are only ever broadcast.
func Check(c earshot.Commit) error {
	return errors.Join(
		each("call", c.Calls, func(v earshot.Call) bool { return v.ID != "" && v.State != "" }),
		each("metadata", c.Metadata, func(v earshot.SegmentMetadata) bool { return v.CallID != "" && v.SegmentID != "" }),
		each("final utterance", c.Utterances, func(v earshot.Utterance) bool {
			return v.ID != "" && v.CallID != "" && v.StreamID != "" && v.Final
		}),
		each("watermark", c.Watermarks, func(v earshot.Watermark) bool { return v.StreamID != "" && v.Position >= 0 }),
		each("suggestion", c.Suggestions, func(v earshot.Suggestion) bool { return v.ID != "" && v.CallID != "" }),
		each("feedback", c.Feedback, func(v earshot.Feedback) bool { return v.SuggestionID != "" && v.CallID != "" && v.Verdict != "" }),
		each("summary", c.Summaries, func(v earshot.Summary) bool { return v.CallID != "" }),
		each("summary's predecessor", c.Follows, func(v earshot.SummaryRevision) bool { return v.CallID != "" && v.Revision >= 0 }),
		each("match", c.Matches, func(v earshot.CallMatch) bool { return v.CallID != "" && v.Connector != "" }),
		each("delivery", c.Deliveries, func(v earshot.Delivery) bool { return v.NoteID != "" && v.CallID != "" }),
		each("job", c.Jobs, func(v earshot.Job) bool { return v.Kind != "" && v.Key != "" && isJSON(v.Payload) }),
		each("dialog", c.Dialogs, func(v earshot.Dialog) bool { return v.ID != "" }),
		each("SIP message", c.SIPMessages, func(v earshot.SIPMessage) bool { return v.CallID != "" && v.SegmentID != "" }),
		each("event", c.Events, func(v earshot.Event) bool {
			return v.ID != "" && v.Type != "" && v.Type != earshot.EventUtterancePartial && isJSON(v.Data)
		}),
	)
}

func each[T any](what string, list []T, ok func(T) bool) error {
	for i, v := range list {
		if !ok(v) {
			return fmt.Errorf("%s %d of the commit cannot be stored", what, i)
		}
	}
	return nil
}

func isJSON(raw json.RawMessage) bool { return len(raw) == 0 || json.Valid(raw) }
