package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"earshot/cmd/earshot/config"
)

func TestDirectoryImport(t *testing.T) {
	dir := t.TempDir()
	cfg := config.Default()
	cfg.Data.Dir = dir
	var out bytes.Buffer
	e := &env{ctx: t.Context(), stdout: &out, stderr: &out, load: func() (config.Config, error) { return cfg, nil }}
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	list := func() string {
		t.Helper()
		out.Reset()
		if err := (directoryListCmd{}).Run(e); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if err := (directoryImportCmd{File: file("a.csv", "id,name,extensions\nmira,Mira Holt,2001\n")}).Run(e); err != nil {
		t.Fatal(err)
	}
	if err := (directoryImportCmd{File: file("b.yaml", "queues: [{id: support, numbers: ['+15550199']}]\n")}).Run(e); err != nil {
		t.Fatal(err)
	}
	if text := list(); !strings.Contains(text, "Mira Holt") || !strings.Contains(text, "support") || !strings.Contains(text, "1 agents, 0 teams, 1 queues") {
		t.Errorf("listed %s", text)
	}
	before := list()
	for _, tc := range []struct {
		name, text, want string
		replace          bool
	}{
		{"c.csv", "id,extensions\njon,2001\n", "extension 2001 is mira's", false},
		{"d.csv", "id,extensions\njon,desk\n", "d.csv:2:", true},
		{"e.yaml", "", "nobody would be left", true},
	} {
		err := directoryImportCmd{File: file(tc.name, tc.text), Replace: tc.replace}.Run(e)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", tc.name, err, tc.want)
		}
	}
	if after := list(); after != before {
		t.Errorf("refused imports changed\n%sto\n%s", before, after)
	}
	if err := (directoryImportCmd{File: file("f.csv", "id\njon\n"), Replace: true}).Run(e); err != nil {
		t.Fatal(err)
	}
	if text := list(); !strings.Contains(text, "1 agents, 0 teams, 0 queues") || strings.Contains(text, "mira") {
		t.Errorf("after a replacing import: %s", text)
	}
	cfg.Directory.File = file("g.csv", "id\na\na\n")
	if err := (directoryImportCmd{File: file("h.csv", "id\njon\n")}).Run(e); err == nil || !strings.Contains(err.Error(), "directory.file") {
		t.Errorf("imported beside directory.file: %v", err)
	}
	if f := checkDirectory(cfg.Directory.File); !strings.Contains(f.problem, "g.csv:3:") {
		t.Errorf("doctor finds %+v", f)
	}
}
