package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"earshot"
)

// program is the program under test, built once.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "earshot-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "earshot")
	build := exec.Command("go", "build", "-o", program, "earshot/cmd/earshot")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build earshot: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// server is one earshot process and what it is to be started with again.
type server struct {
	dir  string // data.dir
	sip  string // host:port
	http string
	env  []string
	args []string // of serve

	cmd *exec.Cmd
	log *lockedBuffer
	// exited is closed when the process is gone.
	exited chan struct{}
	// downtime is how long the last killAndRestart took.
	downtime time.Duration
}

// newServer starts a server on free ports with a data folder of its own.
func newServer(t testing.TB, env ...string) *server {
	t.Helper()
	s := prepare(t, env...)
	s.start(t)
	return s
}

// prepare makes a server that is not started yet.
func prepare(t testing.TB, env ...string) *server {
	t.Helper()
	first := freePortRange(t, mediaPorts)
	s := &server{
		dir: t.TempDir(), log: &lockedBuffer{},
		sip: fmt.Sprintf("127.0.0.1:%d", freePort(t)), http: fmt.Sprintf("127.0.0.1:%d", freePort(t)),
	}
	s.env = append([]string{
		"EARSHOT_DATA_DIR=" + s.dir, "EARSHOT_SIP_LISTEN=" + s.sip, "EARSHOT_HTTP_LISTEN=" + s.http,
		rtpPorts(first, mediaPorts),
	}, env...)
	t.Cleanup(func() {
		s.stop(t)
		if t.Failed() {
			t.Logf("server log:\n%s", s.log)
		}
	})
	return s
}

func rtpPorts(first, n int) string { return fmt.Sprintf("EARSHOT_RTP_PORTS=%d-%d", first, first+n-1) }

// start starts the process and waits until it is ready.
func (s *server) start(t testing.TB) {
	t.Helper()
	if err := s.launch(); err != nil {
		t.Fatal(err)
	}
	s.awaitReady(t)
}

func (s *server) awaitReady(t testing.TB) {
	t.Helper()
	wait(t, 30*time.Second, "the server to be ready", func() bool {
		select {
		case <-s.exited:
			t.Fatalf("the server ended: %v", s.cmd.ProcessState)
		default:
		}
		return s.isReady()
	})
}

func (s *server) isReady() bool {
	resp, err := http.Get("http://" + s.http + "/readyz")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// killAndRestart kills the process and starts another in its place; downtime
// tells how long that took.
func (s *server) killAndRestart() error {
	killed := time.Now()
	s.kill()
	if err := s.launch(); err != nil {
		return err
	}
	for deadline := time.Now().Add(30 * time.Second); !s.isReady(); {
		if time.Now().After(deadline) {
			return errors.New("the server is not ready 30 s after it was killed")
		}
		<-time.After(20 * time.Millisecond)
	}
	s.downtime = time.Since(killed)
	return nil
}

func (s *server) launch() error {
	s.cmd = exec.Command(program, append([]string{"serve"}, s.args...)...)
	s.cmd.Dir = ".." // where models/dist is
	s.cmd.Env = append(os.Environ(), s.env...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	cmd := s.cmd
	go func() {
		defer close(exited)
		_ = cmd.Wait()
	}()
	s.exited = exited
	return nil
}

// kill ends the process as a power cut would, as far as a process can tell.
func (s *server) kill() {
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	<-s.exited
}

// stop ends the process in good order.
func (s *server) stop(t testing.TB) {
	t.Helper()
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	select {
	case <-s.exited:
		return
	default:
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(60 * time.Second):
		t.Errorf("the server did not stop within a minute")
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
}

// get reads JSON from the API into v.
func (s *server) get(t testing.TB, path string, v any) {
	t.Helper()
	resp, err := http.Get("http://" + s.http + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s: %s", path, resp.Status, body)
	}
	if err := json.Unmarshal(body, v); err != nil {
		t.Fatalf("GET %s: %v: %s", path, err, body)
	}
}

type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

func (s *server) calls(t testing.TB) []earshot.Call {
	t.Helper()
	var l list[earshot.Call]
	s.get(t, "/api/v1/calls?limit=500", &l)
	return l.Items
}

func (s *server) call(t testing.TB, id earshot.CallID) earshot.Call {
	t.Helper()
	var c earshot.Call
	s.get(t, "/api/v1/calls/"+string(id), &c)
	return c
}

func (s *server) transcript(t testing.TB, id earshot.CallID) []earshot.Utterance {
	t.Helper()
	var l list[earshot.Utterance]
	s.get(t, "/api/v1/calls/"+string(id)+"/transcript", &l)
	return l.Items
}

// onlyCall waits until there is a call and returns it.
func (s *server) onlyCall(t testing.TB) earshot.Call {
	t.Helper()
	var calls []earshot.Call
	wait(t, 10*time.Second, "the call to appear", func() bool {
		calls = s.calls(t)
		return len(calls) > 0
	})
	if len(calls) != 1 {
		t.Fatalf("%d calls, want 1", len(calls))
	}
	return calls[0]
}

// complete waits until everything that follows a call is there.
func (s *server) complete(t testing.TB, id earshot.CallID, patience time.Duration) earshot.Call {
	t.Helper()
	var c earshot.Call
	wait(t, patience, "the call to be recorded, transcribed and summarised", func() bool {
		c = s.call(t, id)
		return c.State.Ended() && c.RecordingReady && c.TranscriptComplete && c.Summary != nil
	})
	return c
}

// earshot runs another command of the program and returns what it printed.
func (s *server) earshot(t testing.TB, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), s.env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// wait polls a condition until it holds or patience is over.
func wait(t testing.TB, patience time.Duration, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
		<-tick.C
	}
}

// freePort returns a port that is free for UDP and TCP. It is not one of those
// that the kernel hands out by itself, or another process might be given it
// before it is bound.
func freePort(t testing.TB) int { return freePortRange(t, 1) }

// Ports for what the tests start: below those that the kernel
// hands out by itself.
const (
	lowestPort  = 10000
	highestPort = 32000
	mediaPorts  = 60 // of one server, enough for any test but one under load
)

// nextRange is where the search for a free range goes on; it starts elsewhere
// in each process, apart from a second run beside this one.
var nextRange = struct {
	sync.Mutex
	first int
}{first: lowestPort + os.Getpid()%40*500}

// freePortRange returns the first of n ports that nothing uses at the moment
// and that this process was not given lately; of more than one it is even.
func freePortRange(t testing.TB, n int) int {
	t.Helper()
	nextRange.Lock()
	defer nextRange.Unlock()
	for range (highestPort - lowestPort) / n {
		first := nextRange.first
		if n > 1 {
			first += first % 2 // RTP takes even ports
		}
		if first+n > highestPort {
			first = lowestPort
		}
		nextRange.first = first + n
		if portsFree(first, n) {
			return first
		}
	}
	t.Fatalf("no range of %d ports is free", n)
	return 0
}

func portsFree(first, n int) bool {
	for port := first; port < first+n; port++ {
		u, err := net.ListenPacket("udp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil {
			return false
		}
		u.Close()
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

// lockedBuffer is a buffer that a process writes to while tests read it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
