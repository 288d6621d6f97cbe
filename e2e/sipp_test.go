package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/media/codec"
	"earshot/media/wav"
	"earshot/transcribe/wer"
)

// script is a dialogue that was spoken: who says what from which moment.
type script struct {
	Turns []turn `json:"turns"`
}

type turn struct {
	Role    earshot.Role `json:"role"`
	Speaker string       `json:"speaker"`
	StartMS int64        `json:"start_ms"`
	EndMS   int64        `json:"end_ms"`
	Text    string       `json:"text"`
}

func readScript(t testing.TB, path string) script {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var s script
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// words returns everything a role says.
func (s script) words(role earshot.Role) string {
	var out []string
	for _, u := range s.Turns {
		if u.Role == role {
			out = append(out, u.Text)
		}
	}
	return strings.Join(out, " ")
}

func spoken(us []earshot.Utterance, role earshot.Role) string {
	var out []string
	for _, u := range us {
		if u.Role == role {
			out = append(out, u.Heard())
		}
	}
	return strings.Join(out, " ")
}

// mulaw reads raw G.711 mu-law.
func mulaw(t testing.TB, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

var pcmu = earshot.Format{Encoding: "PCMU", ClockRate: 8000, Channels: 1}

// linear returns mu-law as PCM.
func linear(t testing.TB, mulaw []byte) []int16 {
	t.Helper()
	dec, err := codec.New(pcmu)
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, dec.Samples(mulaw))
	if _, err := dec.Decode(pcm, mulaw); err != nil {
		t.Fatal(err)
	}
	return pcm
}

// recording reads the rendered WAV file of a call, a slice per channel.
func (s *server) recording(t testing.TB, id earshot.CallID) [][]int16 {
	t.Helper()
	rate, channels := s.recordingOfRate(t, id)
	if rate != 8000 {
		t.Fatalf("the recording has %d Hz, want 8000", rate)
	}
	return channels
}

func (s *server) recordingOfRate(t testing.TB, id earshot.CallID) (rate int, channels [][]int16) {
	t.Helper()
	f, err := os.Open(filepath.Join(s.dir, "recordings", string(id)+".wav"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := wav.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	channels, err = r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return r.Rate, channels
}

// sipp plays a scenario against the server and fails with its messages.
func sipp(t testing.TB, s *server, scenario string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	dir := t.TempDir()
	args = append([]string{
		s.sip, "-sf", scenario, "-m", "1", "-i", "127.0.0.1", "-mi", "127.0.0.1", "-nostdin",
		"-p", strconv.Itoa(freePort(t)), "-trace_err", "-error_file", filepath.Join(dir, "errors"),
	}, args...)
	cmd := exec.CommandContext(ctx, "sipp", args...)
	cmd.Env = append(os.Environ(), "TERM=dumb")
	if out, err := cmd.CombinedOutput(); err != nil {
		errors, _ := os.ReadFile(filepath.Join(dir, "errors"))
		t.Fatalf("sipp: %v\n%s\n%s", err, errors, tail(out, 2000))
	}
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

// maxWordErrors is the word error rate a call over G.711 must not exceed.
const maxWordErrors = 0.14

func TestSIPpCallIsRecordedAndTranscribed(t *testing.T) {
	for _, transport := range []string{"u1", "t1"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			testSIPpCall(t, transport)
		})
	}
}

func testSIPpCall(t *testing.T, transport string) {
	s := newServer(t)
	said := readScript(t, "testdata/support/dialogue.json")
	agent, customer := mulaw(t, "testdata/support/agent.ulaw"), mulaw(t, "testdata/support/customer.ulaw")
	capture := filepath.Join(t.TempDir(), "call.pcap")
	length := writeCapture(t, capture,
		flow{port: 20000, ssrc: 0x1111, audio: agent}, flow{port: 20002, ssrc: 0x2222, audio: customer})
	scenario := fillScenario(t, "testdata/sipp/two_party.xml", map[string]string{
		"CAPTURE": capture, "LENGTH": strconv.Itoa(length + 500),
	})
	sipp(t, s, scenario, "-t", transport)

	id := s.onlyCall(t).ID
	ended := time.Now()
	wait(t, 10*time.Second, "the recording", func() bool {
		_, err := os.Stat(filepath.Join(s.dir, "recordings", string(id)+".wav"))
		return err == nil
	})
	t.Logf("the recording is there %v after SIPp ended", time.Since(ended).Round(time.Millisecond))
	call := s.complete(t, id, 60*time.Second)
	checkCall(t, call, length)
	us := s.transcript(t, id)
	for _, role := range []earshot.Role{earshot.RoleAgent, earshot.RoleCustomer} {
		rate := wer.Compare(said.words(role), spoken(us, role)).Rate()
		t.Logf("%s: word error rate %.1f %%", role, 100*rate)
		if rate > maxWordErrors {
			t.Errorf("%s: word error rate %.1f %% is over %.0f %%:\nsaid  %s\nheard %s", role, 100*rate,
				100*maxWordErrors, said.words(role), spoken(us, role))
		}
	}
	checkRecording(t, s, id, agent, customer)
}

func checkCall(t testing.TB, call earshot.Call, length int) {
	t.Helper()
	if len(call.Streams) != 2 || len(call.Participants) != 2 {
		t.Fatalf("%d streams and %d participants, want 2 and 2", len(call.Streams), len(call.Participants))
	}
	for i, want := range []struct {
		label, name string
		role        earshot.Role
	}{{"11", "Ellen Marsh", earshot.RoleAgent}, {"12", "Victor Lind", earshot.RoleCustomer}} {
		s := call.Streams[i]
		p := call.Speaker(s.ID)
		if s.Label != want.label || p == nil || p.Name != want.name || p.Role != want.role {
			t.Errorf("stream %d: label %q, speaker %+v", i, s.Label, p)
		}
		if s.Codec != "PCMU/8000" || s.PacketsReceived != uint64(length/20) || s.PacketsLost != 0 {
			t.Errorf("stream %d: %s, %d packets, %d lost, want %d packets", i, s.Codec, s.PacketsReceived, s.PacketsLost, length/20)
		}
	}
}

// checkRecording compares the rendered file with what was sent, sample by
// sample, allowing the streams the offset they have in the call.
func checkRecording(t testing.TB, s *server, id earshot.CallID, sent ...[]byte) {
	t.Helper()
	channels := s.recording(t, id)
	if len(channels) != len(sent) {
		t.Fatalf("the recording has %d channels, want %d", len(channels), len(sent))
	}
	for ch, want := range sent {
		want = want[:len(want)/160*160]
		pcm, got := linear(t, want), channels[ch]
		at, ok := align(got, pcm)
		if !ok || at < 0 {
			t.Errorf("channel %d does not hold what was sent", ch)
			continue
		}
		for i := range pcm {
			if at+i >= len(got) || got[at+i] != pcm[i] {
				t.Errorf("channel %d differs from sample %d of %d on; it begins at %d of %d", ch, i, len(pcm), at, len(got))
				break
			}
		}
	}
}

// align returns where in got the audio of want begins, which is where its
// first half second of sound is.
func align(got, want []int16) (int, bool) {
	const frame, span = 160, 4000
	for loud := 0; loud+span <= len(want); loud += frame {
		if quiet(want[loud : loud+frame]) {
			continue
		}
		needle := want[loud : loud+span]
		for at := max(0, loud-8000); at+span <= len(got) && at <= loud+8000; at++ {
			if slices.Equal(got[at:at+span], needle) {
				return at - loud, true
			}
		}
	}
	return 0, false
}

// fillScenario writes a copy of a scenario with its words replaced.
func fillScenario(t testing.TB, path string, words map[string]string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for from, to := range words {
		text = strings.ReplaceAll(text, from, to)
	}
	out := filepath.Join(t.TempDir(), filepath.Base(path))
	if err := os.WriteFile(out, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}
