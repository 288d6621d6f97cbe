package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The browser, and how long it may take for everything.
const (
	chromium     = "chromium"
	pagePatience = 8 * time.Minute
)

// TestPage has a browser use the page while the demo's call goes on, ends and is
// looked up, with the server killed in the middle of it. E2E_SHOTS is a
// folder for screenshots; docs/screenshots was made like that.
func TestPage(t *testing.T) {
	t.Parallel()
	s := newServer(t, "EARSHOT_ASSIST_PLAYBOOK=demo/playbook.yaml", "EARSHOT_ASSIST_KNOWLEDGE=demo/knowledge",
		"EARSHOT_CALLS_WRAP_UP=1s")
	placed := make(chan error, 1)
	go func() {
		out, err := s.earshot(t, "call", "--to", "sip:"+s.sip, "--audio", "demo/agent.wav", "--audio", "demo/customer.wav",
			"--name", "Nora Winter", "--name", "Paul Becker", "--api", "http://"+s.http)
		if err != nil {
			err = fmt.Errorf("place call: %w\n%s", err, out)
		}
		placed <- err
	}()
	s.browse(t, "page.mjs")
	if err := <-placed; err != nil {
		t.Error(err)
	}
}

// browse runs a script of web/ui/test, and does what it asks for.
func (s *server) browse(t *testing.T, script string) {
	t.Helper()
	browser, err := exec.LookPath(chromium)
	if err != nil {
		t.Fatalf("%v: make setup installs it", err)
	}
	if _, err := os.Stat("../web/ui/node_modules/playwright-core"); err != nil {
		t.Fatalf("%v: make setup installs it", err)
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("test", script))
	cmd.Dir = "../web/ui"
	cmd.Env = append(os.Environ(), "EARSHOT_PAGE=http://"+s.http+"/", "EARSHOT_CHROMIUM="+browser)
	problem := &lockedBuffer{}
	cmd.Stderr = problem
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(pagePatience, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		t.Log(lines.Text())
		if what, ok := strings.CutPrefix(lines.Text(), "ask "); ok {
			fmt.Fprintln(in, s.answer(what))
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the browser's script: %v\n%s", err, problem)
	}
}

// answer does what a script can't do itself and returns "done" or why not.
func (s *server) answer(what string) string {
	if what != "restart" {
		return "nobody knows how to " + what
	}
	if err := s.killAndRestart(); err != nil {
		return err.Error()
	}
	return "done"
}
