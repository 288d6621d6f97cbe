package earshot_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"earshot/cmd/earshot/config"
)

// TestNotice checks that NOTICE names every module in the program.
func TestNotice(t *testing.T) {
	notice, err := os.ReadFile("NOTICE")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(notice)) {
		listed[strings.TrimSpace(line)] = true
	}
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "./cmd/earshot")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	modules := 0
	seen := map[string]bool{module: true, "": true}
	for path := range strings.Lines(string(out)) {
		path = strings.TrimSpace(path)
		if seen[path] {
			continue
		}
		seen[path] = true
		modules++
		if !listed[path] {
			t.Errorf("NOTICE does not name %s", path)
		}
	}
	if modules == 0 {
		t.Error("go list shows no module")
	}
}

// TestConfigurationPage checks that docs/configuration.md lists every setting
// with its default, and nothing else.
func TestConfigurationPage(t *testing.T) {
	page, err := os.ReadFile("docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "| `") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	for _, k := range config.Keys() {
		value := ""
		if k.Default != "" {
			value = "`" + k.Default + "`"
		}
		want = append(want, fmt.Sprintf("| `%s` | %s | %s |", k.Name, value, k.Doc))
	}
	if diff := slices.Compare(got, want); diff != 0 {
		t.Errorf("the table is not that of the settings, which is:\n%s", strings.Join(want, "\n"))
	}
}

// TestInteropPage checks that every test docs/interop.md names is there.
func TestInteropPage(t *testing.T) {
	page, err := os.ReadFile("docs/interop.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	files, err := filepath.Glob("*/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	deeper, err := filepath.Glob("*/*/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, deeper...) {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(code, -1) {
			tests[string(m[1])] = true
		}
	}
	named := regexp.MustCompile("`(Test\\w+)`").FindAllSubmatch(page, -1)
	if len(named) < 50 {
		t.Errorf("the page names %d tests", len(named))
	}
	for _, m := range named {
		if !tests[string(m[1])] {
			t.Errorf("there is no %s", m[1])
		}
	}
}
