package assist

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/template"

	"earshot"
	"earshot/spoken"
)

//go:embed prompts
var prompts embed.FS

// The prompt in use, and the schema of its answer.
const (
	promptFile = "prompts/answer.v1.tmpl"
	schemaFile = "prompts/answer.v1.schema.json"
)

// What a model is shown and may say.
const (
	mostPassages = 4
	mostBefore   = 6
	mostWords    = 60
)

// Why a model's answer is not shown.
var (
	errNoPassage = errors.New("the model cites a passage that does not exist")
	errNoQuote   = errors.New("the model's quote is not in the passage")
	errWording   = errors.New("the model's wording is not borne out by the passage")
)

// worded is an answer in a model's words, or a passage's own.
type worded struct {
	text  string
	match match
	// rejected is why the text is the passage's and not the model's.
	rejected error
}

type modelPassage struct {
	ID      string `json:"id"`
	Heading string `json:"heading"`
	Text    string `json:"text"`
}

type modelTurn struct {
	Role earshot.Role `json:"role"`
	Text string       `json:"text"`
}

type modelAnswer struct {
	Answerable bool   `json:"answerable"`
	Passage    string `json:"passage"`
	Quote      string `json:"quote"`
	Answer     string `json:"answer"`
}

// word lets the model choose and word the answer. It returns nil if the model
// says that no passage answers, and an error if what it says does not stand on
// the passage it cites.
func (a *Assistant) word(ctx context.Context, matches []match, s *speech, history []earshot.Utterance) (*worded, error) {
	matches = matches[:min(len(matches), mostPassages)]
	system, err := prompt()
	if err != nil {
		return nil, err
	}
	user, err := userMessage(matches, s, history)
	if err != nil {
		return nil, err
	}
	schema, err := prompts.ReadFile(schemaFile)
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	var m modelAnswer
	if err := a.completer.Complete(ctx, system, user, "knowledge_answer", schema, &m); err != nil {
		return nil, err
	}
	if !m.Answerable {
		return nil, nil
	}
	return m.check(matches)
}

func prompt() (string, error) {
	t, err := template.ParseFS(prompts, promptFile)
	if err != nil {
		return "", fmt.Errorf("read prompt: %w", err)
	}
	var b strings.Builder
	if err := t.Execute(&b, map[string]any{"Words": mostWords * 2 / 3}); err != nil {
		return "", fmt.Errorf("write prompt: %w", err)
	}
	return b.String(), nil
}

func userMessage(matches []match, s *speech, history []earshot.Utterance) (string, error) {
	passages := make([]modelPassage, 0, len(matches))
	for i, m := range matches {
		passages = append(passages, modelPassage{passageName(i), m.passage.Heading, m.passage.Text})
	}
	history = history[max(0, len(history)-mostBefore):]
	before := make([]modelTurn, 0, len(history))
	for _, h := range history {
		before = append(before, modelTurn{h.Role, h.Text})
	}
	raw, err := json.Marshal(map[string]any{"passages": passages, "before": before, "customer": s.text})
	if err != nil {
		return "", fmt.Errorf("write question: %w", err)
	}
	return string(raw), nil
}

func passageName(i int) string { return "p" + strconv.Itoa(i+1) }

// check holds the answer against the passage it cites.
func (m modelAnswer) check(matches []match) (*worded, error) {
	for i := range matches {
		if passageName(i) != m.Passage {
			continue
		}
		p := matches[i].passage
		quote := spoken.Canonical(m.Quote)
		if len(strings.Fields(quote)) < 2 || !strings.Contains(" "+spoken.Canonical(p.Text)+" ", " "+quote+" ") {
			return nil, errNoQuote
		}
		if !bornOut(m.Answer, m.Quote, p) {
			return &worded{text: quoted(p.Text, quote), match: matches[i], rejected: errWording}, nil
		}
		return &worded{text: strings.TrimSpace(m.Answer), match: matches[i]}, nil
	}
	return nil, errNoPassage
}

// quoted returns the sentences of a passage that hold a quote, which is in
// canonical form.
func quoted(text, quote string) string {
	list := sentencesOf(text)
	for i, s := range list {
		if strings.Contains(" "+spoken.Canonical(s)+" ", " "+quote+" ") {
			return s
		}
		if i+1 < len(list) && strings.Contains(" "+spoken.Canonical(s+" "+list[i+1])+" ", " "+quote+" ") {
			return s + " " + list[i+1]
		}
	}
	return text
}

// bornOut reports whether an answer says nothing but what the passage says: it
// has no word of meaning, number or address that the passage lacks, and denies
// what the quote denies and nothing else.
func bornOut(answer, quote string, p earshot.Passage) bool {
	if n := len(strings.Fields(answer)); n == 0 || n > mostWords {
		return false
	}
	have := stems(p.Heading + ". " + p.Text)
	found := 0
	for _, w := range spoken.Terms(spoken.Words(answer)) {
		known := have[spoken.Stem(w)]
		if !known && (strings.ContainsAny(w, "0123456789@/$€£.") || !spoken.IsStop(w) && w != "customer") {
			return false
		}
		if known && !spoken.IsStop(w) {
			found++
		}
	}
	return found > 0 && denies(answer) == denies(quote)
}

// denies reports whether a text says that something is not so.
func denies(text string) bool {
	for _, w := range spoken.Terms(spoken.Words(text)) {
		switch w {
		case "not", "no", "never", "without", "none", "neither", "nor", "nothing":
			return true
		}
	}
	return false
}
