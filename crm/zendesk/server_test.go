package zendesk_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"earshot"
	"earshot/crm/crmtest"
)

const secret = "0123456789abcdef"

// server behaves as Zendesk documents it, and takes nothing else.
type server struct {
	api *crmtest.API

	mu       sync.Mutex
	searches int
	shown    []string        // "agent user"
	faults   []crmtest.Fault // met by tickets that are made or changed, but for tasks
	tickets  []map[string]any
	comments map[int][]map[string]any
	users    []map[string]any
	keys     map[string]sent // Idempotency-Key
	problems []string
}

// sent is a request that was answered under a key.
type sent struct {
	body string
	id   int
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{comments: map[int][]map[string]any{}, keys: map[string]sent{}}
	s.api = crmtest.OpenAPI(t, "testdata/openapi.yaml", signedIn)
	return s
}

func signedIn(r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	return ok && user == "agent@acme.example/token" && password == secret
}

func (s *server) Fail(faults ...crmtest.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

var revision = regexp.MustCompile(`(?m)^Revision \d+\.$`)

// Notes returns the tickets that are no tasks, each with its newest revision,
// and once more for a comment that is there twice.
func (s *server) Notes() []earshot.Note {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []earshot.Note
	for i := range s.tickets {
		seen := map[string]bool{}
		var n earshot.Note
		for _, c := range s.comments[i+1] {
			text := revision.FindString(c["plain_body"].(string))
			if seen[text] {
				out = append(out, earshot.Note{Summary: earshot.Summary{Text: text}})
			}
			seen[text] = true
			n.Summary.Text = text
		}
		out = append(out, n)
	}
	return out
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, path, err := s.api.Check(r)
	raw, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.problems = append(s.problems, err.Error())
	}
	id, _ := strconv.Atoi(path["id"])
	switch {
	case errors.Is(err, crmtest.ErrUnauthorized):
		w.WriteHeader(http.StatusUnauthorized)
	case err != nil:
		w.WriteHeader(http.StatusUnprocessableEntity)
	case operation == "me":
		user := map[string]any{"id": nil, "name": "Anonymous user"}
		if signedIn(r) {
			user = map[string]any{"id": 7, "name": "Earshot", "role": "agent"}
		}
		answer(w, http.StatusOK, map[string]any{"user": user})
	case operation == "findTickets":
		answer(w, http.StatusOK, map[string]any{"tickets": only(s.tickets, "external_id", r.URL.Query().Get("external_id"))})
	case operation == "listComments":
		answer(w, http.StatusOK, map[string]any{"comments": s.comments[id]})
	case operation == "show":
		if len(only(s.users, "id", number(path["user"]))) == 0 {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		s.shown = append(s.shown, path["agent"]+" "+path["user"])
		w.WriteHeader(http.StatusOK)
	case operation == "findUsers":
		s.searches++
		answer(w, http.StatusOK, map[string]any{"users": only(s.users, "phone", strings.Trim(strings.TrimPrefix(r.URL.Query().Get("query"), "phone:"), `"`))})
	case operation == "putUser":
		s.putUser(w, raw)
	default:
		s.write(w, r, id, raw)
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func only(list []map[string]any, key string, value any) []map[string]any {
	out := []map[string]any{}
	for _, v := range list {
		if v[key] == value {
			out = append(out, v)
		}
	}
	return out
}

func (s *server) putUser(w http.ResponseWriter, raw []byte) {
	var in struct{ User map[string]any }
	_ = json.Unmarshal(raw, &in)
	have := only(s.users, "external_id", fmt.Sprint(in.User["external_id"]))
	if len(have) == 0 {
		in.User["id"] = len(s.users) + 1
		s.users, have = append(s.users, in.User), []map[string]any{in.User}
	}
	answer(w, http.StatusCreated, map[string]any{"user": have[0]})
}

// write makes a ticket, or changes the one with an ID that is not 0.
func (s *server) write(w http.ResponseWriter, r *http.Request, id int, raw []byte) {
	var in struct{ Ticket map[string]any }
	_ = json.Unmarshal(raw, &in)
	var f crmtest.Fault
	if len(s.faults) > 0 && in.Ticket["type"] != "task" {
		f, s.faults = s.faults[0], s.faults[1:]
	}
	status := http.StatusOK
	if f == (crmtest.Fault{}) || f.Keep {
		id, status = s.store(id, in.Ticket, r.Header.Get("Idempotency-Key"), string(raw))
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
		_, _ = io.WriteString(w, f.Body)
	default:
		answer(w, status, map[string]any{"ticket": map[string]any{"id": id}})
	}
}

func (s *server) store(id int, t map[string]any, key, body string) (int, int) {
	if before, again := s.keys[key]; again && key != "" {
		if before.body != body {
			return 0, http.StatusBadRequest // IdempotentRequestError
		}
		return before.id, http.StatusOK
	}
	if id == 0 {
		s.tickets = append(s.tickets, t)
		id = len(s.tickets)
		t["id"] = id
		s.keys[key] = sent{body, id}
	} else if id > len(s.tickets) {
		return 0, http.StatusNotFound
	}
	if c, ok := t["comment"].(map[string]any); ok {
		s.comments[id] = append(s.comments[id], map[string]any{"plain_body": c["body"], "public": c["public"]})
	}
	if v, ok := t["voice_comment"].(map[string]any); ok {
		s.comments[id] = append(s.comments[id], map[string]any{"plain_body": "Call from " + v["from"].(string), "data": v})
	}
	return id, http.StatusCreated
}

// Searches implements crmtest.Searched.
func (s *server) Searches() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.searches
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
