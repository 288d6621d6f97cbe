package directory

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"

	"earshot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a store of one process.
type memory struct {
	mu       sync.Mutex
	d        earshot.Directory
	revision int64
	fail     error
}

func (m *memory) Directory(context.Context) (earshot.Directory, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.d, m.fail
}

func (m *memory) DirectoryRevision(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.revision, m.fail
}

func (m *memory) SaveDirectory(_ context.Context, d earshot.Directory, replace bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if !replace {
		d = m.d.Merge(d)
	}
	m.d, m.revision = d, m.revision+1
	return nil
}

func open(t *testing.T, cfg Config) (*Directory, *memory, *bytes.Buffer) {
	t.Helper()
	store, log := &memory{}, &bytes.Buffer{}
	d := New(cfg, store, slog.New(slog.NewTextHandler(log, nil)))
	if err := d.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d, store, log
}

func failures(t *testing.T, d *Directory) float64 {
	t.Helper()
	var m dto.Metric
	if err := d.errors.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}

func TestQuestions(t *testing.T) {
	d, _, _ := open(t, Config{File: file(t, "people.yaml", people)})
	for address, want := range map[string]string{
		"sip:Mira@desk.example;user=phone": "mira", "sip:2001@192.0.2.1": "mira", "tel:+4930123420": "mira",
		"0049 30 123420": "mira", "mira": "mira", "sip:0042@x": "jon", "42": "", "sip:2001@desk.example": "mira",
		"sip:mira@elsewhere.example": "", "": "", "sip:@": "", "+15550199": "",
	} {
		if a, ok := d.Agent(address); a.ID != want || ok != (want != "") {
			t.Errorf("Agent(%q) = %q %t, want %q", address, a.ID, ok, want)
		}
	}
	for address, want := range map[string]string{
		"sip:+15550199@gw.example": "support", "tel:+1-555-0199": "support", "support": "support", "2001": "", "": "",
	} {
		if q, ok := d.Queue(address); q.ID != want || ok != (want != "") {
			t.Errorf("Queue(%q) = %q %t, want %q", address, q.ID, ok, want)
		}
	}
}

// TestFileIsFollowed changes the file under the directory: a good one is
// taken once it rests, a bad one leaves what was known.
func TestFileIsFollowed(t *testing.T) {
	path := file(t, "people.yaml", people)
	d, _, log := open(t, Config{File: path})
	age := time.Now()
	change := func(text string) {
		t.Helper()
		write(t, path, text)
		age = age.Add(time.Minute) // whatever the clock of the file system can tell apart
		if err := os.Chtimes(path, age, age); err != nil {
			t.Fatal(err)
		}
	}
	name := func() string {
		a, _ := d.Agent("2001")
		return a.Name
	}
	change(strings.Replace(people, "Mira Holt", "Mira Stone", 1))
	if d.look(t.Context()); name() != "Mira Holt" {
		t.Fatal("a file that has just changed was read: it may be half written")
	}
	if d.look(t.Context()); name() != "Mira Stone" {
		t.Fatalf("the changed file was not read: %q", name())
	}
	change("agents:\n  - id: jon\n    extensions: [\"+15550142\", \"x\"]\n")
	d.look(t.Context())
	d.look(t.Context())
	if name() != "Mira Stone" || failures(t, d) != 1 {
		t.Errorf("a bad file made %q, %v errors", name(), failures(t, d))
	}
	if !strings.Contains(log.String(), "people.yaml:2: ") {
		t.Errorf("the log does not name the line: %s", log)
	}
	d.look(t.Context())
	if failures(t, d) != 1 {
		t.Error("the same bad file was read again")
	}
	change(people)
	d.look(t.Context())
	if d.look(t.Context()); name() != "Mira Holt" {
		t.Error("a mended file is not taken")
	}
	if err := d.Save(t.Context(), earshot.Directory{Teams: []earshot.Team{{ID: "x"}}}, true); !errors.Is(err, earshot.ErrManaged) {
		t.Errorf("saved beside a file: %v", err)
	}
}

func TestLogsHaveNoWholeNumbers(t *testing.T) {
	_, _, log := open(t, Config{File: file(t, "p.yaml", "agents:\n- {id: a, extensions: [\"+15550142\"]}\n- {id: b, extensions: [\"+15550142\"]}\n")})
	if text := log.String(); strings.Contains(text, "5550142") || !strings.Contains(text, "******42") {
		t.Errorf("log %s", text)
	}
}

func TestSave(t *testing.T) {
	d, store, _ := open(t, Config{})
	mira := earshot.Directory{Agents: []earshot.Agent{{ID: "mira", Extensions: []string{"2001"}}}}
	if err := d.Save(t.Context(), mira, true); err != nil {
		t.Fatal(err)
	}
	if err := d.Save(t.Context(), mira, true); !errors.Is(err, earshot.ErrExists) {
		t.Errorf("made twice: %v", err)
	}
	if err := d.Save(t.Context(), mira, false); err != nil {
		t.Errorf("replaced: %v", err)
	}
	var entry *earshot.DirectoryError
	jon := earshot.Directory{Agents: []earshot.Agent{{ID: "jon", Extensions: []string{"2001"}}}}
	if err := d.Save(t.Context(), jon, true); !errors.As(err, &entry) || entry.ID != "jon" {
		t.Errorf("an extension of two: %v", err)
	}
	store.fail = errors.New("disk full")
	if err := d.Save(t.Context(), mira, false); !errors.Is(err, store.fail) {
		t.Errorf("error %v", err)
	}
	if a, ok := d.Agent("2001"); !ok || a.ID != "mira" {
		t.Error("what was known is gone")
	}
}

// TestOtherProcessesAreSeen plays `earshot directory import` beside a server.
func TestOtherProcessesAreSeen(t *testing.T) {
	d, store, _ := open(t, Config{Interval: time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Follow(ctx) }()
	if err := store.SaveDirectory(ctx, earshot.Directory{Agents: []earshot.Agent{{ID: "ada", Extensions: []string{"7"}}}}, true); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(10 * time.Second); ; {
		if a, ok := d.Agent("7"); ok && a.ID == "ada" {
			break
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("what another process stored is not seen")
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Follow ended with %v", err)
	}
}
