package e2e

import (
	"bufio"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/media/wav"
	"earshot/transcribe/wer"
)

// TestSaturation places more speech than the cores can recognise in real time:
// no packet is lost, every call is transcribed to its end all the same, later,
// and the metrics say how fast the backlog drains. E2E_CALLS sets how
// many calls.
func TestSaturation(t *testing.T) {
	const seconds = 20
	calls := 30
	if n, err := strconv.Atoi(os.Getenv("E2E_CALLS")); err == nil {
		calls = n
	}
	s := newServer(t, "EARSHOT_CALLS_SUMMARY_DEADLINE=1h", rtpPorts(freePortRange(t, 4*calls+20), 4*calls+20))
	files := excerptFiles(t, seconds)
	out, err := s.earshot(t, "load", "--to", "sip:"+s.sip, "-n", strconv.Itoa(calls), "--rate", "1200",
		"--duration", strconv.Itoa(seconds)+"s", "--audio", files[0], "--audio", files[1])
	t.Logf("earshot load:\n%s", out)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("at the end: %.0f s of backlog, oldest waits %.1f s", s.metric(t, "earshot_transcribe_backlog_seconds"),
		s.metric(t, "earshot_transcribe_oldest_span_seconds"))
	drain := 0.0
	wait(t, time.Duration(calls)*30*time.Second, "the backlog to be caught up", func() bool {
		drain = max(drain, s.metric(t, "earshot_transcribe_drain_ratio"))
		for _, c := range s.calls(t) {
			if !c.TranscriptComplete {
				return false
			}
		}
		return true
	})
	t.Logf("drained at up to %.1f s of audio a second", drain)
	if drain <= 0 {
		t.Error("the metrics tell no drain rate")
	}
	checkAlike(t, s, calls)
}

// excerptFiles writes the beginning of the support call, a file for each party.
func excerptFiles(t *testing.T, seconds int) []string {
	t.Helper()
	dir := t.TempDir()
	var files []string
	for i, party := range excerpt(t, seconds) {
		file := filepath.Join(dir, []string{"agent.wav", "customer.wav"}[i])
		if err := wav.WriteFile(file, 8000, linear(t, party)); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// checkAlike compares the transcripts of calls that all said the same.
func checkAlike(t *testing.T, s *server, calls int) {
	t.Helper()
	list := s.calls(t)
	if len(list) != calls {
		t.Fatalf("%d calls, want %d", len(list), calls)
	}
	said := readScript(t, "testdata/support/dialogue.json")
	late := 0
	for _, c := range list {
		us := s.transcript(t, c.ID)
		for _, u := range us {
			if u.Late {
				late++
			}
		}
		for _, role := range []earshot.Role{earshot.RoleAgent, earshot.RoleCustomer} {
			heard := spoken(us, role)
			want := first(said.words(role), len(strings.Fields(heard)))
			if rate := wer.Compare(want, heard).Rate(); rate > 0.25 || heard == "" {
				t.Errorf("call %s: %s: word error rate %.0f %%:\n%s\n%s", c.ID, role, 100*rate, want, heard)
			}
		}
	}
	t.Logf("%d late utterances", late)
}

// first returns about the first n words.
func first(text string, n int) string {
	words := strings.Fields(text)
	return strings.Join(words[:min(n, len(words))], " ")
}

// metric returns the sum of a metric over its labels.
func (s *server) metric(t testing.TB, name string) float64 {
	t.Helper()
	resp, err := http.Get("http://" + s.http + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	sum, found := 0.0, false
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), " ")
		if base, _, _ := strings.Cut(key, "{"); base != name {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum, found = sum+n, true
	}
	if !found {
		t.Fatalf("there is no metric %s", name)
	}
	return sum
}
