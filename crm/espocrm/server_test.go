package espocrm_test

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
)

const key = "0123456789abcdef"

// server behaves as EspoCRM documents it, and takes nothing else.
type server struct {
	api *crmtest.API

	mu       sync.Mutex
	faults   []crmtest.Fault // met by calls that are made or changed
	records  map[string]map[string]any
	mayNot   string // what the API user may not do: "Call edit"
	problems []string
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{records: map[string]map[string]any{}}
	s.api = crmtest.OpenAPI(t, "testdata/openapi.yaml", func(r *http.Request) bool { return r.Header.Get("X-Api-Key") == key })
	return s
}

func (s *server) Fail(faults ...crmtest.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

var revision = regexp.MustCompile(`(?m)^Revision \d+\.$`)

// Notes returns the calls; the text of a summary is a line of the description.
func (s *server) Notes() []earshot.Note {
	var out []earshot.Note
	for _, r := range s.all("Call") {
		out = append(out, earshot.Note{Summary: earshot.Summary{Text: revision.FindString(r["description"].(string))}})
	}
	return out
}

func (s *server) all(entity string) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []map[string]any
	for _, path := range slices.Sorted(maps.Keys(s.records)) {
		if strings.HasPrefix(path, entity+"/") {
			out = append(out, s.records[path])
		}
	}
	return out
}

// put stores a record and returns its ID. It is held with mu.
func (s *server) put(entity string, a map[string]any) string {
	id := fmt.Sprintf("%017x", len(s.records)+1)
	a["id"] = id
	s.records[entity+"/"+id] = a
	return id
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, path, err := s.api.Check(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.problems = append(s.problems, err.Error())
	}
	entity, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/v1/"), "/")
	switch {
	case errors.Is(err, crmtest.ErrUnauthorized):
		w.WriteHeader(http.StatusUnauthorized)
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
	case operation == "user":
		s.user(w)
	case strings.HasPrefix(operation, "list"):
		s.list(w, r, entity)
	case strings.HasPrefix(operation, "read"):
		_ = json.NewEncoder(w).Encode(s.records[entity+"/"+path["id"]])
	default:
		s.write(w, r, entity, path["id"])
	}
}

func (s *server) user(w http.ResponseWriter) {
	table := map[string]map[string]string{}
	for _, e := range []string{"Call", "Task", "Contact", "Lead", "Account"} {
		table[e] = map[string]string{"create": "yes", "read": "all", "edit": "all", "delete": "no"}
	}
	if entity, action, found := strings.Cut(s.mayNot, " "); found {
		table[entity][action] = "no"
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"user": map[string]string{"userName": "earshot"}, "acl": map[string]any{"table": table}})
}

// write creates or changes a record. It is called with mu held, and lets it go
// while it stalls.
func (s *server) write(w http.ResponseWriter, r *http.Request, entity, id string) {
	var a map[string]any
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var f crmtest.Fault
	if len(s.faults) > 0 && entity == "Call" {
		f, s.faults = s.faults[0], s.faults[1:]
	}
	status := http.StatusOK
	if f == (crmtest.Fault{}) || f.Keep {
		status = s.store(entity, &id, a, r.Header.Get("X-Skip-Duplicate-Check") == "true")
	}
	switch {
	case f.Stall:
		s.mu.Unlock()
		<-r.Context().Done()
		s.mu.Lock()
	case f.Drop:
		panic(http.ErrAbortHandler)
	case f.Status != 0:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		w.WriteHeader(f.Status)
		fmt.Fprint(w, f.Body)
	default:
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(s.records[entity+"/"+id])
	}
}

func (s *server) store(entity string, id *string, a map[string]any, skip bool) int {
	if *id != "" {
		if s.records[entity+"/"+*id] == nil {
			return http.StatusNotFound
		}
		maps.Copy(s.records[entity+"/"+*id], a)
		return http.StatusOK
	}
	for path, have := range s.records {
		if !skip && strings.HasPrefix(path, entity+"/") && have["name"] == a["name"] {
			return http.StatusConflict
		}
	}
	*id = s.put(entity, a)
	return http.StatusOK
}

type condition struct {
	Type, Attribute string
	Value           json.RawMessage
}

func (s *server) list(w http.ResponseWriter, r *http.Request, entity string) {
	var search struct {
		Where  []condition
		Select string
	}
	if err := json.Unmarshal([]byte(r.URL.Query().Get("searchParams")), &search); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	list := []map[string]any{}
	for path, have := range s.records {
		if strings.HasPrefix(path, entity+"/") && !slices.ContainsFunc(search.Where, func(c condition) bool { return !meets(have, c) }) {
			row := map[string]any{}
			for column := range strings.SplitSeq(search.Select, ",") {
				row[column] = have[column]
			}
			list = append(list, row)
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"total": len(list), "list": list})
}

// meets reports whether a record meets a condition. One on phoneNumber is met by
// any of the numbers.
func meets(a map[string]any, c condition) bool {
	var nested []condition
	if c.Type == "or" && json.Unmarshal(c.Value, &nested) == nil {
		return slices.ContainsFunc(nested, func(c condition) bool { return meets(a, c) })
	}
	var one string
	var many []string
	_ = json.Unmarshal(c.Value, &one)
	_ = json.Unmarshal(c.Value, &many)
	text, _ := a[c.Attribute].(string)
	values := []string{text}
	if more, ok := a["phoneNumberData"].([]map[string]string); ok && c.Attribute == "phoneNumber" {
		for _, v := range more {
			values = append(values, v["phoneNumber"])
		}
	}
	return slices.ContainsFunc(values, func(v string) bool {
		switch c.Type {
		case "equals":
			return v == one
		case "in":
			return slices.Contains(many, v)
		case "contains":
			return strings.Contains(v, one)
		default:
			return strings.HasSuffix(v, one)
		}
	})
}
