package odoo_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"earshot"
	"earshot/crm/crmtest"
)

const key = "0123456789abcdef"

// server behaves as Odoo documents it, and takes nothing else.
type server struct {
	api     *crmtest.API
	version string

	mu       sync.Mutex
	faults   []crmtest.Fault // met by messages that are posted or changed
	records  map[string][]map[string]any
	mayNot   string
	problems []string
}

func newServer(t *testing.T, version string) *server {
	t.Helper()
	s := &server{version: version, records: map[string][]map[string]any{}}
	s.api = crmtest.OpenAPI(t, "testdata/openapi.yaml", func(r *http.Request) bool {
		return r.Header.Get("Authorization") == "bearer "+key && r.Header.Get("X-Odoo-Database") == "acme"
	})
	return s
}

func (s *server) Fail(faults ...crmtest.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

var revision = regexp.MustCompile(`Revision \d+\.`)

// Notes returns the messages.
func (s *server) Notes() []earshot.Note {
	var out []earshot.Note
	for _, m := range s.all("mail.message") {
		out = append(out, earshot.Note{Summary: earshot.Summary{Text: revision.FindString(m["body"].(string))}})
	}
	return out
}

func (s *server) all(model string) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.records[model])
}

// put stores a record and returns its ID. It is held with mu.
func (s *server) put(model string, values map[string]any) int {
	values["id"] = len(s.records[model]) + 1
	s.records[model] = append(s.records[model], values)
	return len(s.records[model])
}

// exception is how Odoo refuses.
type exception struct {
	name   string
	status int
	page   string // instead of JSON
}

func (e *exception) Error() string { return e.name }

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/jsonrpc" {
		s.rpc(w, r)
		return
	}
	out, err := s.call(w, r)
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(err.status)
		if err.page != "" {
			_, _ = io.WriteString(w, err.page)
			return
		}
		fmt.Fprintf(w, `{"name":%q,"message":"no: %s"}`, err.name, "secret text")
		return
	}
	_ = json.NewEncoder(w).Encode(out)
}

// rpc sends a call through JSON-2, and reports errors with status 200.
func (s *server) rpc(w http.ResponseWriter, r *http.Request) {
	if _, _, err := s.api.Check(r); err != nil {
		s.problem(err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var body struct {
		Params struct {
			Method string
			Args   []json.RawMessage
		}
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	var out any
	var err *exception
	switch p := body.Params; p.Method {
	case "version":
		out = map[string]string{"server_serie": s.version}
	case "authenticate":
		out = 7
		if string(p.Args[0]) != `"acme"` || string(p.Args[1]) != `"earshot"` || string(p.Args[2]) != `"`+key+`"` {
			out = false
		}
	default:
		if len(p.Args) != 7 || string(p.Args[1]) != "7" || string(p.Args[2]) != `"`+key+`"` {
			err = &exception{name: "odoo.exceptions.AccessDenied", status: 0}
			break
		}
		out, err = s.call(w, s.asJSON2(r, p.Args))
	}
	answer := map[string]any{"jsonrpc": "2.0", "id": 1, "result": out}
	if err != nil {
		answer = map[string]any{"jsonrpc": "2.0", "id": 1, "error": map[string]any{
			"code": 200, "message": "Odoo Server Error", "data": map[string]any{"name": err.name, "message": "secret text"},
		}}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// asJSON2 makes a call of execute_kw a request of JSON-2.
func (s *server) asJSON2(r *http.Request, args []json.RawMessage) *http.Request {
	var model, method string
	var positional [][]int
	named := map[string]any{}
	_ = json.Unmarshal(args[3], &model)
	_ = json.Unmarshal(args[4], &method)
	_ = json.Unmarshal(args[5], &positional)
	_ = json.Unmarshal(args[6], &named)
	if len(positional) > 0 {
		named["ids"] = positional[0]
	}
	if _, marked := named["body_is_html"]; marked && s.version < "17" {
		named["unexpected"] = true // Odoo does not know it
	}
	raw, _ := json.Marshal(named)
	out := httptest.NewRequestWithContext(r.Context(), http.MethodPost, "/json/2/"+model+"/"+method, bytes.NewReader(raw))
	out.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"bearer " + key}, "X-Odoo-Database": {"acme"}}
	return out
}

func (s *server) problem(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, err.Error())
}

// call answers one request of JSON-2, or meets a fault.
func (s *server) call(w http.ResponseWriter, r *http.Request) (any, *exception) {
	operation, _, err := s.api.Check(r)
	if errors.Is(err, crmtest.ErrUnauthorized) {
		return nil, &exception{name: "werkzeug.exceptions.Unauthorized", status: http.StatusUnauthorized}
	}
	if err != nil {
		s.problem(err)
		return nil, &exception{name: "builtins.TypeError", status: http.StatusUnprocessableEntity}
	}
	raw, _ := io.ReadAll(r.Body)
	body := map[string]any{}
	_ = json.Unmarshal(raw, &body)
	kind, model, _ := strings.Cut(operation, " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	var f crmtest.Fault
	if len(s.faults) > 0 && (kind == "post" || kind == "write") {
		f, s.faults = s.faults[0], s.faults[1:]
	}
	var out any
	var refused *exception
	if f == (crmtest.Fault{}) || f.Keep {
		out, refused = s.do(kind, model, body)
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
		return nil, &exception{"fault", f.Status, f.Body}
	}
	return out, refused
}

func (s *server) do(kind, model string, body map[string]any) (any, *exception) {
	switch kind {
	case "search":
		return s.search(model, body["domain"].([]any)), nil
	case "create":
		return []int{s.put("res.partner", body["vals_list"].([]any)[0].(map[string]any))}, nil
	case "context":
		return map[string]any{"lang": "en_US"}, nil
	case "may":
		model, _, _ = strings.Cut(model, " ")
		return s.mayNot != model+" "+body["operation"].(string), nil
	case "write":
		i := int(body["ids"].([]any)[0].(float64)) - 1
		if i >= len(s.records["mail.message"]) {
			return nil, &exception{name: "odoo.exceptions.MissingError", status: http.StatusNotFound}
		}
		maps.Copy(s.records["mail.message"][i], body["vals"].(map[string]any))
		return true, nil
	}
	id := int(body["ids"].([]any)[0].(float64))
	if id > len(s.records["res.partner"]) {
		return nil, &exception{name: "odoo.exceptions.MissingError", status: http.StatusNotFound}
	}
	delete(body, "ids")
	if kind == "schedule" {
		body["res_model"], body["res_id"] = "res.partner", id
		return []int{s.put("mail.activity", body)}, nil
	}
	if s.version >= "17" && body["body_is_html"] != true {
		body["body"] = "<p>" + html.EscapeString(body["body"].(string)) + "</p>"
	}
	body["model"], body["res_id"] = "res.partner", id
	return []int{s.put("mail.message", body)}, nil
}

func (s *server) search(model string, domain []any) []map[string]any {
	list := []map[string]any{}
	for _, r := range s.records[model] {
		if !slices.ContainsFunc(domain, func(c any) bool { return !holds(r, c.([]any)) }) {
			list = append(list, r)
		}
	}
	return list
}

func holds(r map[string]any, c []any) bool {
	have := fmt.Sprint(r[c[0].(string)])
	want := fmt.Sprint(c[2])
	switch c[1] {
	case "=":
		return have == want
	case "=like":
		return strings.HasSuffix(have, strings.TrimPrefix(want, "%"))
	default: // ilike
		return strings.Contains(strings.ToLower(have), strings.ToLower(want))
	}
}
