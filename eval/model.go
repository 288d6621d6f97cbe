package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/assist"
	"earshot/llm"
	"earshot/llm/llmtest"
	"earshot/summarize"
)

// modelName is what the strict endpoint on loopback is called.
const modelName = "local-model"

// What is asked of the model: the passage that answers it, and a talk.
const (
	modelQuestion = "How long does it take until I get my refund?"
	modelQuote    = "within 5 business days after the item has reached our warehouse"
)

func modelTalk() []earshot.Utterance {
	say := func(id earshot.UtteranceID, role earshot.Role, at int64, text string) earshot.Utterance {
		return earshot.Utterance{
			ID: id, CallID: "eval-model", StreamID: earshot.StreamID(role), ParticipantID: earshot.ParticipantID(role),
			Role: role, StartMS: at, EndMS: at + 3000, Text: text, Confidence: 1, Final: true,
		}
	}
	return []earshot.Utterance{
		say("m1", earshot.RoleAgent, 0, "Bellwood Shoes, how can I help?"),
		say("m2", earshot.RoleCustomer, 4000, modelQuestion+" The order number is 40118276."),
	}
}

// trial is one way in which an endpoint answers, and what must come of it.
type trial struct {
	name  string
	reply func(llmtest.Request) llmtest.Reply
	// tokens is the budget of the call, 0 for none.
	tokens int
	// asks is how often the question is put, each time in other words; 1.
	asks int
	// movesOn lets the customer ask for something else meanwhile.
	movesOn bool
	check   func(made) error
}

// made is what came of a trial.
type made struct {
	answers []earshot.Suggestion
	summary earshot.Summary
	asked   []llmtest.Request
	refused []error
}

// tryModel runs the model's path against a strict endpoint on loopback, which
// answers well and in each of the ways endpoints fail, and prints a line for
// each. What a model would say is not judged: that is the model's affair.
func (b *bench) tryModel(ctx context.Context, w io.Writer) error {
	fmt.Fprintln(w, "\nwith a language model (strict OpenAI-compatible endpoint on loopback):")
	var failed error
	for _, t := range trials() {
		m, err := b.try(ctx, t)
		if err == nil {
			err = errors.Join(append(slices.Clone(m.refused), t.check(m))...)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("model: %s: %w", t.name, err))
			fmt.Fprintf(w, "  %-46s FAILED: %v\n", t.name, err)
			continue
		}
		fmt.Fprintf(w, "  %-46s %s\n", t.name, m.describe())
	}
	return failed
}

// describe says in a line what was shown and noted.
func (m made) describe() string {
	answer := "nothing shown"
	if n := len(m.answers); n > 0 {
		answer = "answer by " + m.answers[n-1].By
		if f := m.answers[n-1].Fallback; f != "" {
			answer += " (" + f + ")"
		}
	}
	out := fmt.Sprintf("%d requests; %s; summary by %s", len(m.asked), answer, m.summary.By)
	if m.summary.Fallback != "" {
		out += " (" + m.summary.Fallback + ")"
	}
	return out
}

// try asks the assistant and the summariser once each, of an endpoint of its own.
func (b *bench) try(ctx context.Context, t trial) (made, error) {
	var m made
	srv := llmtest.Start(t.reply, func(err error) { m.refused = append(m.refused, err) })
	defer srv.Close()
	client, err := llm.New(llm.Config{BaseURL: srv.URL, Model: modelName, MaxAttempts: 1, Timeout: time.Second, CallTokens: t.tokens})
	if err != nil {
		return m, err
	}
	talk := modelTalk()
	call := earshot.Call{ID: "eval-model", State: earshot.CallLive, TranscriptComplete: true}
	log := slog.New(slog.DiscardHandler)
	cfg := assist.Config{Playbook: b.playbook, Knowledge: b.knowledge, Model: modelName}
	if t.movesOn {
		next := talk[1]
		next.ID, next.StartMS, next.EndMS, next.Text = "m3", 20_000, 23_000, "Never mind, can I upgrade my plan instead?"
		cfg.Talk = func(context.Context, earshot.CallID) (earshot.Call, []earshot.Utterance, error) {
			return call, append(modelTalk(), next), nil
		}
	}
	a, err := assist.New(cfg, b.store, client.Streaming(500*time.Millisecond, 2*time.Second), log)
	if err != nil {
		return m, err
	}
	if err := a.IndexAll(ctx); err != nil {
		return m, err
	}
	s, err := summarize.New(summarize.Config{Model: modelName}, client, log)
	if err != nil {
		return m, err
	}
	for range max(t.asks, 1) {
		list, err := a.Answer(llm.WithCall(ctx, call.ID), call, talk[:1], talk[1], nil)
		if err != nil {
			return m, err
		}
		for _, one := range list {
			if one.Kind == "answer" {
				m.answers = append(m.answers, one)
			}
		}
	}
	m.summary, err = s.Summarize(ctx, call, talk, false)
	m.asked = srv.Asked()
	return m, err
}

func trials() []trial {
	out := answered()
	for _, bad := range []struct {
		name  string
		reply llmtest.Reply
	}{
		{"429", llmtest.Reply{Status: http.StatusTooManyRequests}},
		{"500", llmtest.Reply{Status: http.StatusInternalServerError}},
		{"not JSON", llmtest.Reply{Text: "Of course! The refund takes five days."}},
		{"another schema", llmtest.Reply{Text: `{"answer":"five days"}`}},
		{"breaks off", llmtest.Reply{Text: `{"answerable":true,"passage":"p1"`, Broken: true}},
		{"falls silent", llmtest.Reply{Text: `{"answerable":true`, Silent: true}},
	} {
		out = append(out, trial{name: "endpoint: " + bad.name, reply: func(llmtest.Request) llmtest.Reply { return bad.reply }, check: allByRules})
	}
	return out
}

// answered are the trials in which the endpoint says something that can be read.
func answered() []trial {
	return []trial{
		{name: "well-formed, streamed, follows the schema", reply: goodReply, check: byModel},
		{name: "budget of 150 tokens a call, three questions", reply: goodReply, tokens: 150, asks: 3, check: withinBudget},
		{name: "the talk moves on while it thinks", reply: func(r llmtest.Request) llmtest.Reply {
			return llmtest.Reply{Text: goodReply(r).Text, Silent: r.Stream}
		}, movesOn: true, check: nothingShown},
		{name: "cites a passage that does not exist", reply: func(r llmtest.Request) llmtest.Reply {
			return llmtest.Reply{Text: strings.ReplaceAll(goodReply(r).Text, `"passage":"p`, `"passage":"p9`)}
		}, check: passageShown},
		{name: "says what the passage does not", reply: func(r llmtest.Request) llmtest.Reply {
			return llmtest.Reply{Text: strings.ReplaceAll(goodReply(r).Text, "A refund is paid", "You get 100 dollars, and a refund is paid")}
		}, check: passageShown},
	}
}

// goodReply answers from the passage it was given, and notes one fact that was
// said and one that was not.
func goodReply(r llmtest.Request) llmtest.Reply {
	if r.Schema == "call_summary" {
		return llmtest.Reply{Text: `{"reason":"How long does it take until I get my refund?","text":"The customer asks how long the refund takes.","actions":[],
			"facts":[{"kind":"number","value":"40118276","utterance":"u2"},{"kind":"amount","value":"$500","utterance":"u2"}]}`}
	}
	var in struct {
		Passages []struct{ ID, Text string }
	}
	if err := json.Unmarshal([]byte(r.User), &in); err != nil {
		return llmtest.Reply{Status: http.StatusUnprocessableEntity}
	}
	for _, p := range in.Passages {
		if strings.Contains(p.Text, modelQuote) {
			return llmtest.Reply{Text: `{"answerable":true,"passage":"` + p.ID + `","quote":"` + modelQuote + `","answer":"A refund is paid ` + modelQuote + `.","reply":""}`}
		}
	}
	return llmtest.Reply{Text: `{"answerable":false,"passage":"","quote":"","answer":"","reply":""}`}
}

func byModel(m made) error {
	switch {
	case len(m.answers) != 1 || m.answers[0].By != modelName || m.answers[0].Source == nil:
		return fmt.Errorf("answers %+v", m.answers)
	case m.summary.By != modelName || len(m.summary.Facts) != 1 || m.summary.Facts[0].Value != "40118276":
		return fmt.Errorf("summary by %s with facts %+v", m.summary.By, m.summary.Facts)
	case len(m.asked) != 2 || !m.asked[0].Stream:
		return fmt.Errorf("%d requests", len(m.asked))
	}
	return nil
}

func withinBudget(m made) error {
	answers := 0
	for _, r := range m.asked {
		if r.Schema == "knowledge_answer" {
			answers++
		}
	}
	if last := len(m.answers) - 1; answers != 2 || last != 2 || m.answers[last].By == modelName || m.answers[last].Fallback == "" {
		return fmt.Errorf("%d answers asked for; answers %+v", answers, m.answers)
	}
	return nil
}

func nothingShown(m made) error {
	if len(m.answers) != 0 {
		return fmt.Errorf("answers %+v", m.answers)
	}
	return nil
}

// passageShown wants the passage's own words in place of the model's.
func passageShown(m made) error {
	if len(m.answers) != 1 || m.answers[0].Fallback == "" || m.answers[0].Source == nil || !strings.Contains(m.answers[0].Source.Passage, m.answers[0].Text) {
		return fmt.Errorf("answers %+v", m.answers)
	}
	return nil
}

func allByRules(m made) error {
	if err := passageShown(m); err != nil {
		return err
	}
	if m.summary.By != summarize.Extractive || m.summary.Fallback == "" || len(m.summary.Facts) != 1 {
		return fmt.Errorf("summary by %s (%q) with facts %+v", m.summary.By, m.summary.Fallback, m.summary.Facts)
	}
	return nil
}
