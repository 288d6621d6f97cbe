package main

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"earshot"
	"earshot/transcribe/wer"
)

// script is a scripted call with what a person would note of it.
type script struct {
	name        string
	lines       []line
	reason      []string // words the reason must hold
	facts       []earshot.Fact
	actions     []wantedAction
	disposition string
	mood        string // "PARTY MOOD TREND", "" if it is not judged
}

// line is what one party says in one go.
type line struct {
	role earshot.Role
	text string
	// suggestions are those that should come of it, or may.
	suggestions []wantedSuggestion
}

// wantedSuggestion is a card or alert by its rule, or an answer by its article.
type wantedSuggestion struct {
	kind, source string
	// optional ones are neither missed nor false.
	optional bool
}

type wantedAction struct {
	owner earshot.Role
	words []string // that its text must hold, inflected or not
	due   string   // "" if it is not judged
}

// readScripts reads all calls of a folder, by name.
func readScripts(files fs.FS, dir string) ([]script, error) {
	names, err := fs.Glob(files, path.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("read scripts: no calls in %s", dir)
	}
	out := make([]script, 0, len(names))
	for _, name := range names {
		f, err := files.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read script: %w", err)
		}
		s, err := readScript(f)
		_ = f.Close()
		if err != nil {
			return nil, fmt.Errorf("read script %s: %w", name, err)
		}
		s.name = strings.TrimSuffix(path.Base(name), ".txt")
		out = append(out, s)
	}
	return out, nil
}

// readScript reads what is said up to a line "---" and then what is noted.
//
// "A: words" is the agent's line, "C: words" the customer's; "! card RULE", "!
// alert RULE" or "! answer ARTICLE" after a line is a suggestion that should
// come of it, "! ? card RULE" one that may.
func readScript(r io.Reader) (script, error) {
	var s script
	noted := false
	in := bufio.NewScanner(r)
	for in.Scan() {
		text := in.Text()
		if text == "---" {
			noted = true
			continue
		}
		take := s.say
		if noted {
			take = s.note
		}
		if err := take(text); err != nil {
			return s, err
		}
	}
	return s, in.Err()
}

func (s *script) say(text string) error {
	head, rest, ok := strings.Cut(text, " ")
	if !ok {
		return fmt.Errorf("line %q is cut short", text)
	}
	switch head {
	case "A:":
		s.lines = append(s.lines, line{role: earshot.RoleAgent, text: rest})
	case "C:":
		s.lines = append(s.lines, line{role: earshot.RoleCustomer, text: rest})
	case "!":
		words := strings.Fields(rest)
		optional := words[0] == "?"
		if optional {
			words = words[1:]
		}
		if len(words) != 2 || len(s.lines) == 0 {
			return fmt.Errorf("suggestion %q is not a kind and a source", text)
		}
		last := &s.lines[len(s.lines)-1]
		last.suggestions = append(last.suggestions, wantedSuggestion{words[0], words[1], optional})
	default:
		return fmt.Errorf("line %q is of nobody", text)
	}
	return nil
}

func (s *script) note(text string) error {
	what, rest, _ := strings.Cut(text, " ")
	switch what {
	case "reason":
		s.reason = strings.Fields(rest)
	case "disposition":
		s.disposition = rest
	case "sentiment":
		s.mood = rest
	case "fact":
		kind, value, _ := strings.Cut(rest, " ")
		s.facts = append(s.facts, earshot.Fact{Kind: earshot.FactKind(kind), Value: value})
	case "action":
		rest, due, _ := strings.Cut(rest, " | ")
		words := strings.Fields(rest)
		if len(words) < 2 {
			return fmt.Errorf("action %q has no words", text)
		}
		s.actions = append(s.actions, wantedAction{owner: earshot.Role(words[0]), words: words[1:], due: due})
	default:
		return fmt.Errorf("note %q is of no kind", text)
	}
	return nil
}

// performance is a call as it was said: the transcript and when the script's
// lines were spoken.
type performance struct {
	call       earshot.Call
	utterances []earshot.Utterance
	spans      []span // of each line
	errors     wer.Result
}

// span is a time in milliseconds from the call's start.
type span struct{ from, to int64 }

// Pace of calls that are not spoken: milliseconds a word takes, and between
// lines.
const (
	wordMS = 400
	gapMS  = 500
)

// read performs the script as it is written.
func (s *script) read() performance {
	p := performance{call: s.call()}
	at := int64(0)
	for i, l := range s.lines {
		to := at + int64(len(strings.Fields(l.text)))*wordMS
		p.spans = append(p.spans, span{at, to})
		p.utterances = append(p.utterances, earshot.Utterance{
			ID: earshot.UtteranceID(fmt.Sprintf("%s-%d", s.name, i)), CallID: p.call.ID,
			StreamID: earshot.StreamID(l.role), ParticipantID: earshot.ParticipantID(l.role), Role: l.role,
			StartMS: at, EndMS: to, Text: l.text, Confidence: 1, Final: true,
		})
		at = to + gapMS
	}
	return p
}

// call is a call of the script's parties. Their names are not known to it:
// nothing but what is said counts.
func (s *script) call() earshot.Call {
	c := earshot.Call{ID: earshot.CallID("eval-" + s.name), State: earshot.CallSettled, TranscriptComplete: true}
	for _, role := range []earshot.Role{earshot.RoleAgent, earshot.RoleCustomer} {
		id := earshot.ParticipantID(role)
		c.Participants = append(c.Participants, earshot.Participant{ID: id, Role: role, RoleConfidence: 1})
		c.Streams = append(c.Streams, earshot.Stream{ID: earshot.StreamID(role), ParticipantIDs: []earshot.ParticipantID{id}})
	}
	return c
}
