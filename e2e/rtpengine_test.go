package e2e

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot"
)

// TestRTPEngine lets rtpengine, the media relay of many session border
// controllers, fork a call of two parties: plain and under keys of both kinds.
// The recording is what the parties said, sample by sample.
func TestRTPEngine(t *testing.T) {
	t.Parallel()
	relay := newRelay(t)
	for _, profile := range []string{"RTP/AVP", "RTP/SAVP", "UDP/TLS/RTP/SAVP"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			testFork(t, relay, profile)
		})
	}
}

func testFork(t *testing.T, relay *relay, profile string) {
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s")
	audio := excerpt(t, 12)
	parties := relay.bridge(t, earshot.NewID())
	offer := parties.fork(t, profile)
	c := newSRC(t, s)
	body := withSDP(offer)
	r := c.request(t, "INVITE", inviteHeaders, body, 10*time.Second)
	if r.status != 200 || strings.Count(r.body, " "+profile+" ") != 2 {
		t.Fatalf("answered %d\n%s\nto\n%s", r.status, r.body, offer)
	}
	c.cseq-- // the same INVITE again: established by what it answers
	c.establish(t, inviteHeaders, body)
	parties.accept(t, r.body)
	if strings.Contains(profile, "TLS") {
		wait(t, 20*time.Second, "the keys of RTP and RTCP, twice", func() bool {
			return strings.Count(relay.out.String(), "DTLS-SRTP successfully negotiated") == 4
		})
	}
	speak(t, parties.ports, audio[:]...)
	c.bye(t)
	call := s.onlyCall(t)
	wait(t, 20*time.Second, "the recording", func() bool {
		call = s.call(t, call.ID)
		return call.State.Ended() && call.RecordingReady
	})
	for _, st := range call.Streams {
		if st.PacketsInvalid+st.PacketsLost != 0 {
			t.Errorf("%s: %+v", st.Label, st.StreamStats)
		}
	}
	for ch, got := range s.recording(t, call.ID) {
		if missing := missingFrames(got, linear(t, audio[ch])); missing > 0 {
			t.Errorf("channel %d: %d frames missing", ch, missing)
		}
	}
}

var labelLine = regexp.MustCompile(`a=label:\S+`)

// withSDP is twoStreams with another offer, whose labels become a and b.
func withSDP(sdp string) string {
	labels := []string{"a=label:a", "a=label:b", ""}
	sdp = labelLine.ReplaceAllStringFunc(sdp, func(string) string {
		l := labels[0]
		labels = labels[1:]
		return l
	})
	whole := twoStreams("127.0.0.1")
	from, to := strings.Index(whole, "v=0"), strings.Index(whole, "\r\n--mole\r\nContent-Type: application/rs")
	return whole[:from] + sdp + whole[to:]
}

// relay is an rtpengine of the test's own, without its kernel module.
type relay struct {
	out     *lockedBuffer
	mu      sync.Mutex
	control net.Conn
	cookie  int
}

func newRelay(t *testing.T) *relay {
	t.Helper()
	first, out := freePortRange(t, mediaPorts), &lockedBuffer{}
	control := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	cmd := exec.Command("rtpengine", "--config-file=none", "--foreground", "--log-stderr", "--table=-1", "--num-threads=1",
		"--interface=127.0.0.1", "--listen-ng="+control, "--pidfile="+filepath.Join(t.TempDir(), "pid"),
		"--port-min="+strconv.Itoa(first), "--port-max="+strconv.Itoa(first+mediaPorts-1))
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("udp", control)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("rtpengine:\n%s", tail([]byte(out.String()), 4000))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	r := &relay{out: out, control: conn}
	wait(t, 10*time.Second, "rtpengine to answer", func() bool {
		_, err := r.ask("ping")
		return err == nil
	})
	return r
}

// ask sends a command of the NG protocol with pairs of keys and values, and
// returns the SDP of the answer.
func (r *relay) ask(command string, pairs ...string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cookie++
	message := fmt.Sprintf("%d d%s", r.cookie, bencode("command", command))
	for i := 0; i < len(pairs); i += 2 {
		message += bencode(pairs[i], pairs[i+1])
	}
	if _, err := r.control.Write([]byte(message + "e")); err != nil {
		return "", err
	}
	_ = r.control.SetReadDeadline(time.Now().Add(2 * time.Second))
	buf := make([]byte, 65535)
	for {
		n, err := r.control.Read(buf)
		if err != nil {
			return "", err
		}
		cookie, answer, _ := strings.Cut(string(buf[:n]), " ")
		if cookie != strconv.Itoa(r.cookie) {
			continue // to a ping that was given up
		}
		if !strings.Contains(answer, "6:result2:ok") && !strings.Contains(answer, "6:result4:pong") {
			return "", fmt.Errorf("%s: %s", command, answer)
		}
		return stringOf(answer, "3:sdp"), nil
	}
}

// bencode writes a key and its value: a list if it ends in a comma.
func bencode(key, value string) string {
	if item, ok := strings.CutSuffix(value, ","); ok {
		return fmt.Sprintf("%d:%sl%d:%se", len(key), key, len(item), item)
	}
	return fmt.Sprintf("%d:%s%d:%s", len(key), key, len(value), value)
}

// stringOf returns the string behind a key, "" if there is none.
func stringOf(dictionary, key string) string {
	_, rest, _ := strings.Cut(dictionary, key)
	length, rest, _ := strings.Cut(rest, ":")
	n, err := strconv.Atoi(length)
	if err != nil || n > len(rest) {
		return ""
	}
	return rest[:n]
}

// bridged is a call of two parties through the relay.
type bridged struct {
	relay *relay
	id    string
	tag   string // of the fork
	ports []int  // where the caller and the callee send
}

func (r *relay) bridge(t *testing.T, id string) *bridged {
	t.Helper()
	b := &bridged{relay: r, id: id}
	toCallee := b.ask(t, "offer", "from-tag", "caller", "sdp", partySDP(9))
	toCaller := b.ask(t, "answer", "from-tag", "caller", "to-tag", "callee", "sdp", partySDP(19))
	for _, m := range portOf.FindAllStringSubmatch(toCaller+toCallee, -1) {
		port, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		b.ports = append(b.ports, port)
	}
	return b
}

func partySDP(port int) string {
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\n", port)
}

func (b *bridged) ask(t *testing.T, command string, pairs ...string) string {
	t.Helper()
	sdp, err := b.relay.ask(command, append([]string{"call-id", b.id}, pairs...)...)
	if err != nil {
		t.Fatal(err)
	}
	return sdp
}

// fork returns the offer of a copy of both parties' media.
func (b *bridged) fork(t *testing.T, profile string) string {
	t.Helper()
	b.tag = "recorder"
	return b.ask(t, "subscribe request", "flags", "all,", "to-tag", b.tag, "transport-protocol", profile)
}

// accept gives the relay the answer to the fork.
func (b *bridged) accept(t *testing.T, answer string) {
	t.Helper()
	b.ask(t, "subscribe answer", "to-tag", b.tag, "sdp", answer)
}
