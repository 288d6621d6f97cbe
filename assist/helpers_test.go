package assist

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/spoken"
)

// memory is an index of the kind the store has: any word may match, rare ones
// count more.
type memory struct {
	mu       sync.Mutex
	articles map[string][]earshot.Passage
	replaced int
	err      error
}

func (m *memory) ReplacePassages(_ context.Context, article string, list []earshot.Passage) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.articles == nil {
		m.articles = map[string][]earshot.Passage{}
	}
	m.articles[article] = list
	m.replaced++
	return m.err
}

func (m *memory) RemovePassages(_ context.Context, article string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.articles, article)
	return m.err
}

func (m *memory) SearchPassages(_ context.Context, query string, n int) ([]earshot.Passage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []earshot.Passage
	for _, list := range m.articles {
		all = append(all, list...)
	}
	frequency := map[string]int{}
	for _, p := range all {
		for s := range stems(p.Heading + ". " + p.Text) {
			frequency[s]++
		}
	}
	for i := range all {
		have := stems(all[i].Heading + ". " + all[i].Text)
		for w := range strings.FieldsSeq(query) {
			if s := spoken.Stem(w); have[s] {
				all[i].Score += 1 / float64(frequency[s])
			}
		}
	}
	all = slices.DeleteFunc(all, func(p earshot.Passage) bool { return p.Score == 0 })
	slices.SortFunc(all, func(a, b earshot.Passage) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID)) })
	return all[:min(n, len(all))], m.err
}

func (m *memory) names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for name := range m.articles {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// completerFunc is a language model.
type completerFunc func(system, user string) (string, error)

func (f completerFunc) Complete(_ context.Context, system, user, _ string, schema json.RawMessage, out any) error {
	if !json.Valid(schema) {
		return fmt.Errorf("schema is not JSON")
	}
	answer, err := f(system, user)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(answer), out)
}

// logs is what was logged.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newAssistant(t *testing.T, cfg Config, index Index, c Completer) (*Assistant, *logs) {
	t.Helper()
	var l logs
	if index == nil {
		index = &memory{}
	}
	a, err := New(cfg, index, c, slog.New(slog.NewTextHandler(&l, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.IndexAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a, &l
}

func examples(t *testing.T, c Completer) (*Assistant, *logs) {
	t.Helper()
	return newAssistant(t, Config{Playbook: "../examples/playbook.yaml", Knowledge: "../examples/knowledge", Model: "test-model"}, nil, c)
}

func customer(text string) earshot.Utterance { return say(earshot.RoleCustomer, 10_000, text) }

func say(role earshot.Role, at int64, text string) earshot.Utterance {
	return earshot.Utterance{
		ID: earshot.UtteranceID(fmt.Sprintf("%s-%d", role, at)), CallID: "call", StreamID: earshot.StreamID(role), Role: role, Text: text,
		StartMS: at, EndMS: at + 2000, Final: true,
	}
}

func ask(t *testing.T, a *Assistant, history []earshot.Utterance, u earshot.Utterance, made []earshot.Suggestion) []earshot.Suggestion {
	t.Helper()
	out, err := a.Answer(t.Context(), earshot.Call{ID: "call", State: earshot.CallLive}, history, u, made)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// rules returns the IDs of the rules that fired.
func rules(list []earshot.Suggestion) string {
	var out []string
	for _, s := range list {
		if s.Rule != "" {
			out = append(out, s.Rule)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func answerIn(list []earshot.Suggestion) *earshot.Suggestion {
	i := slices.IndexFunc(list, func(s earshot.Suggestion) bool { return s.Kind == "answer" })
	if i < 0 {
		return nil
	}
	return &list[i]
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(t.Context())
}

// value is that of a counter.
func value(t *testing.T, c prometheus.Collector) float64 {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(c)
	families, err := r.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%v, %v", families, err)
	}
	return families[0].GetMetric()[0].GetCounter().GetValue()
}
