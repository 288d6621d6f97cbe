package crmtest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// ERP is a real Tryton with the database "crm", for a test to fill and to read.
type ERP struct {
	T   testing.TB
	URL string

	session string
}

// Call calls a method as admin and decodes its result into out unless it is nil.
func (e *ERP) Call(method string, params []any, out any) {
	e.T.Helper()
	if e.session == "" && method != "common.db.login" {
		var session []any
		e.Call("common.db.login", []any{"admin", map[string]string{"password": Password}, "en"}, &session)
		e.session = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "admin:%.0f:%s", session...))
	}
	body, err := json.Marshal(map[string]any{"id": 1, "method": method, "params": params})
	if err != nil {
		e.T.Fatal(err)
	}
	req, err := http.NewRequestWithContext(e.T.Context(), http.MethodPost, e.URL+"/crm/", bytes.NewReader(body))
	if err != nil {
		e.T.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Session "+e.session)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		e.T.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	var a struct {
		Result, Error json.RawMessage
	}
	if err != nil || json.Unmarshal(raw, &a) != nil || a.Error != nil {
		e.T.Fatalf("%s: %s %s %v", method, resp.Status, raw, err)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(a.Result, out); err != nil {
		e.T.Fatalf("%s: %v in %s", method, err, raw)
	}
}

// Party makes a party with contact mechanisms, each type and value, and returns
// its ID.
func (e *ERP) Party(name string, mechanisms ...[2]string) int {
	e.T.Helper()
	list := []any{}
	for _, m := range mechanisms {
		list = append(list, map[string]string{"type": m[0], "value": m[1]})
	}
	var ids []int
	e.Call("model.party.party.create", []any{[]any{map[string]any{
		"name": name, "contact_mechanisms": []any{[]any{"create", list}},
	}}, map[string]any{}}, &ids)
	return ids[0]
}

// Memo is a note as Tryton has it.
type Memo struct {
	ID int
	// Resource is what it is about, "party.party,7", and Party the name of that.
	Resource, Party, Message string
}

// Memos returns the notes that hold a text, the oldest first.
func (e *ERP) Memos(text string) []Memo {
	e.T.Helper()
	var list []Memo
	e.Call("model.ir.note.search_read", []any{
		[]any{[]any{"message", "ilike", "%" + text + "%"}}, 0, 1000, []any{[]string{"id", "ASC"}}, []string{"resource", "message"}, map[string]any{},
	}, &list)
	for i := range list {
		var id int
		if _, err := fmt.Sscanf(list[i].Resource, "party.party,%d", &id); err != nil {
			continue
		}
		var party []struct{ Name string }
		e.Call("model.party.party.read", []any{[]int{id}, []string{"name"}, map[string]any{}}, &party)
		list[i].Party = party[0].Name
	}
	return list
}
