package web

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
)

func readSpec(t *testing.T, f *fixture) map[string]any {
	t.Helper()
	answer, body := f.do(t, http.MethodGet, "/openapi.json")
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s %q", answer.Status, answer.Header.Get("Content-Type"))
	}
	var doc map[string]any
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestSpecListsEveryRoute(t *testing.T) {
	f := newFixture(t)
	doc := readSpec(t, f)
	paths := doc["paths"].(map[string]any)
	want := map[string]bool{}
	err := chi.Walk(f.Handler().(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if strings.HasPrefix(route, "/api/") || strings.HasSuffix(route, "z") || route == "/metrics" {
			want[strings.ToLower(method)+" "+route] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []string{
		"get /api/v1/calls", "get /api/v1/calls/{id}", "get /api/v1/calls/{id}/transcript",
		"get /api/v1/calls/{id}/suggestions", "get /api/v1/calls/{id}/audio", "get /api/v1/calls/{id}/peaks", "get /api/v1/calls/{id}/notes",
		"get /api/v1/calls/{id}/metadata",
		"get /api/v1/calls/{id}/events", "get /api/v1/events", "get /api/v1/search", "get /api/v1/jobs",
		"get /api/v1/calls/{id}/sip", "get /api/v1/calls/{id}/capture", "get /api/v1/sip/refused",
		"post /api/v1/calls/{id}/pause", "post /api/v1/calls/{id}/resume",
		"post /api/v1/jobs/{id}/replay", "post /api/v1/jobs/replay", "get /metrics", "get /livez", "get /readyz",
	} {
		if !want[r] {
			t.Errorf("there is no route %s", r)
		}
	}
	for r := range want {
		method, path, _ := strings.Cut(r, " ")
		item, _ := paths[path].(map[string]any)
		if _, ok := item[method]; !ok {
			t.Errorf("%s is not described", r)
		}
	}
}

// TestSpecIsSound checks what OpenAPI 3.1 demands beyond JSON.
func TestSpecIsSound(t *testing.T) {
	doc := readSpec(t, newFixture(t))
	if v, _ := doc["openapi"].(string); !strings.HasPrefix(v, "3.1.") {
		t.Errorf("version %q", v)
	}
	info := doc["info"].(map[string]any)
	if info["title"] != "Earshot" || info["version"] != "dev" {
		t.Errorf("info %v", info)
	}
	seen := map[any]bool{}
	placeholder := regexp.MustCompile(`\{(\w+)\}`)
	for path, item := range doc["paths"].(map[string]any) {
		for method, v := range item.(map[string]any) {
			op := v.(map[string]any)
			if id := op["operationId"]; id == nil || seen[id] {
				t.Errorf("%s %s: operation ID %v is missing or not unique", method, path, id)
			}
			seen[op["operationId"]] = true
			declared := map[any]bool{}
			params, _ := op["parameters"].([]any)
			for _, p := range params {
				p := p.(map[string]any)
				declared[p["name"]] = true
				if p["in"] == "path" && p["required"] != true {
					t.Errorf("%s %s: path parameter %v is not required", method, path, p["name"])
				}
			}
			for _, name := range placeholder.FindAllStringSubmatch(path, -1) {
				if !declared[name[1]] {
					t.Errorf("%s %s: parameter %s is not declared", method, path, name[1])
				}
			}
			for code, r := range op["responses"].(map[string]any) {
				if r.(map[string]any)["description"] == nil {
					t.Errorf("%s %s: answer %s has no description", method, path, code)
				}
			}
		}
	}
	checkRefs(t, doc, doc)
}

// checkRefs asserts that every $ref points at something.
func checkRefs(t *testing.T, doc map[string]any, at any) {
	t.Helper()
	switch at := at.(type) {
	case []any:
		for _, v := range at {
			checkRefs(t, doc, v)
		}
	case map[string]any:
		if ref, ok := at["$ref"].(string); ok {
			var target any = doc
			for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
				m, _ := target.(map[string]any)
				target = m[step]
			}
			if target == nil {
				t.Errorf("%s points nowhere", ref)
			}
		}
		for _, v := range at {
			checkRefs(t, doc, v)
		}
	}
}

func TestSpecServers(t *testing.T) {
	doc := readSpec(t, newFixture(t, func(c *Config, _ *Deps) { c.PublicURL = "https://ear.example.com/shot" }))
	servers, _ := doc["servers"].([]any)
	if len(servers) != 1 || servers[0].(map[string]any)["url"] != "https://ear.example.com/shot" {
		t.Errorf("servers %v", servers)
	}
}
