package models

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func installed(t testing.TB) string {
	t.Helper()
	dir, err := Find("")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestInstalledModelsAreWhole(t *testing.T) {
	if err := Verify(installed(t)); err != nil {
		t.Fatal(err)
	}
}

// copyOf links the installed files into a folder of the test's own.
func copyOf(t *testing.T) string {
	t.Helper()
	from, to := installed(t), t.TempDir()
	for _, f := range files() {
		if err := os.Symlink(filepath.Join(from, f.name), filepath.Join(to, f.name)); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func TestVerifyNamesEveryBadFile(t *testing.T) {
	dir := copyOf(t)
	raw, err := Read(dir, Encoder)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, dir, Encoder, raw[:len(raw)/2])
	flipped := slices.Clone(raw)
	flipped[len(flipped)/2] ^= 1
	if err := os.Remove(filepath.Join(dir, Tokens)); err != nil {
		t.Fatal(err)
	}
	err = Verify(dir)
	if !errors.Is(err, ErrDamaged) || !errors.Is(err, ErrMissing) {
		t.Fatalf("Verify = %v", err)
	}
	for _, part := range []string{Encoder, Tokens, "make setup"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %s", err, part)
		}
	}
	if strings.Contains(err.Error(), Decoder) {
		t.Errorf("%q names a good file", err)
	}
	replace(t, dir, Encoder, flipped)
	if _, err := Read(dir, Encoder); !errors.Is(err, ErrDamaged) {
		t.Errorf("Read of a file with one wrong bit = %v", err)
	}
	if _, err := Path(dir, Encoder); !errors.Is(err, ErrDamaged) {
		t.Errorf("Path of a file with one wrong bit = %v", err)
	}
	if _, err := Path(dir, Tokens); !errors.Is(err, ErrMissing) {
		t.Errorf("Path of a missing file = %v", err)
	}
}

func replace(t *testing.T, dir, name string, raw []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestInstallMendsAndRepeats(t *testing.T) {
	modules := filepath.Join(installed(t), "..", "node_modules")
	if _, err := os.Stat(modules); err != nil {
		t.Fatalf("%v: run `make setup`", err)
	}
	to := filepath.Join(t.TempDir(), "dist")
	log := slog.New(slog.DiscardHandler)
	if err := Install(modules, to, log); err != nil {
		t.Fatal(err)
	}
	replace(t, to, VAD, []byte("half"))
	if err := Install(modules, to, log); err != nil {
		t.Fatal(err)
	}
	if err := Verify(to); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(to, ".install-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestInstallSaysWhatPackageIsMissing(t *testing.T) {
	err := Install(t.TempDir(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "npm ci") {
		t.Fatalf("Install = %v", err)
	}
}

func TestFindConfiguredOnly(t *testing.T) {
	dir := t.TempDir()
	if got, err := Find(dir); err != nil || got != dir {
		t.Errorf("Find = %q, %v", got, err)
	}
	if _, err := Find(filepath.Join(dir, "none")); !errors.Is(err, ErrMissing) {
		t.Errorf("Find of no folder = %v", err)
	}
}

func TestFindInWorkingDirectoryFirst(t *testing.T) {
	wd := t.TempDir()
	t.Chdir(wd)
	want := filepath.Join(wd, "models", "dist")
	if err := os.MkdirAll(want, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := Find(""); err != nil || got != want {
		t.Errorf("Find = %q, %v, want %q", got, err, want)
	}
}

// The lock file must name only what is needed: the packages' own dependencies
// (browser runtimes, image codecs) are left out of it on purpose.
func TestLockFileIsLean(t *testing.T) {
	raw, err := os.ReadFile("../../models/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct {
			Integrity    string
			Resolved     string
			Dependencies map[string]string
		}
	}
	if err := json.Unmarshal(raw, &lock); err != nil {
		t.Fatal(err)
	}
	if n := len(lock.Packages); n != 5 {
		t.Errorf("%d entries, want the root and 4 packages", n)
	}
	for name, p := range lock.Packages {
		if name == "" {
			continue
		}
		if p.Integrity == "" || p.Resolved != "" || len(p.Dependencies) > 0 {
			t.Errorf("%s: integrity %q, resolved %q, dependencies %v", name, p.Integrity, p.Resolved, p.Dependencies)
		}
	}
}

func FuzzExtractTokens(f *testing.F) {
	whole := "<unk>\n<s>\n</s>\n<0x00>" + strings.Repeat("\nx", TokenCount-4)
	f.Add([]byte(`var a="` + base64.StdEncoding.EncodeToString([]byte(whole)) + `",b=1`))
	f.Add([]byte(tokensStart + `"`))
	f.Add([]byte(tokensStart + `?"`))
	f.Add([]byte(tokensStart))
	f.Add([]byte("no tokens"))
	f.Fuzz(func(t *testing.T, js []byte) {
		text, err := extractTokens(js)
		if err == nil && bytes.Count(text, []byte("\n"))+1 != TokenCount {
			t.Errorf("%d tokens", bytes.Count(text, []byte("\n"))+1)
		}
	})
}
