package hubspot_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"earshot"
	"earshot/crm/crmtest"
	"earshot/crm/phone"
)

// unique are the properties that upserts go by.
var unique = map[string]string{"calls": "earshot_note_id", "tasks": "earshot_task_key", "contacts": "earshot_number"}

// server behaves as HubSpot documents it, and takes nothing else.
type server struct {
	api *crmtest.API

	mu       sync.Mutex
	faults   []crmtest.Fault
	inside   []string // categories of errors inside 207
	records  map[string]map[string]map[string]string
	links    map[string]bool // "calls/1001 contacts/7"
	indexed  map[string]bool // contacts that the search finds
	problems []string
	requests []string

	token   string // the access token that is valid
	refresh string // the refresh token that is, "" without OAuth
	expires int    // seconds
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{
		token: "pat-test-1234567890", links: map[string]bool{}, indexed: map[string]bool{},
		records: map[string]map[string]map[string]string{"calls": {}, "tasks": {}, "contacts": {}},
	}
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

var revision = regexp.MustCompile(`<p>(Revision \d+\.)</p>`)

// Notes returns the calls; the text of a summary is in a paragraph.
func (s *server) Notes() []earshot.Note {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []earshot.Note
	for id, call := range s.records["calls"] {
		n := earshot.Note{ID: earshot.NoteID(id)}
		if m := revision.FindStringSubmatch(call["hs_call_body"]); m != nil {
			n.Summary.Text = html.UnescapeString(m[1])
		}
		out = append(out, n)
	}
	return out
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, path, err := s.api.Check(r)
	s.mu.Lock()
	s.requests = append(s.requests, operation)
	if err != nil {
		s.problems = append(s.problems, err.Error())
	}
	s.mu.Unlock()
	switch {
	case errors.Is(err, crmtest.ErrUnauthorized):
		refuse(w, http.StatusUnauthorized, "INVALID_AUTHENTICATION", err.Error())
	case err != nil:
		refuse(w, http.StatusBadRequest, "VALIDATION_ERROR", err.Error())
	case strings.HasPrefix(operation, "upsert"):
		s.upsert(w, r, strings.ToLower(strings.TrimPrefix(operation, "upsert")))
	case operation == "readTasks":
		s.read(w, r)
	case operation == "searchContacts":
		s.search(w, r)
	case operation == "associate":
		s.associate(w, path)
	case operation == "property":
		if unique[path["kind"]] != path["property"] {
			refuse(w, http.StatusNotFound, "OBJECT_NOT_FOUND", "no such property")
			return
		}
		fmt.Fprint(w, `{"type":"string","hasUniqueValue":true}`)
	case operation == "token":
		s.giveToken(w, r)
	default:
		fmt.Fprint(w, `{"results":[]}`)
	}
}

func refuse(w http.ResponseWriter, status int, category, message string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"status":"error","message":%q,"category":%q}`, message, category)
}

type input struct {
	ID         string            `json:"id"`
	Properties map[string]string `json:"properties"`
}

func (s *server) upsert(w http.ResponseWriter, r *http.Request, kind string) {
	var body struct{ Inputs []input }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fault, inside, id := s.take(kind, body.Inputs[0])
	switch {
	case fault.Stall:
		<-r.Context().Done()
	case fault.Drop:
		panic(http.ErrAbortHandler)
	case fault.Body != "":
		w.WriteHeader(fault.Status)
		fmt.Fprint(w, fault.Body)
	case fault.Status != 0:
		if fault.RetryAfter != "" {
			w.Header().Set("Retry-After", fault.RetryAfter)
		}
		refuse(w, fault.Status, "SOME_CATEGORY", "no: "+body.Inputs[0].Properties["hs_call_body"])
	case inside != "":
		w.WriteHeader(http.StatusMultiStatus)
		fmt.Fprintf(w, `{"status":"COMPLETE","results":[],"numErrors":1,"errors":[{"status":"error","category":%q,"message":"no"}]}`, inside)
	default:
		fmt.Fprintf(w, `{"status":"COMPLETE","results":[{"id":%q,"new":true,"properties":{}}]}`, id)
	}
}

// take upserts a record unless a fault, which only calls meet, keeps it from
// that.
func (s *server) take(kind string, in input) (f crmtest.Fault, inside, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind == "calls" && len(s.faults) > 0 {
		f, s.faults = s.faults[0], s.faults[1:]
	} else if len(s.inside) > 0 {
		inside, s.inside = s.inside[0], s.inside[1:]
	}
	if inside != "" || f != (crmtest.Fault{}) && !f.Keep {
		return f, inside, ""
	}
	return f, "", s.put(kind, in.ID, in.Properties)
}

// put stores a record and returns its ID.
func (s *server) put(kind, key string, properties map[string]string) string {
	all := s.records[kind]
	if all[key] == nil {
		all[key] = map[string]string{
			unique[kind]: key, "hs_object_id": strconv.Itoa(1000*(1+slices.Index([]string{"calls", "tasks", "contacts"}, kind)) + len(all)),
		}
	}
	maps.Copy(all[key], properties)
	if kind == "contacts" {
		for property, written := range map[string]string{"phone": properties["phone"], "mobile": properties["mobilephone"]} {
			if n, ok := phone.Parse(written, "DE"); ok {
				all[key]["hs_searchable_calculated_"+property+"_number"] = strings.TrimPrefix(n.E164, "+49")
			}
		}
	}
	return all[key]["hs_object_id"]
}

func (s *server) read(w http.ResponseWriter, r *http.Request) {
	var body struct{ Inputs []input }
	_ = json.NewDecoder(r.Body).Decode(&body)
	s.mu.Lock()
	defer s.mu.Unlock()
	results := []map[string]any{}
	for _, in := range body.Inputs {
		if t := s.records["tasks"][in.ID]; t != nil {
			results = append(results, map[string]any{"id": t["hs_object_id"], "properties": t})
		}
	}
	answer := map[string]any{"status": "COMPLETE", "results": results}
	if missing := len(body.Inputs) - len(results); missing > 0 {
		w.WriteHeader(http.StatusMultiStatus)
		answer["numErrors"], answer["errors"] = 1, []map[string]string{{"category": "OBJECT_NOT_FOUND"}}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *server) search(w http.ResponseWriter, r *http.Request) {
	var body struct {
		FilterGroups []struct {
			Filters []struct{ PropertyName, Operator, Value string }
		}
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	s.mu.Lock()
	defer s.mu.Unlock()
	results := []map[string]any{}
	for key, contact := range s.records["contacts"] {
		for _, g := range body.FilterGroups {
			f := g.Filters[0]
			found := f.Operator == "EQ" && contact[f.PropertyName] == f.Value ||
				f.Operator == "CONTAINS_TOKEN" && strings.HasSuffix(contact[f.PropertyName], strings.TrimPrefix(f.Value, "*"))
			if found && s.indexed[key] {
				results = append(results, map[string]any{"id": contact["hs_object_id"], "properties": contact})
				break
			}
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"total": len(results), "results": results})
}

func (s *server) associate(w http.ResponseWriter, path map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for kind, id := range map[string]string{path["kind"]: path["id"], "contacts": path["contact"]} {
		there := slices.ContainsFunc(slices.Collect(maps.Values(s.records[kind])), func(r map[string]string) bool { return r["hs_object_id"] == id })
		if !there {
			refuse(w, http.StatusNotFound, "OBJECT_NOT_FOUND", "no such record")
			return
		}
	}
	s.links[path["kind"]+"/"+path["id"]+" contacts/"+path["contact"]] = true
	fmt.Fprint(w, `{"status":"COMPLETE","results":[]}`)
}

// giveToken voids the refresh token and gives another.
func (s *server) giveToken(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refresh == "" || r.PostForm.Get("refresh_token") != s.refresh {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant","status":"BAD_REFRESH_TOKEN"}`)
		return
	}
	s.token, s.refresh = s.token+"+", s.refresh+"+"
	fmt.Fprintf(w, `{"token_type":"bearer","access_token":%q,"refresh_token":%q,"expires_in":%d}`, s.token, s.refresh, s.expires)
}
