package dynamics_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"earshot"
	"earshot/crm/crmtest"
)

// server behaves as Dataverse documents it, and takes nothing else.
type server struct {
	api *crmtest.API

	mu       sync.Mutex
	faults   []crmtest.Fault // met by phone calls that are created or changed
	rows     map[string]map[string]any
	queued   map[string]string
	problems []string
	requests []string
	token    string
	tokens   int
	noLeads  bool // Sales is not installed
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{rows: map[string]map[string]any{}, queued: map[string]string{}, token: "none"}
	s.api = crmtest.OpenAPI(t, "testdata/openapi.yaml", func(r *http.Request) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return r.Header.Get("Authorization") == "Bearer "+s.token
	})
	return s
}

func (s *server) Fail(faults ...crmtest.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

var revision = regexp.MustCompile(`(?m)^Revision \d+\.$`)

// Notes returns the phone calls; the text of a summary is a line of the
// description.
func (s *server) Notes() []earshot.Note {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []earshot.Note
	for path, r := range s.rows {
		if strings.HasPrefix(path, "/phonecalls(") {
			text, _ := r["description"].(string)
			out = append(out, earshot.Note{ID: earshot.NoteID(path), Summary: earshot.Summary{Text: revision.FindString(text)}})
		}
	}
	return out
}

// put stores a row under a path and returns the ID in it.
func (s *server) put(set string, columns map[string]any) string {
	id := fmt.Sprintf("00000000-0000-0000-0000-%012d", len(s.rows)+1)
	columns["statecode"] = 0.0
	columns[strings.TrimSuffix(set, "s")+"id"] = id
	s.rows["/"+set+"("+id+")"] = columns
	return id
}

var key = regexp.MustCompile(`\(([^)]*)\)`)

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	row := strings.TrimPrefix(r.URL.Path, "/api/data/v9.2")
	r.URL.Path, r.URL.RawPath = key.ReplaceAllString(r.URL.Path, "/$1"), ""
	operation, path, err := s.api.Check(r)
	s.mu.Lock()
	s.requests = append(s.requests, operation)
	if err != nil {
		s.problems = append(s.problems, err.Error())
	}
	s.mu.Unlock()
	switch {
	case errors.Is(err, crmtest.ErrUnauthorized):
		refuse(w, http.StatusUnauthorized, "", "")
	case err != nil:
		refuse(w, http.StatusBadRequest, "0x80048d19", err.Error())
	case s.noLeads && strings.HasSuffix(operation, "Leads"):
		refuse(w, http.StatusNotFound, "0x80060888", "Resource not found for the segment 'leads'.")
	case strings.HasPrefix(operation, "write"):
		s.write(w, r, row)
	case strings.HasPrefix(operation, "find"):
		s.find(w, r, strings.TrimPrefix(row, "/"))
	case operation == "enqueue":
		s.enqueue(w, r, path["id"])
	case operation == "attribute":
		fmt.Fprint(w, `{"MaxLength":2000}`)
	case operation == "whoAmI":
		fmt.Fprint(w, `{"UserId":"00000000-0000-0000-0000-0000000000aa"}`)
	case operation == "token":
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tokens++
		s.token = fmt.Sprintf("token%d", s.tokens)
		fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3599,"access_token":%q}`, s.token)
	default:
		fmt.Fprint(w, `{"value":[]}`)
	}
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"code":%q,"message":%q}}`, code, message)
}

func (s *server) write(w http.ResponseWriter, r *http.Request, row string) {
	var columns map[string]any
	if err := json.NewDecoder(r.Body).Decode(&columns); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	var f crmtest.Fault
	if len(s.faults) > 0 && columns["subject"] != nil && strings.HasPrefix(row, "/phonecalls(") {
		f, s.faults = s.faults[0], s.faults[1:]
	}
	status, problem := http.StatusNoContent, ""
	if f == (crmtest.Fault{}) || f.Keep {
		status, problem = s.store(row, columns, r.Header.Get("If-Match") != "", r.Header.Get("If-None-Match") != "")
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
		refuse(w, f.Status, "0x80072322", fmt.Sprint("no: ", columns["description"]))
	case status >= 400:
		refuse(w, status, "0x80040217", problem)
	default:
		w.Header().Set("OData-EntityId", row)
		w.WriteHeader(status)
	}
}

// store upserts a row, within the conditions.
func (s *server) store(row string, columns map[string]any, must, mustNot bool) (status int, problem string) {
	there := s.rows[row]
	switch {
	case must && there == nil:
		return http.StatusNotFound, "it does not exist"
	case mustNot && there != nil:
		return http.StatusPreconditionFailed, "it exists"
	case there == nil && columns["statecode"] != nil:
		return http.StatusBadRequest, "a new row has no state"
	case there != nil && there["statecode"] != 0.0 && columns["statecode"] == nil:
		return http.StatusBadRequest, "it is completed and can't be edited"
	}
	for name, v := range columns {
		if !strings.HasPrefix(name, "regardingobjectid_") {
			continue
		}
		if bound, _ := v.(string); s.rows[bound] == nil {
			return http.StatusNotFound, bound + " does not exist"
		}
	}
	if there == nil {
		s.rows[row] = map[string]any{"statecode": 0.0}
	}
	maps.Copy(s.rows[row], columns)
	return http.StatusNoContent, ""
}

func (s *server) enqueue(w http.ResponseWriter, r *http.Request, queue string) {
	var body struct {
		Target struct {
			ID string `json:"activityid"`
		}
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	s.mu.Lock()
	defer s.mu.Unlock()
	call := s.rows["/phonecalls("+body.Target.ID+")"]
	if call == nil || call["statecode"] != 0.0 {
		refuse(w, http.StatusBadRequest, "0x80040216", "it is not there, or not open")
		return
	}
	s.queued[body.Target.ID] = queue
	fmt.Fprint(w, `{"QueueItemId":"00000000-0000-0000-0000-0000000000bb"}`)
}

var (
	equals   = regexp.MustCompile(`(\w+) eq '((?:[^']|'')*)'`)
	contains = regexp.MustCompile(`contains\((\w+),'((?:[^']|'')*)'\)`)
)

// find knows equality and patterns, joined by or, of rows that are active.
func (s *server) find(w http.ResponseWriter, r *http.Request, set string) {
	q := r.URL.Query().Get("$filter")
	if !strings.HasPrefix(q, "statecode eq 0 and (") {
		refuse(w, http.StatusBadRequest, "0x80060888", q)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []map[string]any{}
	for path, columns := range s.rows {
		if strings.HasPrefix(path, "/"+set+"(") && columns["statecode"] == 0.0 && fits(columns, q) {
			found = append(found, columns)
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"value": found})
}

func fits(columns map[string]any, q string) bool {
	for _, m := range equals.FindAllStringSubmatch(q, -1) {
		if columns[m[1]] == m[2] {
			return true
		}
	}
	for _, m := range contains.FindAllStringSubmatch(q, -1) {
		text, _ := columns[m[1]].(string)
		if regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(m[2]), "%", ".*")).MatchString(text) {
			return true
		}
	}
	return false
}
