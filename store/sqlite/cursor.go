package sqlite

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"earshot/store"
)

// callCursor is where a page of calls ended.
type callCursor struct {
	StartedAt int64  `json:"t"`
	ID        string `json:"id"`
}

// hitCursor is where a page of hits ended. N is the row of the last hit; in a
// ranked search it is the newest row of the window, of which Skip were shown.
type hitCursor struct {
	N    int64 `json:"n"`
	Skip int   `json:"skip,omitempty"`
}

func cursor(v any) string {
	raw, _ := json.Marshal(v) // numbers and strings always marshal
	return base64.RawURLEncoding.EncodeToString(raw)
}

func (c callCursor) valid() bool { return c.ID != "" }

func (c hitCursor) valid() bool { return c.N > 0 && c.Skip >= 0 }

func parseCursor[T interface{ valid() bool }](text string) (T, error) {
	var v T
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return v, store.ErrCursor
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields() // the cursor of another query
	if d.Decode(&v) != nil || !v.valid() {
		return v, store.ErrCursor
	}
	return v, nil
}
