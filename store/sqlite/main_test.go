package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"earshot"
	"earshot/store/storetest"
)

// childEnv is set in a child process: the file it writes to.
const childEnv = "EARSHOT_STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		if err := writeForever(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// writeForever applies whole commits from several goroutines, going on after
// those that are there, and prints the number of each once it is acknowledged.
// It ends, having closed the store, when its input ends.
func writeForever(path string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := Open(ctx, path, discard())
	if err != nil {
		return err
	}
	defer s.Close()
	n, err := s.LastSeq(ctx)
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	var mu sync.Mutex
	var wg sync.WaitGroup
	next := int(n) // one event each: so many commits are whole
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if _, err := s.Apply(context.WithoutCancel(ctx), wholeCommit(i)); err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				fmt.Printf("%d\n", i)
			}
		})
	}
	wg.Wait()
	return nil
}

// parts is how many utterances a whole commit has.
const parts = 3

func wholeCall(i int) earshot.Call { return storetest.NewCall(i, earshot.CallLive) }

// wholeCommit has something for every table whose rows are counted.
func wholeCommit(i int) earshot.Commit {
	c := wholeCall(i)
	commit := earshot.Commit{
		Calls:       []earshot.Call{c},
		Watermarks:  []earshot.Watermark{{StreamID: c.Streams[0].ID, Position: 1, Finals: parts}},
		Suggestions: []earshot.Suggestion{{ID: earshot.SuggestionID(c.ID), CallID: c.ID}},
		Summaries:   []earshot.Summary{{CallID: c.ID, Revision: 1}},
		Deliveries:  []earshot.Delivery{{NoteID: earshot.NoteID(c.ID), CallID: c.ID, Revision: 1}},
		Jobs:        []earshot.Job{earshot.NewJob(earshot.JobNote, c.ID, string(c.ID), nil)},
		Dialogs:     []earshot.Dialog{{ID: string(c.ID), CallID: c.ID}},
		Events:      []earshot.Event{storetest.NewEvent(string(c.ID), c.ID, earshot.EventCallStarted)},
	}
	for k := range parts {
		commit.Utterances = append(commit.Utterances, storetest.NewUtterance(c, 0, k, fmt.Sprintf("hello call%04d part %d", i, k)))
	}
	return commit
}

// child is a process that runs writeForever.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	acks  *bufio.Scanner
	last  []int // acknowledged so far
}

func startChild(t *testing.T, path string) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.CommandContext(t.Context(), exe)}
	c.cmd.Env = append(os.Environ(), childEnv+"="+path)
	c.cmd.Stderr = os.Stderr
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	c.acks = bufio.NewScanner(stdout)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// read takes in n acknowledgements, or all that are left with n < 0.
func (c *child) read(t *testing.T, n int) {
	t.Helper()
	for i := 0; i != n && c.acks.Scan(); i++ {
		ack, err := strconv.Atoi(strings.TrimSpace(c.acks.Text()))
		if err != nil {
			continue // cut off by the kill
		}
		c.last = append(c.last, ack)
	}
}
