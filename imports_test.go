package earshot_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// module is the path of this module.
const module = "earshot"

// libraries says who may import what: the folders, with all below them, that
// see the packages under a path. What is not listed is free to all.
var libraries = map[string][]string{
	"github.com/emiago/sipgo":           {"siprec"},
	"github.com/pion/sdp":               {"siprec"},
	"github.com/pion/rtp":               {"media"},
	"github.com/pion/rtcp":              {"media"},
	"github.com/pion/srtp":              {"media/srtp"},
	"github.com/pion/dtls":              {"media/srtp"},
	"github.com/hraban/opus":            {"media"},
	"github.com/ebitengine/purego":      {"media"},
	"github.com/yalue/onnxruntime_go":   {"transcribe/onnx"},
	"github.com/sashabaranov/go-openai": {"llm", "transcribe/openai"},
	"github.com/ThreeDotsLabs":          {"pipeline"},
	"github.com/nats-io":                {"pipeline"},
	"modernc.org/sqlite":                {"store/sqlite"},
	"github.com/nyaruka/phonenumbers":   {"crm/phone"},
	"github.com/danielgtaylor/huma":     {"web"},
	"github.com/go-chi/chi":             {"web"},
	"github.com/coreos/go-oidc":         {"web/oidc"},
	"golang.org/x/oauth2":               {"web/oidc"},
	"github.com/knadh/koanf":            {"cmd"},
	"github.com/alecthomas/kong":        {"cmd"},
}

// shared are the folders that others may import beside the root, and who may.
// They import no folder themselves.
var shared = map[string][]string{
	"spoken": {"assist", "measure", "summarize", "transcribe"},
}

// joins are the folders that may import every other.
var joins = []string{"cmd", "e2e", "eval"}

// goPackage is what go list tells of a package.
type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

// TestImports keeps the import rules of docs/architecture.md.
func TestImports(t *testing.T) {
	packages := list(t)
	standard := map[string]bool{"C": true, "unsafe": true}
	for _, p := range packages {
		standard[p.ImportPath] = p.Standard
	}
	own := 0
	for _, p := range packages {
		if p.ImportPath != module && !strings.HasPrefix(p.ImportPath, module+"/") {
			continue
		}
		own++
		for _, path := range p.Imports {
			if err := check(p.ImportPath, path, standard[path]); err != nil {
				t.Error(err)
			}
		}
	}
	if own < 2 {
		t.Errorf("go list shows %d packages of the module", own)
	}
}

// list returns the packages of the module and all they depend on.
func list(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Imports", "./...")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var packages []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// check returns what is wrong with one import, or nil.
func check(importer, path string, standard bool) error {
	if standard || path == module {
		return nil
	}
	from := strings.TrimPrefix(strings.TrimPrefix(importer, module), "/")
	if to, ok := strings.CutPrefix(path, module+"/"); ok {
		return checkFolder(from, to)
	}
	if from == "" {
		return fmt.Errorf("the root package imports %s, but may import only the standard library", path)
	}
	for library, folders := range libraries {
		if within(path, library) && !slices.ContainsFunc(folders, func(f string) bool { return within(from, f) }) {
			return fmt.Errorf("%s imports %s, which only %s may see", from, path, strings.Join(folders, " and "))
		}
	}
	return nil
}

// checkFolder checks an import from one folder of the module to another.
func checkFolder(from, to string) error {
	a, b := top(from), top(to)
	switch {
	case from == "":
		return fmt.Errorf("the root package imports %s, but may import only the standard library", to)
	case a == b, slices.Contains(joins, a), slices.Contains(shared[b], a):
		return nil
	}
	return fmt.Errorf("%s imports its sibling %s; declare an interface and let cmd join them", from, to)
}

// top returns the first folder of a path.
func top(folder string) string {
	folder, _, _ = strings.Cut(folder, "/")
	return folder
}

// within reports whether path is dir or below it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir+"/")
}

func TestImportRules(t *testing.T) {
	tests := []struct {
		importer, path string
		allowed        bool
	}{
		{"earshot", "earshot/media", false},
		{"earshot", "github.com/google/uuid", false},
		{"earshot/media/jitter", "earshot", true},
		{"earshot/media", "earshot/media/jitter", true},
		{"earshot/siprec", "earshot/media", false},
		{"earshot/siprec", "github.com/emiago/sipgo/sip", true},
		{"earshot/siprec", "github.com/emiago/sipgone", true},
		{"earshot/web", "github.com/emiago/sipgo", false},
		{"earshot/media", "github.com/pion/rtp", true},
		{"earshot/siprec", "github.com/pion/rtp", false},
		{"earshot/transcribe/onnx", "github.com/yalue/onnxruntime_go", true},
		{"earshot/transcribe", "github.com/yalue/onnxruntime_go", false},
		{"earshot/store", "modernc.org/sqlite", false},
		{"earshot/store/sqlite", "modernc.org/sqlite/lib", true},
		{"earshot/calls", "github.com/nats-io/nats.go", false},
		{"earshot/assist", "earshot/spoken", true},
		{"earshot/web", "earshot/spoken", false},
		{"earshot/spoken", "earshot/assist", false},
		{"earshot/cmd/earshot/app", "earshot/siprec", true},
		{"earshot/cmd/earshot/app", "github.com/emiago/sipgo", false},
		{"earshot/e2e", "earshot/transcribe/wer", true},
	}
	for _, tt := range tests {
		if err := check(tt.importer, tt.path, false); (err == nil) != tt.allowed {
			t.Errorf("%s imports %s: got %v, want allowed %t", tt.importer, tt.path, err, tt.allowed)
		}
	}
	if err := check("earshot", "time", true); err != nil {
		t.Error(err)
	}
}
