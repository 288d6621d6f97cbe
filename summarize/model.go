package summarize

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"earshot"
)

//go:embed prompts
var prompts embed.FS

// The prompt in use, and the schema of its answer.
const (
	promptFile = "prompts/summary.v1.tmpl"
	schemaFile = "prompts/summary.v1.schema.json"
)

// answer is what a model says.
type answer struct {
	Reason  string         `json:"reason"`
	Text    string         `json:"text"`
	Facts   []answerFact   `json:"facts"`
	Actions []answerAction `json:"actions"`
}

type answerFact struct {
	Kind      earshot.FactKind `json:"kind"`
	Value     string           `json:"value"`
	Utterance string           `json:"utterance"`
}

type answerAction struct {
	Text      string       `json:"text"`
	Owner     earshot.Role `json:"owner"`
	Due       string       `json:"due"`
	Utterance string       `json:"utterance"`
}

// line is an utterance as the model reads it. Its ID is short: models copy
// long ones wrong.
type line struct {
	ID   string       `json:"id"`
	At   string       `json:"at"`
	Role earshot.Role `json:"role"`
	Text string       `json:"text"`
}

// complete lets the model write the summary and keeps what the transcript bears
// out. rules is what stands in for a reason or a text that it does not.
func (s *Summarizer) complete(ctx context.Context, utterances []earshot.Utterance, rules earshot.Summary) (earshot.Summary, error) {
	lines, cut := transcript(utterances, s.cfg.Budget)
	system, err := prompt(cut)
	if err != nil {
		return earshot.Summary{}, err
	}
	user, err := json.Marshal(map[string]any{"transcript": lines})
	if err != nil {
		return earshot.Summary{}, fmt.Errorf("write transcript: %w", err)
	}
	schema, err := prompts.ReadFile(schemaFile)
	if err != nil {
		return earshot.Summary{}, fmt.Errorf("read schema: %w", err)
	}
	var a answer
	if err := s.completer.Complete(ctx, system, string(user), "call_summary", schema, &a); err != nil {
		return earshot.Summary{}, err
	}
	c := newChecker(utterances)
	out, err := c.summary(a, rules)
	s.dropped.Add(float64(c.dropped))
	out.By = s.cfg.Model
	return out, err
}

// prompt returns what the model is told to do.
func prompt(cut bool) (string, error) {
	t, err := template.ParseFS(prompts, promptFile)
	if err != nil {
		return "", fmt.Errorf("read prompt: %w", err)
	}
	var b strings.Builder
	err = t.Execute(&b, map[string]any{"Cut": cut, "Kinds": kinds()})
	if err != nil {
		return "", fmt.Errorf("write prompt: %w", err)
	}
	return b.String(), nil
}

func kinds() []earshot.FactKind {
	return []earshot.FactKind{
		earshot.FactNumber, earshot.FactAmount, earshot.FactDate, earshot.FactTime,
		earshot.FactPhone, earshot.FactEmail, earshot.FactName,
	}
}

// transcript returns the utterances within the budget of characters and
// whether some were left out.
func transcript(utterances []earshot.Utterance, budget int) ([]line, bool) {
	const overhead = 50 // characters of JSON around a text
	all := make([]line, 0, len(utterances))
	total := 0
	for i, u := range utterances {
		seconds := max(u.StartMS, 0) / 1000
		all = append(all, line{
			ID: "u" + strconv.Itoa(i+1), At: fmt.Sprintf("%d:%02d", seconds/60, seconds%60), Role: u.Role, Text: u.Text,
		})
		total += len(u.Text) + overhead
	}
	if total <= budget {
		return all, false
	}
	head, left := 0, budget*2/5
	for head < len(all) && left >= len(all[head].Text)+overhead {
		left -= len(all[head].Text) + overhead
		head++
	}
	tail, left := len(all), budget-budget*2/5
	for tail > head && left >= len(all[tail-1].Text)+overhead {
		left -= len(all[tail-1].Text) + overhead
		tail--
	}
	return slices.Concat(all[:head], all[tail:]), true
}

var errUnsupported = errors.New("the model's summary is not borne out by the transcript")
