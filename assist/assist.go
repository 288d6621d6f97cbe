package assist

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/spoken"
)

// Index finds passages by words. It is safe for concurrent use. A passage need
// not hold every word of a query; the best come first.
type Index interface {
	ReplacePassages(ctx context.Context, article string, passages []earshot.Passage) error
	RemovePassages(ctx context.Context, article string) error
	SearchPassages(ctx context.Context, query string, n int) ([]earshot.Passage, error)
}

// Completer asks a language model for one JSON answer that follows the schema
// and decodes it into out. It is safe for concurrent use, and its errors hold
// nothing that was said.
type Completer interface {
	Complete(ctx context.Context, system, user, schemaName string, schema json.RawMessage, out any) error
}

// Config names what suggestions are made of. Both may be empty.
type Config struct {
	// Playbook is a file, Knowledge a folder of .md, .txt and .html articles.
	Playbook, Knowledge string
	// Model is the name the suggestions of the Completer carry.
	Model string
	// Prompt is a file with the prompt of the Completer; "" is the built-in one.
	Prompt string
	// Talk is how a call goes on while the Completer thinks: what is no longer
	// wanted then is dropped. nil: it is not followed.
	Talk Talk
	// Show is given what the rules suggest before the Completer is asked, so that it
	// does not wait; it comes with the answer again. nil: it comes only then.
	Show func(ctx context.Context, call earshot.CallID, list []earshot.Suggestion) error
}

// pollEvery is how often playbook and knowledge are looked at for changes.
const pollEvery = 2 * time.Second

// Assistant makes suggestions. It is safe for concurrent use.
type Assistant struct {
	cfg       Config
	completer Completer // nil = rules only
	log       *slog.Logger
	playbook  atomic.Pointer[Playbook]
	stamp     stamp // of the playbook; owned by Watch
	knowledge *knowledge
	prompt    atomic.Pointer[prompt]
	// promptStamp is owned by Watch.
	promptStamp stamp
	dropped     *prometheus.CounterVec
	made        *prometheus.CounterVec
	fallbacks   prometheus.Counter
	reloads     *prometheus.CounterVec
}

// New reads the playbook, which must be valid, and looks for the knowledge
// folder. Nothing is indexed until [Assistant.IndexAll]. completer may be nil.
func New(cfg Config, index Index, completer Completer, log *slog.Logger) (*Assistant, error) {
	if cfg.Model == "" {
		cfg.Model = "model"
	}
	a := &Assistant{
		cfg: cfg, completer: completer, log: log, knowledge: newKnowledge(cfg.Knowledge, index, log),
		made: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_assist_suggestions_total", Help: "Suggestions made, by kind, and by rules or a model.",
		}, []string{"kind", "by"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_assist_dropped_total", Help: "Words of a model that are not shown: no longer wanted, or not borne out.",
		}, []string{"reason"}),
		fallbacks: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "earshot_assist_fallbacks_total", Help: "Answers worded by the rules because the model failed or was not borne out.",
		}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_assist_playbook_reloads_total", Help: "Changed playbooks read, by result.",
		}, []string{"result"}),
	}
	p, err := readPrompt(cfg.Prompt)
	if err != nil {
		return nil, err
	}
	a.prompt.Store(p)
	if cfg.Prompt != "" {
		if a.promptStamp, err = stampOf(cfg.Prompt); err != nil {
			return nil, fmt.Errorf("prompt: %w", err)
		}
	}
	a.playbook.Store(&Playbook{})
	if cfg.Playbook != "" {
		book, st, err := loadPlaybook(cfg.Playbook)
		if err != nil {
			return nil, err
		}
		a.playbook.Store(book)
		a.stamp = st
	}
	if cfg.Knowledge != "" {
		if info, err := os.Stat(cfg.Knowledge); err != nil {
			return nil, fmt.Errorf("knowledge folder: %w", err)
		} else if !info.IsDir() {
			return nil, errors.New("knowledge folder: is not a folder")
		}
	}
	return a, nil
}

// Collectors returns the metrics of the assistant.
func (a *Assistant) Collectors() []prometheus.Collector {
	return []prometheus.Collector{a.made, a.fallbacks, a.dropped, a.reloads}
}

// IndexAll brings the index up to the articles in the folder. An error means
// that some articles are not in the index as they are; the others are.
func (a *Assistant) IndexAll(ctx context.Context) error { return a.knowledge.sync(ctx) }

// Watch keeps playbook and index up to their files until ctx is done, and then
// returns nil. A playbook that became wrong is logged and the last good one
// stays in use.
func (a *Assistant) Watch(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	last := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		a.reload()
		a.reloadPrompt()
		text := ""
		if err := a.knowledge.sync(ctx); err != nil && ctx.Err() == nil {
			text = err.Error()
		}
		if text != "" && text != last {
			a.log.Error("knowledge is not indexed", "error", text)
		}
		last = text
	}
}

// reload reads the playbook if its file changed.
func (a *Assistant) reload() {
	if a.cfg.Playbook == "" {
		return
	}
	st, err := stampOf(a.cfg.Playbook)
	if err == nil && st == a.stamp {
		return
	}
	if err != nil && a.stamp == (stamp{}) {
		return // said already
	}
	book, st, err := loadPlaybook(a.cfg.Playbook)
	a.stamp = st
	if err != nil {
		a.reloads.WithLabelValues("error").Inc()
		a.log.Error("playbook is wrong; the last good one stays in use", "file", a.cfg.Playbook, "error", err)
		return
	}
	a.playbook.Store(book)
	a.reloads.WithLabelValues("ok").Inc()
	a.log.Info("playbook reloaded", "file", a.cfg.Playbook, "rules", len(book.Rules))
}

// stamp tells two versions of a file apart without reading it.
type stamp struct {
	modified time.Time
	size     int64
}

func stampOf(file string) (stamp, error) {
	info, err := os.Stat(file)
	if err != nil {
		return stamp{}, err
	}
	return stampOfInfo(info), nil
}

func stampOfInfo(info fs.FileInfo) stamp { return stamp{info.ModTime(), info.Size()} }

func loadPlaybook(file string) (*Playbook, stamp, error) {
	st, err := stampOf(file)
	if err != nil {
		return nil, stamp{}, fmt.Errorf("playbook: %w", err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, st, fmt.Errorf("playbook: %w", err)
	}
	book, err := ParsePlaybook(data)
	if err != nil {
		return nil, st, fmt.Errorf("%s: %w", file, err)
	}
	return book, st, nil
}

// Answer returns what to show for the final utterance u. history are the
// utterances before it, made the suggestions of the call so far. Asked again
// for the same utterance it makes suggestions of the same IDs. It fails only
// if the index fails or ctx is done.
func (a *Assistant) Answer(ctx context.Context, call earshot.Call, history []earshot.Utterance, u earshot.Utterance, made []earshot.Suggestion) ([]earshot.Suggestion, error) {
	if !u.Final || strings.TrimSpace(u.Text) == "" {
		return nil, nil
	}
	u.Role = roleOf(call, u, history)
	s := newSpeech(fragmentBefore(history, u), u.Text)
	out := a.fire(call, s, history, u, made)
	a.finish(out, u)
	if u.Role == earshot.RoleAgent {
		return out, nil
	}
	if len(out) > 0 && a.completer != nil && a.cfg.Show != nil {
		if err := a.cfg.Show(ctx, call.ID, out); err != nil {
			return nil, err
		}
	}
	answer, err := a.answer(ctx, call, s, history, u, made)
	if err != nil {
		return nil, err
	}
	if answer == nil {
		return out, nil
	}
	list := []earshot.Suggestion{*answer}
	a.finish(list, u)
	return append(out, list...), nil
}

// finish says of suggestions whether the speaker is sure, and counts them.
func (a *Assistant) finish(list []earshot.Suggestion, u earshot.Utterance) {
	for i := range list {
		o := &list[i]
		o.SpeakerUnsure = u.Role != earshot.RoleAgent && u.Role != earshot.RoleCustomer
		by := "rules"
		if o.By != byRules {
			by = "model"
		}
		a.made.WithLabelValues(o.Kind, by).Inc()
	}
}

// roleOf is the role of who speaks. Of who is not known, one who has greeted as
// agents do is one: what an agent says is no question to be answered. What any
// other says counts as the customer's, and all that is said on a stream that
// several speak on.
func roleOf(call earshot.Call, u earshot.Utterance, history []earshot.Utterance) earshot.Role {
	s := call.Stream(u.StreamID)
	if u.Role == earshot.RoleAgent || u.Role == earshot.RoleCustomer || len(call.Streams) < 2 || s == nil || len(s.ParticipantIDs) > 1 {
		return u.Role
	}
	for _, h := range append(slices.Clip(history), u) {
		if h.StreamID == u.StreamID && h.ParticipantID == u.ParticipantID && spoken.GreetsAsAgent(spoken.Canonical(h.Text)) {
			return earshot.RoleAgent
		}
	}
	return u.Role
}

// byRules is who a suggestion is by that no model worded.
const byRules = "rules"

// fire returns what the playbook's rules say.
func (a *Assistant) fire(call earshot.Call, s *speech, history []earshot.Utterance, u earshot.Utterance, made []earshot.Suggestion) []earshot.Suggestion {
	var out []earshot.Suggestion
	book := a.playbook.Load()
	said := append(slices.Clip(history), u)
	for _, r := range book.Rules {
		if r.When.Timed() || !r.rested(u, made) || !r.When.in(book.stage(said, u.EndMS)) || !r.When.true(s, said, u) {
			continue
		}
		one := r.suggestion(call.ID, u, u.EndMS)
		one.ID = suggestionID(call.ID, u.ID, "rule:"+r.ID)
		out = append(out, one)
	}
	return out
}

// true reports whether an utterance, the newest of said, makes the rule fire.
func (w *When) true(s *speech, said []earshot.Utterance, u earshot.Utterance) bool {
	if w.Overtalk > 0 {
		return overtalk(said, u.EndMS) >= w.Overtalk
	}
	if !w.Passes(u.Role) {
		return false
	}
	if w.Mood != "" {
		return w.sounds(said, u)
	}
	return w.said(s)
}

// suggestion is what the rule makes of an utterance at a moment, without an ID.
func (r *Rule) suggestion(call earshot.CallID, u earshot.Utterance, atMS int64) earshot.Suggestion {
	return earshot.Suggestion{
		CallID: call, Kind: r.Kind, Title: r.Title, Text: r.Text, Rule: r.ID,
		UtteranceID: u.ID, AtMS: atMS, Confidence: 1, CreatedAt: time.Now().UTC(), By: byRules,
	}
}

// rested reports whether the rule may fire again, on an utterance.
func (r *Rule) rested(u earshot.Utterance, made []earshot.Suggestion) bool {
	return r.mayAgain(u.EndMS, made) &&
		!slices.ContainsFunc(made, func(m earshot.Suggestion) bool { return m.Rule == r.ID && m.UtteranceID == u.ID })
}

// mayAgain reports whether the rule may fire at a moment.
func (r *Rule) mayAgain(atMS int64, made []earshot.Suggestion) bool {
	count := 0
	for _, m := range made {
		if m.Rule != r.ID {
			continue
		}
		count++
		if time.Duration(atMS-m.AtMS)*time.Millisecond < r.Cooldown {
			return false
		}
	}
	return r.MaxPerCall == 0 || count < r.MaxPerCall
}

// suggestionID names what an utterance gave rise to, the same each time.
func suggestionID(call earshot.CallID, u earshot.UtteranceID, what string) earshot.SuggestionID {
	sum := sha256.Sum256([]byte(string(call) + "\n" + string(u) + "\n" + what))
	return earshot.SuggestionID(hex.EncodeToString(sum[:13]))
}
