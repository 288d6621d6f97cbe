package siprec

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"earshot"
)

// seeds returns our fixtures and the torture messages, filled in as if they
// came from a peer.
func seeds(f *testing.F, p *peer) [][]byte {
	f.Helper()
	var out [][]byte
	for _, pattern := range []string{"testdata/*.sip", "testdata/torture/*.sip"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("no %s: %v", pattern, err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			out = append(out, []byte(filled(string(raw), p, "1")))
		}
	}
	return out
}

// FuzzDatagram checks what is done to a datagram before the library sees it.
func FuzzDatagram(f *testing.F) {
	for _, raw := range seeds(f, &peer{conn: nowhere{}}) {
		f.Add(raw)
	}
	f.Add([]byte("BYE sip:x SIP/2.0\nVia: a\n\n"))
	s := &Server{parser: newParser()}
	f.Fuzz(func(t *testing.T, raw []byte) {
		mended := mendHeader(raw)
		if end := headerEnd(raw); end >= 0 && !strings.HasSuffix(string(mended), string(raw[end:])) {
			t.Fatal("the body was changed")
		}
		if again := mendHeader(mended); string(again) != string(mended) {
			t.Fatalf("mended twice it is %q, once %q", again, mended)
		}
		if fault := s.examine(mended); fault != nil {
			if res := answerTo(mended, fault); res != nil && !strings.HasPrefix(string(res), "SIP/2.0 ") {
				t.Fatalf("%q", res)
			}
		}
	})
}

// FuzzServer sends datagrams to a server with two calls on it, one of which
// they know. It must go on answering, without a panic, and the other call
// must not notice.
func FuzzServer(f *testing.F) {
	if flag.Lookup("test.fuzzworker").Value.String() == "true" { // or a million transactions wait for their end
		sip.SetTimers(time.Millisecond, 2*time.Millisecond, 2*time.Millisecond)
	}
	r := fuzzRig(f)
	conn, err := net.Dial("udp", r.Addr().String())
	if err != nil {
		f.Fatal(err)
	}
	defer conn.Close()
	p := &peer{conn: conn}
	for _, raw := range seeds(f, p) {
		f.Add(raw)
	}
	known := &script{p: p, id: "known", to: "<sip:srs@example.com>;tag=ours", target: "sip:srs@example.com", cseq: 10}
	for _, method := range []string{"INVITE", "UPDATE", "BYE", "ACK", "CANCEL", "OPTIONS", "INFO", "PRACK"} {
		f.Add([]byte(known.request(method, "", "")))
		f.Add([]byte(known.request(method, mixedType, mixed("application/sdp", sdpOf(audioLine(4000, "1")), "application/rs-metadata+xml", metadataText))))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		restoreKnown(t, r)
		_, _ = conn.Write(raw[:min(len(raw), maxDatagram)])
		alive(t, r, p)
		if n := counted(t, r.m.panics); n != 0 {
			t.Fatalf("%v handlers panicked", n)
		}
		d := r.dialogByID(dialogID("other", "ours"))
		if d == nil {
			t.Fatal("the other call is gone")
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.ended || d.state.RemoteCSeq != 1 {
			t.Fatal("the other call has changed")
		}
	})
}

// fuzzRig is a server whose new sessions are refused, so that they do not pile
// up, and that has taken up two calls.
func fuzzRig(f *testing.F) *rig {
	f.Helper()
	s := &sessions{}
	s.script(func(earshot.SessionOffer) (earshot.SessionAnswer, error) {
		return earshot.SessionAnswer{}, earshot.ErrNoPorts
	}, nil)
	j := &journal{dialogs: map[string]earshot.Dialog{"other;ours": restorable(f, "other")}}
	return startRig(f, Config{}, s, j)
}

// restorable is a dialog as it is stored. Its client's tag is the one that a
// script of the same Call-ID has.
func restorable(t testing.TB, callID string) earshot.Dialog {
	t.Helper()
	state, err := json.Marshal(dialogState{
		CallID: callID, LocalTag: "ours", RemoteTag: "f" + callID, LocalURI: "<sip:srs@example.com>", RemoteURI: "<sip:sbc@example.com>",
		RemoteTarget: "sip:sbc@127.0.0.1", RemoteCSeq: 1, Transport: "UDP", Source: "127.0.0.1:9", Host: "127.0.0.1",
	})
	if err != nil {
		t.Fatal(err)
	}
	return earshot.Dialog{ID: dialogID(callID, "ours"), CallID: "call", SegmentID: "seg", State: state}
}

// restoreKnown puts the call that the datagrams know back to its beginning.
func restoreKnown(t *testing.T, r *rig) {
	t.Helper()
	if d := r.dialogByID(dialogID("known", "ours")); d != nil {
		d.stopWaiting()
	}
	if err := r.Restore([]earshot.Dialog{restorable(t, "known")}); err != nil {
		t.Fatal(err)
	}
	r.sessions.forget()
}

// forget lets the offers go that a long run would pile up.
func (s *sessions) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offers, s.ended = nil, nil
}

// alive waits for the answer to an OPTIONS, past the answers to anything else.
func alive(t *testing.T, r *rig, p *peer) {
	t.Helper()
	probe := newScript(p)
	p.send(t, probe.request("OPTIONS", "", ""))
	for {
		got := p.datagram(5 * time.Second)
		if got == "" {
			t.Fatal("the server does not answer any more")
		}
		if strings.Contains(got, probe.id) {
			return
		}
	}
}

// datagram returns the next one, whatever is in it.
func (p *peer) datagram(patience time.Duration) string {
	_ = p.conn.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 65535)
	for {
		n, err := p.conn.Read(buf)
		if !errors.Is(err, syscall.ECONNREFUSED) { // for an earlier datagram
			return string(buf[:n])
		}
	}
}

// FuzzHeaders reads the headers that we take apart ourselves.
func FuzzHeaders(f *testing.F) {
	for _, s := range []string{
		"1800;refresher=uac", "90", "siprec, timer", "100relsiprec", "<sip:a@b>;+sip.src", "\"x\" <sips:[::1]:5061;transport=tls>",
		"sip:a@b;tag=1", "application/sdp;q=1, */*", "Digest realm=\"x\", nonce=\"y\"", "192.0.2.1:5060", "[2001:db8::1]:5060",
	} {
		f.Add(s, "INVITE")
	}
	s := &Server{parser: newParser()}
	f.Fuzz(func(t *testing.T, value, method string) {
		if strings.ContainsAny(value+method, "\r\n") {
			return
		}
		text := method + " sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: e\r\nCSeq: 1 " + method + "\r\n"
		for _, name := range []string{"Contact", "Session-Expires", "Min-SE", "Require", "Accept", "Allow", "Supported", "Route", "Record-Route", "Authorization", "Content-Type"} {
			text += name + ": " + value + "\r\n"
		}
		message, err := s.parser.ParseSIP(mendHeader([]byte(text + "\r\n")))
		req, ok := message.(*sip.Request)
		if err != nil || !ok {
			return
		}
		checkRequire(req)
		checkAccept(req)
		checkSessionTimer(req)
		d := &dialog{}
		d.arm(req, time.Now())
		if n := d.state.Timer.Seconds; n != 0 && n < minSessionExpires {
			t.Errorf("a timer of %d s", n)
		}
		s.authenticate(req, policy{Policy: Policy{DigestUser: "u", DigestPassword: "p"}})
		unreadable(req)
		malformed(req)
		_, _ = readContent(req, nil)
		if _, r := readContent(req, nil); r != nil && (r.status < 400 || r.status > 699) {
			t.Errorf("refused with %d", r.status)
		}
	})
}

// received is a connection that has received all it will.
type received struct {
	nowhere
	io.Reader
}

func (c received) Read(b []byte) (int, error)  { return c.Reader.Read(b) }
func (c received) Write(b []byte) (int, error) { return len(b), nil }
func (c received) RemoteAddr() net.Addr        { return c.LocalAddr() }

// FuzzConnection reads from a connection as the library does: it must get
// whole messages that it can parse, whatever came.
func FuzzConnection(f *testing.F) {
	for _, raw := range seeds(f, &peer{conn: nowhere{}, stream: true}) {
		f.Add(raw, uint8(0))
		f.Add(append(append([]byte("\r\n\r\n"), raw...), raw...), uint8(100))
	}
	s, err := NewServer(Config{}, nil, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte, chunk uint8) {
		c := &streamConn{Conn: received{Reader: bytes.NewReader(raw)}, s: s, chunk: make([]byte, int(chunk)+1)}
		stream := s.parser.NewSIPStream()
		buf := make([]byte, 65535)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			err = stream.ParseSIPStream(buf[:n], func(sip.Message) {})
			if err != nil && !errors.Is(err, sip.ErrParseSipPartial) {
				t.Fatalf("the library gets what it can't parse: %v\n%q", err, buf[:n])
			}
		}
	})
}
