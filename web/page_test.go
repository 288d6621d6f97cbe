package web

import (
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"
)

func TestPageFiles(t *testing.T) {
	f := newFixture(t)
	for file, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/app.js": "text/javascript; charset=utf-8",
		"/style.css": "text/css; charset=utf-8", "/mark.svg": "image/svg+xml",
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

// eachSource calls do with every file of the page.
func eachSource(t *testing.T, do func(name, text string)) {
	t.Helper()
	err := fs.WalkDir(ui, "ui", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := ui.ReadFile(name)
		do(name, string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPageKeepsThePolicy looks for what the content policy would block, and
// for what would read data as HTML.
func TestPageKeepsThePolicy(t *testing.T) {
	banned := map[string]*regexp.Regexp{
		".html": regexp.MustCompile(`(?i)<script(?:\s[^>]*)?>[^<]+|<style|\sstyle=|\son\w+=|https?:|(?:src|href)="/`),
		".js":   regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|https?://|DOMParser`),
		".css":  regexp.MustCompile(`(?i)@import|url\(`),
	}
	eachSource(t, func(name, text string) {
		if re := banned[path.Ext(name)]; re != nil {
			if found := re.FindString(text); found != "" {
				t.Errorf("%s has %q", name, found)
			}
		}
	})
}

func TestPageImportsExist(t *testing.T) {
	f := newFixture(t)
	imports := regexp.MustCompile(`from '\./([^']+)'`)
	found := 0
	eachSource(t, func(name, text string) {
		for _, m := range imports.FindAllStringSubmatch(text, -1) {
			found++
			if answer, _ := f.do(t, http.MethodGet, "/"+m[1]); answer.StatusCode != http.StatusOK {
				t.Errorf("%s imports %s: %s", name, m[1], answer.Status)
			}
		}
	})
	if found == 0 {
		t.Error("no imports found")
	}
}

// TestPageKnowsEveryEvent keeps the list in live.js complete.
func TestPageKnowsEveryEvent(t *testing.T) {
	text, err := ui.ReadFile("ui/live.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range everyEvent() {
		if !strings.Contains(string(text), "'"+e+"'") {
			t.Errorf("live.js does not listen for %s", e)
		}
	}
}
