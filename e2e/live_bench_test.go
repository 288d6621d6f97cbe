package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/media/wav"
	"earshot/transcribe"
)

// How calls are placed to measure how promptly they are transcribed.
const (
	liveLength = 90 * time.Second // of each call
	liveBegun  = 60               // calls a minute
)

// arrival is a final utterance as a page gets it.
type arrival struct {
	utterance earshot.Utterance
	at        time.Time
}

// finals collects the final utterances that the API's event stream tells.
type finals struct {
	mu   sync.Mutex
	list []arrival
}

// BenchmarkLiveCalls places calls of two parties, each of which speaks about
// 45 % of the time, through SIP and RTP to a server of its own, and prints how
// long after the endpoint a final is in the event stream of the API. The
// endpoint is when an utterance is known to be over, as in `make
// bench-capacity`. It fails if one packet is lost or one utterance missing.
// The calls are played by a process on the same machine.
func BenchmarkLiveCalls(b *testing.B) {
	for b.Loop() {
		fmt.Println("\n| calls | channels | partials | finals | p50 after the endpoint | p95 | late | packets | lost | server, processors busy |")
		fmt.Println("|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|")
		for _, row := range []struct {
			calls    int
			partials string
		}{{10, "off"}, {30, "off"}, {15, "1s"}} {
			measureLive(b, row.calls, row.partials)
		}
	}
}

// measureLive places the calls and prints a row of the table.
func measureLive(b *testing.B, calls int, partials string) {
	b.Helper()
	s := newServer(b, "EARSHOT_TRANSCRIBE_PARTIALS="+partials, "EARSHOT_CALLS_WRAP_UP=1s", rtpPorts(freePortRange(b, 4*calls+20), 4*calls+20))
	heard := s.hearFinals(b)
	files := dialogueFiles(b)
	began, before := time.Now(), cpuSeconds(b, s.cmd.Process.Pid)
	out, err := s.earshot(b, "load", "--to", "sip:"+s.sip, "-n", strconv.Itoa(calls), "--rate", strconv.Itoa(liveBegun),
		"--duration", liveLength.String(), "--audio", files[0], "--audio", files[1])
	if err != nil {
		b.Fatalf("earshot load: %v\n%s", err, out)
	}
	busy := (cpuSeconds(b, s.cmd.Process.Pid) - before) / time.Since(began).Seconds()
	total, late := 0, 0
	for _, c := range s.calls(b) {
		s.complete(b, c.ID, 5*time.Minute)
		for _, u := range s.transcript(b, c.ID) {
			total++
			if u.Late {
				late++
			}
		}
	}
	all := time.Duration(calls) * time.Minute / liveBegun // to have them all up
	after := heard.latencies(b, s, began.Add(all), began.Add(liveLength))
	if len(after) == 0 {
		b.Fatal("no utterance ended while all calls were up")
	}
	fmt.Printf("| %d | %d | %s | %d | %v | %v | %d | %.0f | %.0f | %.0f %% |\n", calls, 2*calls, partials, total,
		after[len(after)/2].Round(time.Millisecond), after[len(after)*95/100].Round(time.Millisecond), late,
		s.metric(b, "earshot_media_packets_received_total"), s.metric(b, "earshot_media_packets_lost_total"), 100*busy/2)
	s.kill() // what follows a call is not what is measured
}

// dialogueFiles writes what the two parties of the support call say.
func dialogueFiles(b *testing.B) []string {
	b.Helper()
	var files []string
	for _, party := range []string{"agent", "customer"} {
		file := filepath.Join(b.TempDir(), party+".wav")
		if err := wav.WriteFile(file, 8000, linear(b, mulaw(b, "testdata/support/"+party+".ulaw"))); err != nil {
			b.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// hearFinals listens to the event stream until the benchmark ends.
func (s *server) hearFinals(b *testing.B) *finals {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://"+s.http+"/api/v1/events", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	f := &finals{}
	go func() {
		defer resp.Body.Close()
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok || !strings.Contains(data, string(earshot.EventUtteranceFinal)) {
				continue
			}
			a := arrival{at: time.Now()}
			var e earshot.Event
			err := json.Unmarshal([]byte(data), &e)
			if err == nil {
				err = json.Unmarshal(e.Data, &a.utterance)
			}
			if err != nil {
				b.Errorf("read event: %v", err)
				return
			}
			f.mu.Lock()
			f.list = append(f.list, a)
			f.mu.Unlock()
		}
	}()
	return f
}

// latencies returns, sorted, how long after its endpoint each final came that
// ended in a time.
func (f *finals) latencies(b *testing.B, s *server, from, to time.Time) []time.Duration {
	b.Helper()
	began := map[earshot.CallID]time.Time{}
	for _, c := range s.calls(b) {
		began[c.ID] = c.StartedAt
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []time.Duration
	for _, a := range f.list {
		u := a.utterance
		endpoint := began[u.CallID].Add(time.Duration(u.EndMS)*time.Millisecond + transcribe.DefaultEndSilence - transcribe.DefaultPadAfter)
		if !u.Continues && endpoint.After(from) && endpoint.Before(to) {
			all = append(all, a.at.Sub(endpoint))
		}
	}
	slices.Sort(all)
	return all
}
