package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// maxPageWeight is what all files of the page may weigh, compressed.
const maxPageWeight = 150_000

func TestPageFiles(t *testing.T) {
	f := newFixture(t)
	for file, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/app.js": "text/javascript; charset=utf-8",
		"/index.css": "text/css; charset=utf-8", "/mark.svg": "image/svg+xml",
	} {
		answer, body := f.do(t, http.MethodGet, file)
		if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != kind || len(body) == 0 {
			t.Errorf("%s: %s %q, %d bytes", file, answer.Status, answer.Header.Get("Content-Type"), len(body))
		}
		again, _ := f.do(t, http.MethodGet, file, "If-None-Match", answer.Header.Get("ETag"))
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s is sent again unchanged: %s", file, again.Status)
		}
	}
}

// TestPageIsBuiltFromItsSources fails when a source was changed and the page not
// built again: the same sum is made by ui/vite.config.js.
func TestPageIsBuiltFromItsSources(t *testing.T) {
	var files []string
	for _, dir := range []string{"src", "public"} {
		eachFile(t, os.DirFS("ui"), dir, func(name string, _ []byte) { files = append(files, name) })
	}
	files = append(files, "index.html", "package-lock.json", "vite.config.js")
	slices.Sort(files)
	sum := sha256.New()
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join("ui", name))
		if err != nil {
			t.Fatal(err)
		}
		sum.Write([]byte(name + "\n"))
		sum.Write(text)
	}
	built, err := ui.ReadFile(uiRoot + "/sources.sha256")
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(built)) != hex.EncodeToString(sum.Sum(nil)) {
		t.Error("web/ui/dist is not that of the sources: run make ui")
	}
}

// TestPageWeight keeps the first load small.
func TestPageWeight(t *testing.T) {
	weight := 0
	eachFile(t, ui, uiRoot, func(_ string, text []byte) {
		var out bytes.Buffer
		zip := gzip.NewWriter(&out)
		_, _ = zip.Write(text)
		_ = zip.Close()
		weight += out.Len()
	})
	if weight < 10_000 || weight > maxPageWeight {
		t.Errorf("the page weighs %d bytes, want at most %d", weight, maxPageWeight)
	}
}

// eachFile calls do with every file below a folder.
func eachFile(t *testing.T, in fs.FS, dir string, do func(name string, text []byte)) {
	t.Helper()
	err := fs.WalkDir(in, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(in, name)
		do(name, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPageKeepsThePolicy looks for what the content policy would block, in what
// is served, and in the sources for what would read data as HTML.
func TestPageKeepsThePolicy(t *testing.T) {
	check := func(banned map[string]*regexp.Regexp) func(string, []byte) {
		return func(name string, text []byte) {
			if re := banned[path.Ext(name)]; re != nil {
				if found := re.Find(text); found != nil {
					t.Errorf("%s has %q", name, found)
				}
			}
		}
	}
	eachFile(t, ui, uiRoot, check(map[string]*regexp.Regexp{
		".html": regexp.MustCompile(`(?i)<script(?:\s[^>]*)?>[^<]+|<style|\sstyle=|\son\w+=|https?:|(?:src|href)="/`),
		".js":   regexp.MustCompile(`\beval\(|new Function|import\(["']https?:`),
		".css":  regexp.MustCompile(`(?i)@import|url\(`),
	}))
	data := regexp.MustCompile(`\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|https?://|\sstyle="`)
	eachFile(t, os.DirFS("ui"), "src", check(map[string]*regexp.Regexp{".ts": data, ".svelte": data}))
}

// TestPageKnowsEveryEvent keeps the list in live.ts complete.
func TestPageKnowsEveryEvent(t *testing.T) {
	text, err := os.ReadFile("ui/src/lib/live.ts")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range everyEvent() {
		if !strings.Contains(string(text), "'"+e+"'") {
			t.Errorf("live.ts does not listen for %s", e)
		}
	}
}

// TestPageTypes compares what the page takes answers for with what the API says
// they are.
func TestPageTypes(t *testing.T) {
	text, err := os.ReadFile("ui/src/lib/types.ts")
	if err != nil {
		t.Fatal(err)
	}
	schemas := readSpec(t, newFixture(t))["components"].(map[string]any)["schemas"].(map[string]any)
	declared := regexp.MustCompile(`(?s)export interface (\w+) \{\n(.*?)\n\}`).FindAllSubmatch(text, -1)
	field := regexp.MustCompile(`(?m)^  (\w+)\??:`)
	compared := 0
	for _, m := range declared {
		name := string(m[1])
		schema, ok := schemas[name].(map[string]any)
		if !ok {
			if name != "Page" && name != "Event" { // lists have a schema each, events none
				t.Errorf("the API has no %s", name)
			}
			continue
		}
		has := schema["properties"].(map[string]any)
		for _, f := range field.FindAllSubmatch(m[2], -1) {
			compared++
			if _, ok := has[string(f[1])]; !ok {
				t.Errorf("%s has no field %s", name, f[1])
			}
		}
	}
	if compared < 100 {
		t.Errorf("%d fields compared", compared)
	}
}
