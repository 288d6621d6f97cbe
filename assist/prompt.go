package assist

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// builtIn is the prompt that is used unless the settings name a file.
const builtIn = "answer.v2"

// mostPrompt bounds a prompt of one's own, in bytes.
const mostPrompt = 32 << 10

// prompt is what a model is told to do. What it does is checked all the same.
type prompt struct {
	text string
	// version is the built-in's name, or that of the file with a part of the sum of
	// its content.
	version string
}

// readPrompt reads the prompt of a file, or the built-in one for "".
func readPrompt(file string) (*prompt, error) {
	version, read, name := builtIn, prompts.ReadFile, promptFile
	if file != "" {
		read, name = os.ReadFile, file
	}
	raw, err := read(name)
	if err != nil {
		return nil, fmt.Errorf("read prompt: %w", err)
	}
	if len(raw) > mostPrompt {
		return nil, fmt.Errorf("prompt %s: longer than %d bytes", name, mostPrompt)
	}
	if file != "" {
		sum := sha256.Sum256(raw)
		version = filepath.Base(file) + "@" + hex.EncodeToString(sum[:4])
	}
	t, err := template.New(filepath.Base(name)).Option("missingkey=error").Parse(string(raw))
	if err != nil {
		return nil, fmt.Errorf("read prompt: %w", err)
	}
	var b strings.Builder
	if err := t.Execute(&b, map[string]any{"Words": mostWords * 2 / 3}); err != nil {
		return nil, fmt.Errorf("write prompt: %w", err)
	}
	if strings.TrimSpace(b.String()) == "" {
		return nil, fmt.Errorf("prompt %s: %w", name, errors.New("is empty"))
	}
	return &prompt{text: b.String(), version: version}, nil
}

// reloadPrompt reads the prompt again if its file changed. One that became wrong
// is logged and the last good one stays in use.
func (a *Assistant) reloadPrompt() {
	if a.cfg.Prompt == "" {
		return
	}
	st, err := stampOf(a.cfg.Prompt)
	if err == nil && st == a.promptStamp || err != nil && a.promptStamp == (stamp{}) {
		return
	}
	a.promptStamp = st
	p, err := readPrompt(a.cfg.Prompt)
	if err != nil {
		a.log.Error("prompt is wrong; the last good one stays in use", "file", a.cfg.Prompt, "error", err)
		return
	}
	a.prompt.Store(p)
	a.log.Info("prompt reloaded", "file", a.cfg.Prompt, "version", p.version)
}
