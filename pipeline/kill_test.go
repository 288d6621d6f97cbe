package pipeline

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"earshot"
)

// victimDir, in the environment, makes the test binary a process that
// publishes until it is killed.
const victimDir = "PIPELINE_TEST_VICTIM_DIR"

// publishForEver prints each event's data once the event is on the bus.
func publishForEver(dir string) {
	b, err := NewBus(BusConfig{Dir: dir}, slog.New(slog.DiscardHandler))
	if err != nil {
		panic(err)
	}
	for i := 0; ; i++ {
		data := fmt.Sprintf("u%04d", i)
		if err := b.Publish(context.Background(), earshot.NewEvent(earshot.EventUtteranceFinal, "c", data)); err != nil {
			panic(err)
		}
		fmt.Println(data)
	}
}

func TestKilledProcessLosesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bus")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), victimDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var published []string
	for lines.Scan() {
		published = append(published, lines.Text())
		if len(published) == 300 {
			if err := cmd.Process.Kill(); err != nil { // SIGKILL
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed

	b := openBus(t, BusConfig{Dir: dir})
	got := onBus(t, b)
	if len(got) < len(published) || strings.Join(got[:len(published)], " ") != strings.Join(published, " ") {
		t.Errorf("%d events on the bus of %d published", len(got), len(published))
	}
	store := newMemStore()
	r, _ := runRouter(t, b, store, assistJob)
	<-r.Running()
	wantKeys(t, store, got)
}
