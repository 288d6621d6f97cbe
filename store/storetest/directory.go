package storetest

import (
	"errors"
	"testing"

	"earshot"
)

func people() earshot.Directory {
	return earshot.Directory{
		Agents: []earshot.Agent{
			{ID: "ada", Name: "Ada Agent", Extensions: []string{"2001"}, AORs: []string{"sip:ada@example.com"}, Team: "desk"},
			{ID: "ben", Name: "Ben Agent", Extensions: []string{}, AORs: []string{}},
		},
		Teams:  []earshot.Team{{ID: "desk", Name: "Front desk"}},
		Queues: []earshot.Queue{{ID: "support", Name: "Support", Numbers: []string{"+15550199"}}},
	}
}

func testDirectory(t *testing.T, s Store) {
	ctx := t.Context()
	equal(t, "empty", must(s.Directory(ctx))(t), earshot.Directory{
		Agents: []earshot.Agent{}, Teams: []earshot.Team{}, Queues: []earshot.Queue{},
	})
	before := must(s.DirectoryRevision(ctx))(t)
	save := func(d earshot.Directory, replace bool) {
		t.Helper()
		if err := s.SaveDirectory(ctx, d, replace); err != nil {
			t.Fatal(err)
		}
	}
	want := people()
	save(earshot.Directory{Agents: want.Agents[1:]}, false) // lists come by ID, not by age
	save(earshot.Directory{Agents: want.Agents[:1], Teams: want.Teams, Queues: want.Queues}, false)
	equal(t, "directory", must(s.Directory(ctx))(t), want)
	if now := must(s.DirectoryRevision(ctx))(t); now <= before {
		t.Errorf("revision %d after %d", now, before)
	}

	save(earshot.Directory{Agents: []earshot.Agent{{ID: "ben", Name: "Benjamin"}}}, false)
	want.Agents[1].Name = "Benjamin"
	equal(t, "one is replaced, the others stay", must(s.Directory(ctx))(t), want)
	save(earshot.Directory{Teams: want.Teams}, true)
	equal(t, "all are replaced", must(s.Directory(ctx))(t), earshot.Directory{
		Agents: []earshot.Agent{}, Teams: want.Teams, Queues: []earshot.Queue{},
	})
}

func testDirectoryRefusesWhole(t *testing.T, s Store) {
	ctx := t.Context()
	if err := s.SaveDirectory(ctx, people(), true); err != nil {
		t.Fatal(err)
	}
	revision := must(s.DirectoryRevision(ctx))(t)
	for _, replace := range []bool{true, false} {
		err := s.SaveDirectory(ctx, earshot.Directory{Teams: []earshot.Team{{ID: "new"}, {Name: "no id"}}}, replace)
		var entry *earshot.DirectoryError
		var permanent *earshot.PermanentError
		if !errors.As(err, &entry) || !errors.As(err, &permanent) {
			t.Errorf("replace %t: %v, want a permanent error that names the entry", replace, err)
		}
	}
	equal(t, "directory", must(s.Directory(ctx))(t), people())
	equal(t, "revision", must(s.DirectoryRevision(ctx))(t), revision)
}
