// Package salesforcetest is a strict local server for tests of the connector: it takes
// only what the vendor documents, and fails as told.
package salesforcetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"earshot"
	"earshot/crm/crmtest"
	"earshot/crm/phone"
)

// Server behaves as Salesforce documents it, and takes nothing else.
type Server struct {
	api *crmtest.API

	mu       sync.Mutex
	faults   []crmtest.Fault // met by tasks that are calls
	Code     string          // of the errors that faults are answered with
	Records  map[string]map[string]any
	Deleted  map[string]bool
	unique   bool // the external ID is
	Events   []map[string]any
	Problems []string
	Requests []string
	Token    string
	Tokens   int
	Refresh  string // the refresh token that is valid, "" for other grants
}

// New makes a server that knows what the OpenAPI file at spec has.
func New(t testing.TB, spec string) *Server {
	t.Helper()
	s := &Server{Token: "00D-session", Records: map[string]map[string]any{}, Deleted: map[string]bool{}, Code: "SOME_CODE"}
	s.api = crmtest.OpenAPI(t, spec, func(r *http.Request) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return r.Header.Get("Authorization") == "Bearer "+s.Token
	})
	return s
}

// Look calls f while nothing changes.
func (s *Server) Look(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// Fail implements crmtest.Remote.
func (s *Server) Fail(faults ...crmtest.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

var revision = regexp.MustCompile(`(?m)^Revision \d+\.$`)

// Notes returns the tasks that are calls; the text of a summary is a line of the
// description.
func (s *Server) Notes() []earshot.Note {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []earshot.Note
	for id, r := range s.Records {
		if r["TaskSubtype"] == "Call" && !s.Deleted[id] {
			text, _ := r["Description"].(string)
			out = append(out, earshot.Note{
				ID: earshot.NoteID(fmt.Sprint(r["CallObject"])), Summary: earshot.Summary{Text: revision.FindString(text)},
			})
		}
	}
	return out
}

// Put stores a record under a new ID and returns it.
func (s *Server) Put(kind string, fields map[string]any) string {
	prefix := map[string]string{"Task": "00T", "Contact": "003", "Lead": "00Q", "Account": "001"}[kind]
	id := fmt.Sprintf("%s%015d", prefix, len(s.Records)+1)
	fields = maps.Clone(fields)
	fields["Id"], fields["attributes"] = id, map[string]string{"type": kind}
	s.Records[id] = fields
	return id
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, path, err := s.api.Check(r)
	s.mu.Lock()
	s.Requests = append(s.Requests, operation)
	if err != nil {
		s.Problems = append(s.Problems, err.Error())
	}
	s.mu.Unlock()
	switch {
	case errors.Is(err, crmtest.ErrUnauthorized):
		refuse(w, http.StatusUnauthorized, "INVALID_SESSION_ID", "Session expired or invalid")
	case err != nil:
		refuse(w, http.StatusBadRequest, "INVALID_FIELD", err.Error())
	case operation == "query":
		s.query(w, r.URL.Query().Get("q"))
	case operation == "search":
		s.search(w, r.URL.Query().Get("q"))
	case operation == "describeTask":
		fmt.Fprintf(w, `{"name":"Task","createable":true,"updateable":true,"fields":[{"name":"CallObject","createable":true},`+
			`{"name":"Earshot_Id__c","createable":true,"externalId":true,"unique":%t}]}`, s.unique)
	case operation == "token":
		s.giveToken(w, r)
	default:
		s.write(w, r, operation, path)
	}
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `[{"errorCode":%q,"message":%q}]`, code, message)
}

// write creates or changes a record, or publishes an event.
func (s *Server) write(w http.ResponseWriter, r *http.Request, operation string, path map[string]string) {
	var fields map[string]any
	if err := json.NewDecoder(r.Body).Decode(&fields); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	var f crmtest.Fault
	if len(s.faults) > 0 && strings.HasSuffix(operation, "Task") {
		f, s.faults = s.faults[0], s.faults[1:]
	}
	status, answer := f.Status, ""
	if f == (crmtest.Fault{}) || f.Keep {
		status, answer = s.store(operation, path, fields)
	}
	s.mu.Unlock()
	switch {
	case f.Stall:
		<-r.Context().Done()
	case f.Drop:
		panic(http.ErrAbortHandler)
	case f.Body != "":
		w.WriteHeader(f.Status)
		fmt.Fprint(w, f.Body)
	case f.Status != 0:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		refuse(w, f.Status, s.Code, fmt.Sprint("no: ", fields["Description"]))
	case status >= 400:
		refuse(w, status, answer, "no")
	default:
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}
}

// store does what a write asks for and returns the answer, or the code of an
// error.
func (s *Server) store(operation string, path map[string]string, fields map[string]any) (status int, answer string) {
	for _, field := range []string{"WhoId", "WhatId"} {
		if id, ok := fields[field].(string); ok && (s.Records[id] == nil || s.Deleted[id]) {
			return http.StatusBadRequest, "INVALID_CROSS_REFERENCE_KEY"
		}
	}
	id := path["id"]
	switch operation {
	case "publish":
		s.Events = append(s.Events, fields)
		return http.StatusCreated, `{"id":"e00xx0000000001AAA","success":true,"errors":[]}`
	case "createLead":
		fields["Name"] = fields["LastName"]
		return http.StatusCreated, fmt.Sprintf(`{"id":%q,"success":true,"errors":[]}`, s.Put("Lead", fields))
	case "updateTask":
		if s.Records[id] == nil || s.Deleted[id] {
			return http.StatusNotFound, "ENTITY_IS_DELETED"
		}
		maps.Copy(s.Records[id], fields)
		return http.StatusNoContent, ""
	case "upsertTask":
		for there, r := range s.Records {
			if r["Earshot_Id__c"] == path["key"] && !s.Deleted[there] {
				maps.Copy(r, fields)
				return http.StatusOK, fmt.Sprintf(`{"id":%q,"success":true,"errors":[],"created":false}`, there)
			}
		}
		fields["Earshot_Id__c"] = path["key"]
	}
	return http.StatusCreated, fmt.Sprintf(`{"id":%q,"success":true,"errors":[],"created":true}`, s.Put("Task", fields))
}

var (
	quoted = regexp.MustCompile(`'((?:[^'\\]|\\.)*)'`)
	phrase = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	escape = regexp.MustCompile(`\\(.)`)
)

// query knows the two questions that there are.
func (s *Server) query(w http.ResponseWriter, q string) {
	field := "CallObject"
	if strings.Contains(q, "FROM Lead WHERE Phone = ") {
		field = "Phone"
	} else if !regexp.MustCompile(`^SELECT Id, CallObject FROM Task WHERE CallObject IN \('.*'\) AND CreatedDate >= \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ORDER BY CreatedDate DESC$`).MatchString(q) {
		refuse(w, http.StatusBadRequest, "MALFORMED_QUERY", q)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []map[string]any{}
	for _, m := range quoted.FindAllStringSubmatch(q, -1) {
		value := escape.ReplaceAllString(m[1], "$1")
		for id, r := range s.Records {
			if r[field] == value && !s.Deleted[id] && (field == "CallObject" || strings.HasPrefix(id, "00Q")) {
				found = append(found, r)
			}
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"totalSize": len(found), "done": true, "records": found})
}

// search finds records one of whose numbers has the digits of a phrase.
func (s *Server) search(w http.ResponseWriter, q string) {
	find, _, _ := strings.Cut(q, "} IN ")
	var wanted []string
	for _, m := range phrase.FindAllStringSubmatch(find, -1) {
		if regexp.MustCompile(`[^\\][+()-]`).MatchString(m[1]) {
			refuse(w, http.StatusBadRequest, "MALFORMED_SEARCH", q)
			return
		}
		wanted = append(wanted, phone.Digits(m[1]))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []map[string]any{}
	for id, r := range s.Records {
		for _, field := range []string{"Phone", "MobilePhone", "HomePhone", "OtherPhone"} {
			text, _ := r[field].(string)
			if text != "" && slices.Contains(wanted, phone.Digits(text)) && !s.Deleted[id] {
				found = append(found, r)
				break
			}
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"searchRecords": found})
}

// giveToken ends the session before and begins another.
func (s *Server) giveToken(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Refresh != "" && r.PostForm.Get("refresh_token") != s.Refresh {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`)
		return
	}
	s.Tokens++
	s.Token = fmt.Sprintf("00D-session%d", s.Tokens)
	rotated := ""
	if s.Refresh != "" {
		s.Refresh = fmt.Sprintf("refresh%d", s.Tokens)
		rotated = fmt.Sprintf(`,"refresh_token":%q`, s.Refresh)
	}
	fmt.Fprintf(w, `{"access_token":%q,"instance_url":"https://acme.my.salesforce.com","token_type":"Bearer"%s}`, s.Token, rotated)
}

// Searches implements crmtest.Searched.
func (s *Server) Searches() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, operation := range s.Requests {
		if operation == "search" {
			n++
		}
	}
	return n
}
