// Package hubspottest is a strict local server for tests of the connector: it takes
// only what the vendor documents, and fails as told.
package hubspottest

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
	"time"

	"earshot"
	"earshot/crm/crmtest"
	"earshot/crm/phone"
)

// unique are the properties that upserts go by.
var unique = map[string]string{"calls": "earshot_note_id", "tasks": "earshot_task_key", "contacts": "earshot_number"}

// Server behaves as HubSpot documents it, and takes nothing else.
type Server struct {
	api *crmtest.API

	mu       sync.Mutex
	faults   []crmtest.Fault
	Inside   []string // categories of errors inside 207
	Records  map[string]map[string]map[string]string
	Links    map[string]bool // "calls/1001 contacts/7"
	Indexed  map[string]bool // contacts that the search finds
	Lag      time.Duration   // after which it finds those that were upserted; 0 = never
	made     map[string]time.Time
	Problems []string
	Requests []string

	Token   string // the access token that is valid
	Refresh string // the refresh token that is, "" without OAuth
	Expires int    // seconds
}

// New makes a server that knows what the OpenAPI file at spec has.
func New(t testing.TB, spec string) *Server {
	t.Helper()
	s := &Server{
		Token: "pat-test-1234567890", Links: map[string]bool{}, Indexed: map[string]bool{}, made: map[string]time.Time{},
		Records: map[string]map[string]map[string]string{"calls": {}, "tasks": {}, "contacts": {}},
	}
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

var revision = regexp.MustCompile(`<p>(Revision \d+\.)</p>`)

// Notes returns the calls; the text of a summary is in a paragraph.
func (s *Server) Notes() []earshot.Note {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []earshot.Note
	for id, call := range s.Records["calls"] {
		n := earshot.Note{ID: earshot.NoteID(id)}
		if m := revision.FindStringSubmatch(call["hs_call_body"]); m != nil {
			n.Summary.Text = html.UnescapeString(m[1])
		}
		out = append(out, n)
	}
	return out
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

func (s *Server) upsert(w http.ResponseWriter, r *http.Request, kind string) {
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
func (s *Server) take(kind string, in input) (f crmtest.Fault, inside, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind == "calls" && len(s.faults) > 0 {
		f, s.faults = s.faults[0], s.faults[1:]
	} else if len(s.Inside) > 0 {
		inside, s.Inside = s.Inside[0], s.Inside[1:]
	}
	if inside != "" || f != (crmtest.Fault{}) && !f.Keep {
		return f, inside, ""
	}
	return f, "", s.Put(kind, in.ID, in.Properties)
}

// Put stores a record and returns its ID.
func (s *Server) Put(kind, key string, properties map[string]string) string {
	all := s.Records[kind]
	if all[key] == nil {
		s.made[key] = time.Now()
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

func (s *Server) read(w http.ResponseWriter, r *http.Request) {
	var body struct{ Inputs []input }
	_ = json.NewDecoder(r.Body).Decode(&body)
	s.mu.Lock()
	defer s.mu.Unlock()
	results := []map[string]any{}
	for _, in := range body.Inputs {
		if t := s.Records["tasks"][in.ID]; t != nil {
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

func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	var body struct {
		FilterGroups []struct {
			Filters []struct{ PropertyName, Operator, Value string }
		}
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	s.mu.Lock()
	defer s.mu.Unlock()
	results := []map[string]any{}
	for key, contact := range s.Records["contacts"] {
		for _, g := range body.FilterGroups {
			f := g.Filters[0]
			found := f.Operator == "EQ" && contact[f.PropertyName] == f.Value ||
				f.Operator == "CONTAINS_TOKEN" && strings.HasSuffix(contact[f.PropertyName], strings.TrimPrefix(f.Value, "*"))
			if found && (s.Indexed[key] || s.Lag > 0 && time.Since(s.made[key]) >= s.Lag) {
				results = append(results, map[string]any{"id": contact["hs_object_id"], "properties": contact})
				break
			}
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"total": len(results), "results": results})
}

func (s *Server) associate(w http.ResponseWriter, path map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for kind, id := range map[string]string{path["kind"]: path["id"], "contacts": path["contact"]} {
		there := slices.ContainsFunc(slices.Collect(maps.Values(s.Records[kind])), func(r map[string]string) bool { return r["hs_object_id"] == id })
		if !there {
			refuse(w, http.StatusNotFound, "OBJECT_NOT_FOUND", "no such record")
			return
		}
	}
	s.Links[path["kind"]+"/"+path["id"]+" contacts/"+path["contact"]] = true
	fmt.Fprint(w, `{"status":"COMPLETE","results":[]}`)
}

// giveToken voids the refresh token and gives another.
func (s *Server) giveToken(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Refresh == "" || r.PostForm.Get("refresh_token") != s.Refresh {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant","status":"BAD_REFRESH_TOKEN"}`)
		return
	}
	s.Token, s.Refresh = s.Token+"+", s.Refresh+"+"
	fmt.Fprintf(w, `{"token_type":"bearer","access_token":%q,"refresh_token":%q,"expires_in":%d}`, s.Token, s.Refresh, s.Expires)
}

// Searches implements crmtest.Searched.
func (s *Server) Searches() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, operation := range s.Requests {
		if operation == "searchContacts" {
			n++
		}
	}
	return n
}
