package main

import (
	"errors"
	"fmt"
	"strings"

	"earshot"
	"earshot/directory"
)

type directoryCmd struct {
	List   directoryListCmd   `cmd:"" default:"withargs" help:"Show agents, teams and queues."`
	Import directoryImportCmd `cmd:"" help:"Take over agents, teams and queues from a YAML or CSV file."`
}

type directoryListCmd struct{}

// Run prints a line for each entry.
func (directoryListCmd) Run(e *env) error {
	store, _, err := e.reader()
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	d, err := store.Directory(e.ctx)
	if err != nil {
		return err
	}
	for _, t := range d.Teams {
		fmt.Fprintf(e.stdout, "team   %-16s %s\n", t.ID, t.Name)
	}
	for _, a := range d.Agents {
		fmt.Fprintf(e.stdout, "agent  %-16s %-24s %-12s %s\n", a.ID, a.Name, a.Team, strings.Join(append(a.Extensions, a.AORs...), " "))
	}
	for _, q := range d.Queues {
		fmt.Fprintf(e.stdout, "queue  %-16s %-24s %s\n", q.ID, q.Name, strings.Join(q.Numbers, " "))
	}
	fmt.Fprintln(e.stdout, counted(d))
	return nil
}

func counted(d earshot.Directory) string {
	return fmt.Sprintf("%d agents, %d teams, %d queues", len(d.Agents), len(d.Teams), len(d.Queues))
}

type directoryImportCmd struct {
	File    string `arg:"" type:"existingfile" help:"File of agents, teams and queues: .yaml or .csv."`
	Replace bool   `help:"Remove whoever is not in the file."`
}

// Run takes over all entries of the file or, when one can't be used, none. A
// server that is up knows them within seconds.
func (c directoryImportCmd) Run(e *env) error {
	cfg, err := e.load()
	if err != nil {
		return err
	}
	if cfg.Directory.File != "" {
		return fmt.Errorf("the directory is that of directory.file (%s): change it there", cfg.Directory.File)
	}
	entries, err := readEntries(c.File, c.Replace)
	if err != nil {
		return err
	}
	store, err := e.writer()
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	if !c.Replace {
		have, err := store.Directory(e.ctx)
		if err != nil {
			return err
		}
		if err := have.Merge(entries).Check(); err != nil {
			return fmt.Errorf("import %s: with what is there: %w", c.File, err)
		}
	}
	if err := store.SaveDirectory(e.ctx, entries, c.Replace); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "imported %s from %s\n", counted(entries), c.File)
	return nil
}

func readEntries(file string, replace bool) (earshot.Directory, error) {
	d, err := directory.ReadFile(file)
	if err == nil && replace && len(d.Agents)+len(d.Teams)+len(d.Queues) == 0 {
		return d, errors.New("import " + file + ": it is empty, and nobody would be left")
	}
	return d, err
}

func checkDirectory(file string) finding {
	f := finding{what: "directory", remedy: "mend directory.file: until then what was known stays"}
	d, err := directory.ReadFile(file)
	if err != nil {
		f.problem = err.Error()
		return f
	}
	f.found = file + ": " + counted(d)
	return f
}
