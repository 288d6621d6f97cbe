package siprec

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"earshot"
)

// tracesFunc is a Traces of a function.
type tracesFunc func([]earshot.SIPMessage) error

func (f tracesFunc) SaveSIP(_ context.Context, list []earshot.SIPMessage) error { return f(list) }

// kept remembers what was stored.
type kept struct {
	mu   sync.Mutex
	list []earshot.SIPMessage
	err  error
}

func (k *kept) save(list []earshot.SIPMessage) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil {
		k.list = append(k.list, list...)
	}
	return k.err
}

func (k *kept) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
}

// forget begins anew with an error.
func (k *kept) forget(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list, k.err = nil, err
}

func (k *kept) all() []earshot.SIPMessage {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]earshot.SIPMessage(nil), k.list...)
}

// rungs returns the ladder in short: "> INVITE", "< 200".
func rungs(list []earshot.SIPMessage) string {
	var out []string
	for _, m := range list {
		what, _, _ := strings.Cut(strings.TrimPrefix(m.FirstLine, "SIP/2.0 "), " ")
		if what == "100" {
			continue // may come or not
		}
		if m.Sent {
			out = append(out, "< "+what)
		} else {
			out = append(out, "> "+what)
		}
	}
	return strings.Join(out, " ")
}

func TestLadderOfADialog(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			k := &kept{}
			r := newRig(t, Config{Traces: tracesFunc(k.save)})
			s := newScript(r.peer(t, network))
			s.establish(t, sdpType, sdpOf(audioLine(4000, "1")))
			s.p.exchange(t, s.request("UPDATE", "", ""))
			s.p.exchange(t, s.request("BYE", "", ""))
			const want = "> INVITE < 200 > ACK > UPDATE < 200 > BYE < 200"
			eventually(t, want, func() bool {
				if err := r.FlushTrace(t.Context()); err != nil {
					t.Fatal(err)
				}
				return rungs(k.all()) == want
			})
			for _, m := range k.all() {
				if m.CallID != "call" || m.SegmentID != earshot.SegmentID("seg-"+s.id) || m.Transport != strings.ToUpper(network) ||
					m.Peer != s.p.conn.LocalAddr().String() || m.Local != r.Addr().String() ||
					m.CSeq == "" || m.Size == 0 || m.Text == "" || time.Since(m.At) > time.Minute {
					t.Errorf("message %+v", m)
				}
			}
			if len(r.Refused()) != 0 {
				t.Errorf("refused: %+v", r.Refused())
			}
		})
	}
}

func TestLadderGoesOnAfterARestart(t *testing.T) {
	k := &kept{}
	r := newRig(t, Config{Traces: tracesFunc(k.save)})
	s := newScript(r.peer(t, "udp"))
	s.establish(t, sdpType, sdpOf(audioLine(4000, "1")))
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if got := rungs(k.all()); !strings.HasPrefix(got, "> INVITE < 200") {
		t.Fatalf("after the stop the ladder is %q", got)
	}
	again := &kept{}
	next := startRig(t, Config{Traces: tracesFunc(again.save)}, r.sessions, r.journal)
	s.p = next.peer(t, "udp")
	s.p.exchange(t, s.request("BYE", "", ""))
	if err := next.FlushTrace(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := rungs(again.all()); got != "> BYE < 200" {
		t.Errorf("after the restart the ladder is %q", got)
	}
}

func TestLadderWaitsForItsStore(t *testing.T) {
	k := &kept{err: errors.New("disk full")}
	r := newRig(t, Config{Traces: tracesFunc(k.save)})
	s := newScript(r.peer(t, "udp"))
	s.establish(t, sdpType, sdpOf(audioLine(4000, "1")))
	if err := r.FlushTrace(t.Context()); err == nil {
		t.Error("a store that fails is no error")
	}
	k.fail(nil)
	if err := r.FlushTrace(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := rungs(k.all()); !strings.HasPrefix(got, "> INVITE < 200") {
		t.Errorf("after the failure the ladder is %q", got)
	}
	k.forget(errors.New("disk full"))
	for range maxPending { // more than may wait
		s.p.exchange(t, s.request("OPTIONS", "", ""))
	}
	k.fail(nil)
	if err := r.FlushTrace(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(k.all()); n != maxPending {
		t.Errorf("%d messages are stored, want the newest %d", n, maxPending)
	}
}

func TestRefusalsAreRemembered(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	s.p.exchange(t, s.request("INVITE", "Require: teleport\r\nContent-Type: application/sdp\r\n", sdpOf(audioLine(4000, "1"))))
	p := r.peer(t, "udp")
	p.exchange(t, newScript(p).request("INVITE", "CSeq: many\r\n", ""))
	p.send(t, "hello, is there anybody?\r\n\r\n")
	eventually(t, "three refusals", func() bool { return len(r.Refused()) == 3 })
	got := r.Refused()
	for i, want := range []struct {
		status int
		reason string
	}{{0, "can not be parsed"}, {400, "cseq stands twice"}, {420, "Bad Extension"}} {
		if got[i].Status != want.status || !strings.Contains(got[i].Reason, want.reason) || got[i].Peer == "" || got[i].Text == "" {
			t.Errorf("refusal %d: %+v", i, got[i])
		}
	}
}

// TestStrangersStayOutOfLadders sends requests of a stranger under the Call-ID
// of a session that is up.
func TestStrangersStayOutOfLadders(t *testing.T) {
	k := &kept{}
	r := newRig(t, Config{Peers: []string{"127.0.0.1"}, Traces: tracesFunc(k.save)})
	s := newScript(r.peer(t, "udp"))
	s.establish(t, sdpType, sdpOf(audioLine(4000, "1")))
	stranger := &peer{conn: dialFrom(t, "127.0.0.2", r.Addr().String())}
	spoofed := *s
	spoofed.p = stranger
	if got := statusIn(stranger.exchange(t, spoofed.request("BYE", "", ""))); got != 403 {
		t.Fatalf("a stranger's BYE is answered %d", got)
	}
	if err := r.FlushTrace(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := rungs(k.all()); strings.Contains(got, "BYE") || strings.Contains(got, "403") {
		t.Errorf("the ladder is %q", got)
	}
	other := newScript(stranger)
	stranger.exchange(t, other.request("INVITE", sdpType, sdpOf(audioLine(4000, "1"))))
	if list := r.Refused(); len(list) != 1 || list[0].Status != 403 || list[0].SIPCallID != other.id {
		t.Errorf("refused: %+v", list)
	}
}

// TestStrangersReachNoTransaction sends what would make the library call the
// host of the Via, had it seen the request.
func TestStrangersReachNoTransaction(t *testing.T) {
	r := newRig(t, Config{Peers: []string{"192.0.2.1"}})
	for _, network := range []string{"udp", "tcp"} {
		p := r.peer(t, network)
		for _, method := range []string{"INVITE", "OPTIONS", "REGISTER"} {
			got := p.exchange(t, newScript(p).request(method, "", ""))
			if statusIn(got) != 403 || !strings.Contains(headerIn(got, "Warning"), "sip.peers") {
				t.Errorf("%s over %s answered\n%s", method, network, got)
			}
		}
	}
	if n := counted(t, r.m.strangers); n != 6 {
		t.Errorf("%v strangers counted, want 6", n)
	}
	if n := summed(t, r.m.requests); n != 0 {
		t.Errorf("%v requests of strangers reached a handler", n)
	}
}

func summed(t *testing.T, c prometheus.Collector) float64 {
	t.Helper()
	list := make(chan prometheus.Metric, 100)
	c.Collect(list)
	close(list)
	sum := 0.0
	for m := range list {
		var out dto.Metric
		if err := m.Write(&out); err != nil {
			t.Fatal(err)
		}
		sum += out.GetCounter().GetValue()
	}
	return sum
}
