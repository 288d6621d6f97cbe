package crmtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Password is that of the administrators of the servers that [StartServer]
// starts: root of Request Tracker, admin of Tryton.
const Password = "earshot-CRM1"

// StartServer runs a real CRM with a database of its own until the test ends:
// "rt" or "tryton", see scripts/crm-servers. It returns where it answers.
func StartServer(t testing.TB, kind string) (url string) {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "earshot-crm-") //nolint:usetesting // workers that are just ending may still write there
	if err != nil {
		t.Fatal(err)
	}
	_, here, _, _ := runtime.Caller(0)
	script := filepath.Join(filepath.Dir(here), "..", "..", "scripts", "crm-servers")
	var out output
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), script, kind, dir, strconv.Itoa(port))
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // the end of the test kills it
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
		_ = os.RemoveAll(dir)
		if t.Failed() {
			t.Logf("%s said:\n%s", kind, out.String())
		}
	})
	url = fmt.Sprintf("http://127.0.0.1:%d", port)
	for deadline := time.Now().Add(2 * time.Minute); !answers(t.Context(), url); {
		select {
		case <-ended:
			t.Fatalf("%s ended; is it installed (scripts/crm-servers install)? It said:\n%s", kind, out.String())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer", kind)
		}
	}
	return url
}

func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	http.DefaultClient.CloseIdleConnections()
	return resp.Body.Close() == nil
}

// output is what a process says.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
