package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"earshot"
	"earshot/assist"
	"earshot/cmd/earshot/config"
	"earshot/llm"
	"earshot/measure"
	"earshot/store/sqlite"
	"earshot/summarize"
)

// derived makes what is derived from a transcript: suggestions and summaries.
type derived struct {
	app        *App
	log        *slog.Logger
	store      *sqlite.Store
	assistant  *assist.Assistant // nil without playbook and knowledge
	summarizer *summarize.Summarizer
	meter      *measure.Meter
	notes
}

type assistPayload struct {
	UtteranceID earshot.UtteranceID `json:"utterance_id"`
}

// summaryPayload of a summary at the transcript's end says which finals to
// expect; at the deadline it is empty.
type summaryPayload struct {
	Expect []earshot.Watermark `json:"expect,omitempty"`
	// Revision is that of the transcript they are of.
	Revision int `json:"revision,omitempty"`
	// HandOver is the agent whom a note in mid-call is for.
	HandOver earshot.ParticipantID `json:"hand_over,omitempty"`
}

func busDir(cfg config.Config) string { return filepath.Join(cfg.Data.Dir, "bus") }

func unmarshal(raw []byte, v any) error { return json.Unmarshal(raw, v) }

func newDerived(ctx context.Context, a *App) (*derived, error) {
	d := &derived{app: a, log: a.log, store: a.store, meter: measure.NewMeter()}
	a.metrics.MustRegister(d.meter.Collectors()...)
	var model *llm.Client
	if a.cfg.LLM.BaseURL != "" {
		var err error
		model, err = llm.New(llm.Config{
			BaseURL: a.cfg.LLM.BaseURL, APIKey: a.cfg.LLM.APIKey, Model: a.cfg.LLM.Model, Timeout: a.cfg.LLM.Timeout,
			CallTokens: a.cfg.LLM.CallTokens, CallCost: a.cfg.LLM.CallCost, PriceIn: a.cfg.LLM.PriceIn, PriceOut: a.cfg.LLM.PriceOut,
		})
		if err != nil {
			return nil, err
		}
		a.metrics.MustRegister(model.Collectors()...)
	}
	if err := d.buildAssistant(ctx, model); err != nil {
		return nil, err
	}
	if err := d.buildSummarizer(model); err != nil {
		return nil, err
	}
	var err error
	d.notes, err = newNotes(a)
	return d, err
}

func (d *derived) buildAssistant(ctx context.Context, model *llm.Client) error {
	cfg := assist.Config{Playbook: d.app.cfg.Assist.Playbook, Knowledge: d.app.cfg.Assist.Knowledge, Model: d.app.cfg.LLM.Model, Prompt: d.app.cfg.Assist.Prompt, Talk: d.transcript, Show: d.show}
	if cfg.Playbook == "" && cfg.Knowledge == "" {
		return nil
	}
	var completer assist.Completer
	if model != nil {
		completer = model.Streaming(d.app.cfg.Assist.ModelSilence, d.app.cfg.Assist.ModelTimeout)
	}
	a, err := assist.New(cfg, d.store, completer, d.log)
	if err != nil {
		return err
	}
	if err := a.IndexAll(ctx); err != nil {
		return fmt.Errorf("index knowledge: %w", err)
	}
	d.assistant = a
	d.app.metrics.MustRegister(a.Collectors()...)
	d.app.background("knowledge", a.Watch)
	return nil
}

func (d *derived) buildSummarizer(model *llm.Client) error {
	var completer summarize.Completer
	if model != nil {
		completer = model
	}
	var err error
	if d.summarizer, err = summarize.New(summarize.Config{Model: d.app.cfg.LLM.Model, Dispositions: d.app.cfg.Summary.Dispositions}, completer, d.log); err != nil {
		return err
	}
	d.app.metrics.MustRegister(d.summarizer.Collectors()...)
	return nil
}

// assist answers one final utterance.
func (d *derived) assist(ctx context.Context, job earshot.Job) (earshot.Commit, error) {
	var p assistPayload
	if err := unmarshal(job.Payload, &p); err != nil {
		return earshot.Commit{}, earshot.Permanent(err)
	}
	call, us, err := d.transcript(ctx, job.CallID)
	if err != nil {
		return earshot.Commit{}, err
	}
	i := slices.IndexFunc(us, func(u earshot.Utterance) bool { return u.ID == p.UtteranceID })
	if i < 0 {
		return earshot.Commit{}, earshot.Permanent(fmt.Errorf("utterance %s: %w", p.UtteranceID, earshot.ErrNotFound))
	}
	made, err := d.store.Suggestions(ctx, job.CallID)
	if err != nil {
		return earshot.Commit{}, err
	}
	fresh, err := d.assistant.Answer(llm.WithCall(ctx, job.CallID), call, us[:i], us[i], made)
	if err != nil {
		return earshot.Commit{}, err
	}
	if tags := tagsOf(fresh); len(tags) > 0 {
		if err := d.app.calls.Tag(ctx, job.CallID, tags...); err != nil {
			return earshot.Commit{}, err
		}
	}
	return suggested(job.CallID, fresh), nil
}

// show makes suggestions true before the job that made them ends.
func (d *derived) show(ctx context.Context, call earshot.CallID, list []earshot.Suggestion) error {
	_, err := d.store.Apply(ctx, suggested(call, list))
	return err
}

// suggested is the commit of suggestions. Made true again it changes nothing.
func suggested(call earshot.CallID, list []earshot.Suggestion) earshot.Commit {
	commit := earshot.Commit{Suggestions: list}
	for _, s := range list {
		e := earshot.NewEvent(earshot.EventSuggestionCreated, call, s)
		e.ID = string(s.ID)
		commit.Events = append(commit.Events, e)
	}
	return commit
}

// tagsOf returns the tags among the suggestions.
func tagsOf(list []earshot.Suggestion) []string {
	var out []string
	for _, s := range list {
		if s.Kind == "tag" {
			out = append(out, s.Title)
		}
	}
	return out
}

// summarize writes the summary of a call, or a further revision of it.
func (d *derived) summarize(ctx context.Context, job earshot.Job) (earshot.Commit, error) {
	var p summaryPayload
	if err := unmarshal(job.Payload, &p); err != nil {
		return earshot.Commit{}, earshot.Permanent(err)
	}
	if p.HandOver != "" {
		return d.handOver(ctx, job.CallID, p.HandOver)
	}
	call, us, err := d.transcript(ctx, job.CallID)
	if err != nil {
		return earshot.Commit{}, err
	}
	if !call.State.Ended() {
		return earshot.Commit{}, nil // stitched: summarised when it ends again
	}
	incomplete := !call.TranscriptComplete
	if call.Summary != nil && len(p.Expect) == 0 && !call.Summary.Incomplete && !incomplete {
		return earshot.Commit{}, nil // the deadline, long after the summary
	}
	if missing := missingFinals(us, p.Expect); missing > 0 && call.TranscriptRevision == p.Revision {
		return earshot.Commit{}, fmt.Errorf("%d final utterances are not in the store yet", missing)
	}
	s, err := d.summarizer.Summarize(ctx, call, us, incomplete)
	if err != nil {
		return earshot.Commit{}, err
	}
	s.CallID = call.ID
	if call.Summary == nil {
		s.Revision = 1
		measures := measure.Of(&call, us, time.Now())
		d.meter.Observe(&measures)
		return summarized(0, s), nil
	}
	found, err := lastFound(ctx, d.store, *call.Summary)
	if err != nil {
		return earshot.Commit{}, err
	}
	if sameSummary(found, s) {
		return earshot.Commit{}, nil
	}
	s.Revision = call.Summary.Revision + 1
	if call.Summary.EditedBy != "" {
		return summarized(call.Summary.Revision, s, s.KeepEdits(*call.Summary)), nil
	}
	return summarized(call.Summary.Revision, s), nil
}

// transcript returns a call and what was said in it, by whom as far as that is
// sure.
func (d *derived) transcript(ctx context.Context, id earshot.CallID) (earshot.Call, []earshot.Utterance, error) {
	call, err := d.store.Call(ctx, id)
	if err != nil {
		return call, nil, err
	}
	us, err := d.store.Utterances(ctx, id)
	return call, call.SureRoles(us), err
}

// missingFinals counts the finals that were announced and are not there.
func missingFinals(us []earshot.Utterance, expect []earshot.Watermark) int {
	have := map[earshot.StreamID]int{}
	for _, u := range us {
		have[u.StreamID]++
	}
	missing := 0
	for _, m := range expect {
		missing += max(0, m.Finals-have[m.StreamID])
	}
	return missing
}

// sameSummary reports whether b says nothing that a does not.
func sameSummary(a, b earshot.Summary) bool {
	a.Revision, b.Revision = 0, 0
	a.CreatedAt = b.CreatedAt
	ja, errA := json.Marshal(a)
	jb, errB := json.Marshal(b)
	return errA == nil && errB == nil && string(ja) == string(jb)
}
