package siprec

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"earshot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sessions is a Sessions of functions; nil ones accept.
type sessions struct {
	mu     sync.Mutex
	begin  beginFunc
	update updateFunc
	offers []earshot.SessionOffer
	ended  []string
	noted  []string
	port   int
	first  int // the port of the first m-line, 0: each answer has new ports
	alive  bool
}

func (s *sessions) Begin(_ context.Context, o earshot.SessionOffer) (earshot.SessionAnswer, error) {
	s.mu.Lock()
	begin := s.begin
	s.mu.Unlock()
	if begin != nil {
		return begin(o)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offers = append(s.offers, o)
	return earshot.SessionAnswer{CallID: "call", SegmentID: earshot.SegmentID("seg-" + o.SIPCallID), Media: s.accept(o.Media)}, nil
}

type (
	beginFunc  = func(earshot.SessionOffer) (earshot.SessionAnswer, error)
	updateFunc = func(earshot.SegmentID, earshot.SessionOffer) (earshot.SessionAnswer, error)
)

// keepPorts has the answers from now on use the ports of the first one.
func (s *sessions) keepPorts() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first = 2
}

// script sets what happens next; nil accepts.
func (s *sessions) script(begin beginFunc, update updateFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin, s.update = begin, update
}

// accept answers each audio m-line that has PCMU or PCMA.
func (s *sessions) accept(media []earshot.MediaOffer) []earshot.MediaAnswer {
	out := make([]earshot.MediaAnswer, len(media))
	if s.first != 0 {
		s.port = s.first - 2
	}
	for i, m := range media {
		var formats []earshot.Format
		for _, f := range m.Formats {
			if f.Is("PCMU") || f.Is("PCMA") || f.Is("telephone-event") {
				formats = append(formats, f)
			}
		}
		if m.Kind != "audio" || m.Port == 0 || len(formats) == 0 {
			continue
		}
		s.port += 2
		direction := earshot.RecvOnly
		if m.Direction == earshot.Inactive {
			direction = earshot.Inactive
		}
		out[i] = earshot.MediaAnswer{Accepted: true, Port: 30000 + s.port, Formats: formats, Direction: direction}
	}
	return out
}

func (s *sessions) Update(_ context.Context, id earshot.SegmentID, o earshot.SessionOffer) (earshot.SessionAnswer, error) {
	s.mu.Lock()
	update := s.update
	s.mu.Unlock()
	if update != nil {
		return update(id, o)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offers = append(s.offers, o)
	return earshot.SessionAnswer{CallID: "call", SegmentID: id, Media: s.accept(o.Media)}, nil
}

func (s *sessions) End(_ context.Context, id earshot.SegmentID, reason string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = append(s.ended, string(id)+": "+reason)
	return nil
}

func (s *sessions) Alive(earshot.SegmentID, time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alive
}

func (s *sessions) Note(_ context.Context, _ earshot.SegmentID, problem string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noted = append(s.noted, problem)
	return nil
}

func (s *sessions) last(t *testing.T) earshot.SessionOffer {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.offers) == 0 {
		t.Fatal("no session was offered")
	}
	return s.offers[len(s.offers)-1]
}

func (s *sessions) all() []earshot.SessionOffer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]earshot.SessionOffer(nil), s.offers...)
}

func (s *sessions) ends() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.ended...)
}

// journal keeps dialogs in memory.
type journal struct {
	mu      sync.Mutex
	dialogs map[string]earshot.Dialog
	fail    error
}

func (j *journal) SaveDialog(_ context.Context, d earshot.Dialog) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail == nil {
		j.dialogs[d.ID] = d
	}
	return j.fail
}

func (j *journal) DeleteDialog(_ context.Context, id string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.dialogs, id)
	return nil
}

func (j *journal) all() []earshot.Dialog {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []earshot.Dialog
	for _, d := range j.dialogs {
		out = append(out, d)
	}
	return out
}

type rig struct {
	*Server
	sessions *sessions
	journal  *journal
}

func newRig(t *testing.T, cfg Config) *rig {
	t.Helper()
	return startRig(t, cfg, &sessions{}, &journal{dialogs: map[string]earshot.Dialog{}})
}

func startRig(t testing.TB, cfg Config, s *sessions, j *journal) *rig {
	t.Helper()
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	server, err := NewServer(cfg, s, j, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Restore(j.all()); err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return &rig{Server: server, sessions: s, journal: j}
}

// peer is a scripted client on a socket of its own.
type peer struct {
	conn   net.Conn
	stream bool
	via    string // transport in Via, where it is neither UDP nor TCP
	buf    []byte
}

func (r *rig) peer(t *testing.T, network string) *peer {
	t.Helper()
	conn, err := net.Dial(network, r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &peer{conn: conn, stream: network == "tcp"}
}

func (p *peer) send(t *testing.T, message string) {
	t.Helper()
	if _, err := p.conn.Write([]byte(message)); err != nil {
		t.Fatal(err)
	}
}

// receive returns the next message with a status of at least 200, or a
// request, within patience; "" when none comes.
func (p *peer) receive(t *testing.T, patience time.Duration) string {
	t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(patience))
	for {
		if m := p.next(); m != "" {
			if !strings.HasPrefix(m, "SIP/2.0 1") {
				return m
			}
			continue
		}
		chunk := make([]byte, 65535)
		n, err := p.conn.Read(chunk)
		if err != nil {
			return ""
		}
		p.buf = append(p.buf, chunk[:n]...)
	}
}

// next cuts a message off what was received.
func (p *peer) next() string {
	text := string(p.buf)
	head, body, found := strings.Cut(text, "\r\n\r\n")
	if !found {
		return ""
	}
	n, err := strconv.Atoi(headerIn(head, "Content-Length"))
	if err != nil || len(body) < n {
		return ""
	}
	size := len(head) + 4 + n
	p.buf = p.buf[size:]
	return text[:size]
}

func (p *peer) exchange(t *testing.T, message string) string {
	t.Helper()
	p.send(t, message)
	got := p.receive(t, 5*time.Second)
	if got == "" {
		t.Fatalf("no answer to\n%s", message[:min(len(message), 300)])
	}
	return got
}

func statusIn(message string) int {
	fields := strings.SplitN(message, " ", 3)
	if len(fields) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(fields[1])
	return n
}

func headerIn(message, name string) string {
	for line := range strings.Lines(message) {
		n, v, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if strings.EqualFold(n, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// script makes the requests of one dialog.
type script struct {
	p      *peer
	id     string
	to     string
	target string
	cseq   int
}

func newScript(p *peer) *script {
	return &script{p: p, id: earshot.NewID(), to: "<sip:srs@example.com>", target: "sip:srs@example.com"}
}

func (s *script) request(method, headers, body string) string {
	if method != "ACK" && method != "CANCEL" {
		s.cseq++
	}
	via := "UDP"
	if s.p.stream {
		via = "TCP"
	}
	if s.p.via != "" {
		via = s.p.via
	}
	branch := fmt.Sprintf("z9hG4bK%s%d", s.id, s.cseq)
	if method == "ACK" {
		branch += "ack"
	}
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=%s\r\nMax-Forwards: 70\r\nFrom: <sip:sbc@example.com>;tag=f%s\r\n"+
		"To: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\nContact: <sip:sbc@%s>;+sip.src\r\n%sContent-Length: %d\r\n\r\n%s",
		method, s.target, via, s.p.conn.LocalAddr(), branch, s.id, s.to, s.id, s.cseq, method, s.p.conn.LocalAddr(), headers, len(body), body)
}

// establish invites and acknowledges; it returns the 200.
func (s *script) establish(t *testing.T, headers, body string) string {
	t.Helper()
	ok := s.p.exchange(t, s.request("INVITE", headers, body))
	if statusIn(ok) != 200 {
		t.Fatalf("INVITE answered\n%s", ok)
	}
	s.to = headerIn(ok, "To")
	s.target = strings.Trim(strings.SplitN(headerIn(ok, "Contact"), ">", 2)[0], "<")
	s.p.send(t, s.request("ACK", "", ""))
	return ok
}

const (
	sdpType   = "Require: siprec\r\nContent-Type: application/sdp\r\n"
	mixedType = "Require: siprec\r\nContent-Type: multipart/mixed;boundary=fence\r\n"
)

// sdpOf writes an offer of the given m-lines with their attributes.
func sdpOf(mlines ...string) string {
	return "v=0\r\no=sbc 7 7 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" + strings.Join(mlines, "")
}

func audioLine(port int, label string) string {
	return fmt.Sprintf("m=audio %d RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=label:%s\r\na=sendonly\r\n", port, label)
}

func mixed(parts ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(parts); i += 2 {
		fmt.Fprintf(&b, "--fence\r\nContent-Type: %s\r\n\r\n%s\r\n", parts[i], parts[i+1])
	}
	return b.String() + "--fence--\r\n"
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		<-tick.C
	}
}

// nowhere is a connection that only has an address.
type nowhere struct{ net.Conn }

func (nowhere) LocalAddr() net.Addr { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5060} }

// dialFrom opens a UDP socket on an address of ours.
func dialFrom(t *testing.T, host, to string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(host)}}
	conn, err := d.DialContext(t.Context(), "udp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
