package e2e

import (
	"bufio"
	"bytes"
	"encoding/binary"
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
// looked up, with the server killed in the middle of it. E2E_SHOTS is a folder
// for screenshots; docs/screenshots was made like that.
func TestPage(t *testing.T) {
	t.Parallel()
	s := newServer(t, "EARSHOT_ASSIST_PLAYBOOK=demo/playbook.yaml", "EARSHOT_ASSIST_KNOWLEDGE=demo/knowledge",
		"EARSHOT_CALLS_WRAP_UP=1s")
	// A call goes on until the script has seen all of it that it wants to see.
	place := func(more ...string) *exec.Cmd {
		call := exec.CommandContext(t.Context(), program, append([]string{
			"call", "--to", "sip:" + s.sip, "--name", "Nora Winter", "--name", "Paul Becker",
			"--audio", again(t, "../demo/agent.wav"), "--audio", again(t, "../demo/customer.wav"), "--api", "http://" + s.http,
		}, more...)...)
		call.Env = append(os.Environ(), s.env...)
		placed := &lockedBuffer{}
		call.Stdout, call.Stderr = placed, placed
		if err := call.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = call.Process.Signal(os.Interrupt)
			_ = call.Wait()
			if t.Failed() {
				t.Logf("the call: %s", placed)
			}
		})
		return call
	}
	call := place()
	var later []*exec.Cmd
	s.browse(t, "page.mjs", map[string]func() error{
		"restart": s.killAndRestart,
		"hang up": func() error { return call.Process.Signal(os.Interrupt) },
		"call 2001": func() error {
			later = append(later, place("--aor", "sip:2001@desk.example", "--aor", "sip:+15550100@carrier.example"))
			return nil
		},
		"hang up 2001": func() error {
			first := later[0]
			later = later[1:]
			return first.Process.Signal(os.Interrupt)
		},
	})
}

// again returns a WAV file with the audio of another four times.
func again(t *testing.T, name string) string {
	t.Helper()
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	const header = 44
	audio := bytes.Repeat(file[header:], 4)
	out := append(file[:header:header], audio...)
	binary.LittleEndian.PutUint32(out[4:], uint32(header-8+len(audio)))
	binary.LittleEndian.PutUint32(out[header-4:], uint32(len(audio)))
	longer := filepath.Join(t.TempDir(), filepath.Base(name))
	if err := os.WriteFile(longer, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return longer
}

// browse runs a script of web/ui/test, and does what it asks for.
func (s *server) browse(t *testing.T, script string, can map[string]func() error) {
	t.Helper()
	browser, err := exec.LookPath(chromium)
	if err != nil {
		t.Fatalf("%v: make setup installs it", err)
	}
	if _, err := os.Stat("../web/ui/test/node_modules/playwright-core"); err != nil {
		t.Fatalf("%v: make setup installs it", err)
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("test", script))
	cmd.Dir = "../web/ui"
	cmd.Env = append(append(os.Environ(), s.env...), "EARSHOT_PAGE=http://"+s.http+"/", "EARSHOT_CHROMIUM="+browser)
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
			fmt.Fprintln(in, answer(can[what]))
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the browser's script: %v\n%s", err, problem)
	}
}

// answer does what a script can't do itself and returns "done" or why not.
func answer(do func() error) string {
	if do == nil {
		return "nobody knows how to do that"
	}
	if err := do(); err != nil {
		return err.Error()
	}
	return "done"
}
