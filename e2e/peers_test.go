package e2e

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/media/wav"
)

// peerCall is how baresip, a user agent of other people's making, calls.
type peerCall struct {
	name, codec, want string
	rate, channels    int
	encryption        string
	alike             float64 // least correlation with what was said
}

// TestBaresip lets baresip place ordinary calls, without metadata, in each of
// its codecs and ways of encryption, and compares the recording with what it
// was given to say.
func TestBaresip(t *testing.T) {
	for _, c := range []peerCall{
		{"mu-law", "PCMU/8000/1", "PCMU/8000", 8000, 1, "", 0.999},
		{"A-law", "PCMA/8000/1", "PCMA/8000", 8000, 1, "", 0.999},
		{"G.722", "G722/16000/1", "G722/8000", 16000, 1, "", 0.95},
		{"Opus", "opus/48000/2", "opus/48000/2", 48000, 2, "", 0.9},
		{"SRTP by SDES", "PCMU/8000/1", "PCMU/8000", 8000, 1, "srtp-mand", 0.999},
		{"SRTP by DTLS", "PCMA/8000/1", "PCMA/8000", 8000, 1, "dtls_srtp", 0.999},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			testPeer(t, c)
		})
	}
}

func testPeer(t *testing.T, c peerCall) {
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s")
	said := stretch(linear(t, mulaw(t, "testdata/support/agent.ulaw"))[:6*8000], c.rate/8000)
	dir := t.TempDir()
	channels := make([][]int16, c.channels)
	for i := range channels {
		channels[i] = said
	}
	if err := wav.WriteFile(filepath.Join(dir, "said.wav"), c.rate, channels...); err != nil {
		t.Fatal(err)
	}
	out := c.baresip(t, dir, s)
	call := s.onlyCall(t)
	wait(t, 20*time.Second, "the recording", func() bool {
		call = s.call(t, call.ID)
		return call.State.Ended() && call.RecordingReady
	})
	if len(call.Streams) != 1 {
		t.Fatalf("%d streams, want 1; baresip:\n%s", len(call.Streams), out)
	}
	st := call.Streams[0]
	if !strings.EqualFold(st.Codec, c.want) || st.PacketsReceived < 290 || st.PacketsLost+st.PacketsDropped != 0 {
		t.Errorf("%s, %d packets, %d lost, %d invalid; baresip:\n%s", st.Codec, st.PacketsReceived, st.PacketsLost, st.PacketsInvalid, out)
	}
	plain := s.metric(t, "earshot_media_packets_unauthentic_total") // one, before the key is in force
	if float64(st.PacketsInvalid) != plain || plain > 1 || c.encryption == "" && plain > 0 {
		t.Errorf("%d invalid packets, %.0f of them not authentic", st.PacketsInvalid, plain)
	}
	rate, heard := s.heard(t, call.ID)
	if rate != c.rate {
		t.Fatalf("the recording has %d Hz, want %d", rate, c.rate)
	}
	if got := likeness(said, heard, rate); got < c.alike {
		t.Errorf("correlation %.4f with what was said, want %.3f", got, c.alike)
	} else {
		t.Logf("correlation %.4f", got)
	}
}

// baresip plays said.wav of the folder to the server and hangs up at its end.
func (c peerCall) baresip(t *testing.T, dir string, s *server) string {
	t.Helper()
	modules, err := filepath.Glob("/usr/lib/*/baresip/modules")
	if err != nil || len(modules) == 0 {
		modules = []string{"/usr/lib/baresip/modules"}
	}
	first := freePortRange(t, 20)
	config := fmt.Sprintf("module_path %s\nsip_listen 127.0.0.1:%d\nnet_interface 127.0.0.1\nrtp_ports %d-%d\n"+
		"audio_source aufile,%s\naudio_player aufile,%s\n", modules[0], first, first+2, first+19,
		filepath.Join(dir, "said.wav"), filepath.Join(dir, "heard.wav"))
	for _, m := range []string{"module g711", "module g722", "module opus", "module aufile", "module srtp", "module dtls_srtp", "module_app account", "module_app menu"} {
		config += m + ".so\n"
	}
	account := "<sip:peer@127.0.0.1>;regint=0;audio_codecs=" + c.codec
	if c.encryption != "" {
		account += ";mediaenc=" + c.encryption
	}
	for name, text := range map[string]string{"config": config, "accounts": account + "\n", "contacts": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "baresip", "-f", dir, "-t", "8", "-e", "/dial sip:rec@"+s.sip).CombinedOutput()
	if err != nil {
		t.Fatalf("baresip: %v\n%s", err, tail(out, 2000))
	}
	return string(tail(out, 2000))
}

// stretch returns the audio at a multiple of its rate.
func stretch(pcm []int16, times int) []int16 {
	out := make([]int16, 0, len(pcm)*times)
	for i, v := range pcm {
		next := int(pcm[min(i+1, len(pcm)-1)])
		for j := range times {
			out = append(out, int16(int(v)+(next-int(v))*j/times))
		}
	}
	return out
}

// heard reads the first channel of a call's recording and its rate.
func (s *server) heard(t *testing.T, id earshot.CallID) (rate int, pcm []int16) {
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
	channels, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return r.Rate, channels[0]
}

// likeness is the correlation of all that was said with what was heard, which
// begins up to half a second later: where the loudest quarter of a second is
// most alike.
func likeness(said, heard []int16, rate int) float64 {
	span, loudest, from := rate/4, 0.0, 0
	for at := 0; at+span < len(said); at += span {
		if e := dot(said[at:at+span], said[at:at+span]); e > loudest {
			loudest, from = e, at
		}
	}
	best, begin := 0.0, 0
	for at := from; at <= from+rate/2 && at+span <= len(heard); at++ {
		if c := correlation(said[from:from+span], heard[at:]); c > best {
			best, begin = c, at-from
		}
	}
	return correlation(said, heard[begin:])
}

func correlation(a, b []int16) float64 {
	n := min(len(a), len(b))
	return dot(a[:n], b[:n]) / math.Sqrt(dot(a[:n], a[:n])*dot(b[:n], b[:n])+1)
}

func dot(a, b []int16) float64 {
	sum := 0.0
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return sum
}
