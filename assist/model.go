package assist

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"earshot"
	"earshot/spoken"
)

//go:embed prompts
var prompts embed.FS

// The built-in prompt, and the schema of the answer to any.
const (
	promptFile = "prompts/" + builtIn + ".tmpl"
	schemaFile = "prompts/" + builtIn + ".schema.json"
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
	// reply is what the agent may say next, "" if there is nothing; mute says that
	// what the model would say is not borne out.
	reply string
	mute  bool
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
	Reply      string `json:"reply"`
}

// word lets the model choose and word the answer. It returns nil if the model
// says that no passage answers, and an error if what it says does not stand on
// the passage it cites.
func (a *Assistant) word(ctx context.Context, system string, matches []match, s *speech, history []earshot.Utterance) (*worded, error) {
	matches = matches[:min(len(matches), mostPassages)]
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
		said := quoted(p.Text, quote)
		w := &worded{text: said, match: matches[i]}
		evidence := stems(p.Heading + ". " + said)
		if !bornOut(m.Answer, m.Quote, evidence) {
			w.rejected = errWording
			return w, nil
		}
		w.text = strings.TrimSpace(m.Answer)
		if reply := strings.TrimSpace(m.Reply); reply != "" {
			if bornOut(reply, m.Quote, evidence) {
				w.reply = reply
			}
			w.mute = w.reply == ""
		}
		return w, nil
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

// courtesy are words that say nothing of the matter.
var courtesy = map[string]bool{
	"customer": true, "sorry": true, "happy": true, "glad": true, "thank": true, "thanks": true, "please": true, "understand": true,
	"course": true, "certainly": true, "sure": true, "hear": true, "tell": true, "sir": true, "madam": true,
}

// bornOut reports whether a text says nothing but what the quoted sentences and
// their heading say, whose stems are the evidence: it has no word of meaning,
// number or address that they lack, and denies what the quote denies and nothing
// else. What only the talk has is no evidence: whoever is on the line could have
// said it.
func bornOut(text, quote string, evidence map[string]bool) bool {
	if n := len(strings.Fields(text)); n == 0 || n > mostWords {
		return false
	}
	found := 0
	for _, w := range spoken.Terms(spoken.Words(text)) {
		known := evidence[spoken.Stem(w)]
		if !known && (strings.ContainsAny(w, "0123456789@/$€£.") || !spoken.IsStop(w) && !courtesy[w]) {
			return false
		}
		if known && !spoken.IsStop(w) {
			found++
		}
	}
	return found > 0 && denies(text) == denies(quote)
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
