package crm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"earshot"
)

// Links are where a person or program finds more about a call.
type Links struct {
	CallURL  string
	AudioURL string
}

// NoteIDFor returns the ID of the note of a call for one connector.
func NoteIDFor(call earshot.CallID, connector string) earshot.NoteID {
	return earshot.NoteID(string(call) + "-" + connector)
}

// KeyFor returns the key of one revision of a note, the same for all attempts
// to deliver it. It holds no '.', for Standard Webhooks use that to separate.
func KeyFor(id earshot.NoteID, revision int) string {
	return string(id) + "-r" + strconv.Itoa(revision)
}

// ValidName returns an error unless name can be the name of a connector: lower
// case letters, digits, '-' and '_', at most 40 of them. It is part of IDs.
func ValidName(name string) error {
	bad := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_'
	}
	if name == "" || len(name) > 40 || slices.ContainsFunc([]rune(name), bad) {
		return fmt.Errorf("bad connector name %.50q: want a-z, 0-9, - and _", name)
	}
	return nil
}

// Compose makes the note about a call for one connector. Lists are never nil
// and times are UTC, so that the note is the same after it was stored.
func Compose(call earshot.Call, summary earshot.Summary, links Links, connector string, revision int) earshot.Note {
	n := earshot.Note{
		ID:           NoteIDFor(call.ID, connector),
		CallID:       call.ID,
		Connector:    connector,
		Revision:     revision,
		Direction:    call.Direction,
		StartedAt:    clean(call.StartedAt),
		State:        call.State,
		Participants: own(call.Participants),
		Summary:      summary,
		Tags:         own(call.Tags),
		CallURL:      links.CallURL,
		AudioURL:     links.AudioURL,

		Queue:          call.Queue,
		Conversation:   call.Conversation,
		CorrelationIDs: slices.Clone(call.CorrelationIDs),
	}
	if i := slices.IndexFunc(call.Matches, func(m earshot.Match) bool { return m.Connector == connector }); i >= 0 {
		n.Match = new(call.Matches[i])
	}
	n.EndedAt = n.StartedAt
	if call.EndedAt != nil {
		n.EndedAt = clean(*call.EndedAt)
	}
	n.DurationS = int64(n.EndedAt.Sub(n.StartedAt).Round(time.Second) / time.Second)
	n.Summary.Facts = own(summary.Facts)
	n.Summary.Actions = own(summary.Actions)
	n.Summary.OpenQuestions = own(summary.OpenQuestions)
	n.Summary.CreatedAt = clean(summary.CreatedAt)
	return n
}

// clean makes a time what it is after it was stored.
func clean(t time.Time) time.Time { return t.UTC().Round(0) }

// own returns a copy that is not nil.
func own[T any](list []T) []T { return append([]T{}, list...) }

// contentHash is the same for notes that tell the receiver the same. When a
// summary was made and how often, that the call has settled since and who its
// customer was found to be is no news.
func contentHash(n earshot.Note) string {
	n.Revision, n.State, n.Match = 0, "", nil
	n.Summary.Revision, n.Summary.CreatedAt = 0, time.Time{}
	raw, err := json.Marshal(n)
	if err != nil {
		panic(fmt.Sprintf("crm: note of call %s: %v", n.CallID, err)) // e.g. a year past 9999
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
