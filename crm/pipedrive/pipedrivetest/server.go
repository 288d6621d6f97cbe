// Package pipedrivetest is a strict local server for tests of the connector: it takes
// only what the vendor documents, and fails as told.
package pipedrivetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
)

// Secret is the API token.
const Secret = "0123456789abcdef"

// Server behaves as Pipedrive documents it, and takes nothing else.
type Server struct {
	api *crmtest.API

	mu         sync.Mutex
	searches   int
	faults     []crmtest.Fault  // met by activities of calls that are made or changed
	LogFaults  []crmtest.Fault  // met by call logs that are made
	activities []map[string]any // by ID less one
	logs       []map[string]any // the newest last
	persons    []map[string]any
	recordings map[string]string // by call log
	Problems   []string
}

// New makes a server that knows what the OpenAPI file at spec has.
func New(t testing.TB, spec string) *Server {
	t.Helper()
	s := &Server{recordings: map[string]string{}}
	s.api = crmtest.OpenAPI(t, spec, func(r *http.Request) bool { return r.Header.Get("X-Api-Token") == Secret })
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

var revision = regexp.MustCompile(`Revision \d+\.`)

// Notes returns the activities of calls; the text of a summary is in the note.
func (s *Server) Notes() []earshot.Note {
	var out []earshot.Note
	for _, a := range s.Of("call") {
		out = append(out, earshot.Note{Summary: earshot.Summary{Text: revision.FindString(a["note"].(string))}})
	}
	return out
}

// Of returns the activities of a type.
func (s *Server) Of(kind string) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.activities), func(a map[string]any) bool { return a["type"] != kind })
}

// Kept returns the call logs, the newest last, and the recordings by call log.
func (s *Server) Kept() (logs []map[string]any, recordings map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.logs), maps.Clone(s.recordings)
}

// Person adds somebody and returns their ID.
func (s *Server) Person(name string, numbers ...string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	phones := []any{}
	for _, n := range numbers {
		phones = append(phones, map[string]any{"value": n})
	}
	s.persons = append(s.persons, map[string]any{"id": len(s.persons) + 1, "name": name, "phones": phones})
	return len(s.persons)
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, path, err := s.api.Check(r)
	raw, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.Problems = append(s.Problems, err.Error())
	}
	var in map[string]any
	_ = json.Unmarshal(raw, &in)
	switch {
	case errors.Is(err, crmtest.ErrUnauthorized):
		answer(w, http.StatusUnauthorized, nil, nil)
	case err != nil:
		answer(w, http.StatusBadRequest, nil, nil)
	case operation == "me":
		answer(w, http.StatusOK, map[string]any{"id": 7, "name": "Earshot"}, nil)
	case operation == "listActivities":
		list(w, r, s.activities)
	case operation == "listPersons":
		list(w, r, s.persons)
	case operation == "searchPersons":
		s.searches++
		s.search(w, r.URL.Query().Get("term"))
	case operation == "listCallLogs":
		s.listLogs(w, r)
	case operation == "addRecording":
		s.addRecording(w, path["id"], raw)
	case operation == "createPerson":
		in["id"] = len(s.persons) + 1
		s.persons = append(s.persons, in)
		answer(w, http.StatusOK, in, nil)
	case operation == "createCallLog":
		s.meet(w, r, &s.LogFaults, func() (int, any) { return s.createLog(in) })
	case in["type"] == "call":
		s.meet(w, r, &s.faults, func() (int, any) { return s.write(path["id"], in) })
	default:
		status, data := s.write(path["id"], in)
		answer(w, status, data, nil)
	}
}

func answer(w http.ResponseWriter, status int, data, additional any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"success": status < 300, "data": data, "additional_data": additional})
}

// meet writes, unless a fault comes between. It is called with mu held, and lets
// it go while it stalls.
func (s *Server) meet(w http.ResponseWriter, r *http.Request, faults *[]crmtest.Fault, write func() (int, any)) {
	var f crmtest.Fault
	if len(*faults) > 0 {
		f, *faults = (*faults)[0], (*faults)[1:]
	}
	status, data := http.StatusOK, any(nil)
	if f == (crmtest.Fault{}) || f.Keep {
		status, data = write()
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
		answer(w, status, data, nil)
	}
}

func (s *Server) write(id string, in map[string]any) (int, any) {
	if id != "" {
		i, _ := strconv.Atoi(id)
		if i > len(s.activities) {
			return http.StatusNotFound, nil
		}
		maps.Copy(s.activities[i-1], in)
		return http.StatusOK, s.activities[i-1]
	}
	in["id"] = len(s.activities) + 1
	s.activities = append(s.activities, in)
	return http.StatusOK, in
}

func (s *Server) createLog(in map[string]any) (int, any) {
	in["id"] = fmt.Sprintf("%032x", len(s.logs)+1)
	s.logs = append(s.logs, in)
	return http.StatusOK, in
}

// OtherLog is a call log that something else makes.
func (s *Server) OtherLog(activity int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.createLog(map[string]any{"activity_id": activity})
}

func (s *Server) addRecording(w http.ResponseWriter, id string, raw []byte) {
	if s.recordings[id] != "" {
		answer(w, http.StatusConflict, nil, nil)
		return
	}
	s.recordings[id] = string(raw)
	answer(w, http.StatusOK, nil, nil)
}

// perPage is less than is asked for, as a server may do.
const perPage = 40

// list answers a page, with the cursor of the next.
func list(w http.ResponseWriter, r *http.Request, all []map[string]any) {
	from, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Query().Get("cursor"), "c"))
	to := min(from+perPage, len(all))
	var next any
	if to < len(all) {
		next = fmt.Sprintf("c%d", to)
	}
	answer(w, http.StatusOK, append([]map[string]any{}, all[from:to]...), map[string]any{"next_cursor": next})
}

func (s *Server) listLogs(w http.ResponseWriter, r *http.Request) {
	newest := slices.Clone(s.logs)
	slices.Reverse(newest)
	start, _ := strconv.Atoi(r.URL.Query().Get("start"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	start = min(start, len(newest))
	to := min(start+limit, len(newest))
	answer(w, http.StatusOK, append([]map[string]any{}, newest[start:to]...), map[string]any{
		"pagination": map[string]any{"start": start, "limit": limit, "more_items_in_collection": to < len(newest)},
	})
}

func (s *Server) search(w http.ResponseWriter, term string) {
	items := []any{}
	for _, p := range s.persons {
		phones := []string{}
		for _, v := range p["phones"].([]any) {
			phones = append(phones, v.(map[string]any)["value"].(string))
		}
		if slices.ContainsFunc(phones, func(v string) bool { return strings.Contains(v, term) }) {
			items = append(items, map[string]any{"result_score": 0.5, "item": map[string]any{"id": p["id"], "name": p["name"], "phones": phones}})
		}
	}
	answer(w, http.StatusOK, map[string]any{"items": items}, map[string]any{"next_cursor": nil})
}

// Searches implements crmtest.Searched.
func (s *Server) Searches() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.searches
}
