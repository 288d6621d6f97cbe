package siprec

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder is a scripted recording server with one client on it.
type recorder struct {
	peer
	uri   string
	cseq  int
	begun string // the INVITE that was answered
}

// listenUDP waits for a datagram and answers on its way from then on.
func listenUDP(t *testing.T) *recorder {
	t.Helper()
	l, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &recorder{peer: peer{conn: &answering{UDPConn: l}}, uri: "sip:" + l.LocalAddr().String()}
}

// answering is a UDP socket that writes to whom it has last heard.
type answering struct {
	*net.UDPConn
	mu   sync.Mutex
	from *net.UDPAddr
}

func (a *answering) Read(b []byte) (int, error) {
	n, from, err := a.ReadFromUDP(b)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.from = from
	}
	return n, err
}

func (a *answering) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.WriteToUDP(b, a.from)
}

// await returns the next request of a method.
func (r *recorder) await(t *testing.T, method string) string {
	t.Helper()
	for {
		m := r.receive(t, 5*time.Second)
		if m == "" {
			t.Errorf("no %s came", method)
			return ""
		}
		if strings.HasPrefix(m, method+" ") {
			return m
		}
	}
}

// reply answers a request.
func (r *recorder) reply(t *testing.T, req, status, headers, body string) {
	t.Helper()
	to := headerIn(req, "To")
	if !strings.Contains(to, "tag=") {
		to += ";tag=srs"
	}
	r.send(t, fmt.Sprintf("SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: <%s>\r\n%sContent-Length: %d\r\n\r\n%s",
		status, headerIn(req, "Via"), headerIn(req, "From"), to, headerIn(req, "Call-ID"), headerIn(req, "CSeq"), r.uri, headers, len(body), body))
}

// accept answers an INVITE with one m-line and takes its ACK.
func (r *recorder) accept(t *testing.T, headers string) {
	t.Helper()
	r.begun = r.await(t, "INVITE")
	r.reply(t, r.begun, "200 OK", headers+"Content-Type: application/sdp\r\n", sdpOf(audioLine(30000, "1")))
	r.await(t, "ACK")
}

// ask sends a request within the dialog and returns the answer.
func (r *recorder) ask(t *testing.T, method, headers, body string) string {
	t.Helper()
	r.cseq++
	contact := strings.Trim(strings.SplitN(headerIn(r.begun, "Contact"), ">", 2)[0], "<")
	r.send(t, fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKsrs%d\r\nMax-Forwards: 70\r\nFrom: %s;tag=srs\r\nTo: %s\r\n"+
		"Call-ID: %s\r\nCSeq: %d %s\r\nContact: <%s>\r\n%sContent-Length: %d\r\n\r\n%s",
		method, contact, strings.TrimPrefix(r.uri, "sip:"), r.cseq, headerIn(r.begun, "To"), headerIn(r.begun, "From"),
		headerIn(r.begun, "Call-ID"), r.cseq, method, r.uri, headers, len(body), body))
	for {
		m := r.receive(t, 5*time.Second)
		if m == "" || strings.HasPrefix(m, "SIP/2.0 ") {
			return m
		}
	}
}

// steps collects what a client observes.
type steps struct {
	mu   sync.Mutex
	list []string
}

func (s *steps) observe(step Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	arrow := "->"
	if step.Received {
		arrow = "<-"
	}
	s.list = append(s.list, fmt.Sprintf("%s %s (%s) %d", arrow, step.Method, step.Detail, step.Status))
}

func (s *steps) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.list, "\n")
}

// recorded places a call to a scripted server; during runs while it is set up.
func recorded(t *testing.T, cfg ClientConfig, spec CallSpec, during func()) *ClientSession {
	t.Helper()
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	spec.Media, spec.Metadata = clientMedia(1), twoParties()
	var wg sync.WaitGroup
	wg.Go(during)
	s, err := c.Call(t.Context(), spec)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestClientAnswersTheServer(t *testing.T) {
	r, seen := listenUDP(t), &steps{}
	recorded(t, ClientConfig{Transport: "udp"}, CallSpec{To: r.uri, Observe: seen.observe, LateMetadata: true}, func() { r.accept(t, "") })
	if strings.Contains(r.begun, "rs-metadata+xml") {
		t.Error("late metadata came at once")
	}
	if ok := r.ask(t, "UPDATE", "Session-Expires: 1800;refresher=uac\r\n", ""); statusIn(ok) != 200 || headerIn(ok, "Session-Expires") == "" {
		t.Errorf("refresh answered\n%s", ok)
	}
	if ok := r.ask(t, "INVITE", "", ""); statusIn(ok) != 200 || !strings.Contains(ok, "a=sendonly") {
		t.Errorf("re-INVITE answered\n%s", ok)
	}
	ok := r.ask(t, "UPDATE", "Content-Disposition: recording-session\r\nContent-Type: application/rs-metadata\r\n",
		`<requestsnapshot xmlns="`+recordingSpace+`"/>`)
	if statusIn(ok) != 200 {
		t.Errorf("snapshot request answered\n%s", ok)
	}
	update := r.await(t, "UPDATE")
	if !strings.Contains(update, "<datamode>complete</datamode>") || !strings.Contains(update, "Paul Becker") {
		t.Errorf("snapshot\n%s", update)
	}
	r.reply(t, update, "200 OK", "", "")
	eventually(t, "the last step", func() bool { return strings.Contains(seen.text(), "-> UPDATE") })
	same(t, "steps", seen.text(), "-> INVITE (1 m-line) 200\n<- UPDATE (refresh) 200\n<- INVITE (refresh) 200\n"+
		"<- UPDATE (snapshot requested) 200\n-> UPDATE (metadata) 200")
}

func TestClientWithoutMetadataRefusesSnapshot(t *testing.T) {
	r := listenUDP(t)
	recorded(t, ClientConfig{Transport: "udp"}, CallSpec{To: r.uri, Dialect: cubeForkDialect()}, func() { r.accept(t, "") })
	if got := r.ask(t, "UPDATE", "", "<requestsnapshot/>"); statusIn(got) != 488 {
		t.Errorf("answered\n%s", got)
	}
}

func TestClientRefreshes(t *testing.T) {
	r := listenUDP(t)
	recorded(t, ClientConfig{Transport: "udp"}, CallSpec{To: r.uri, SessionExpires: 2, Refresher: "uac"}, func() {
		r.accept(t, "Session-Expires: 2;refresher=uac\r\nRequire: timer\r\n")
	})
	if got := headerIn(r.begun, "Session-Expires"); got != "2;refresher=uac" {
		t.Errorf("Session-Expires %q", got)
	}
	for range 2 { // it goes on
		update := r.await(t, "UPDATE")
		if headerIn(update, "Session-Expires") == "" || !strings.HasSuffix(update, "\r\n\r\n") {
			t.Errorf("refresh\n%s", update)
		}
		r.reply(t, update, "200 OK", "Session-Expires: 2;refresher=uac\r\n", "")
	}
}

func TestClientAnswersAChallenge(t *testing.T) {
	r := listenUDP(t)
	s := recorded(t, ClientConfig{Transport: "udp"}, CallSpec{To: r.uri, Username: "sbc", Password: "open"}, func() {
		first := r.await(t, "INVITE")
		if headerIn(first, "Authorization") != "" {
			t.Error("credentials came unasked")
		}
		r.reply(t, first, "401 Unauthorized", `WWW-Authenticate: Digest realm="earshot", nonce="n1", qop="auth", algorithm=SHA-256`+"\r\n", "")
		r.accept(t, "")
	})
	auth := headerIn(r.begun, "Authorization")
	if !strings.Contains(auth, `username="sbc"`) || !strings.Contains(auth, "response=") || strings.Contains(auth, "open") {
		t.Errorf("Authorization: %s", auth)
	}
	if headerIn(r.begun, "CSeq") != "2 INVITE" || s.cseq != 2 {
		t.Errorf("CSeq %s, %d", headerIn(r.begun, "CSeq"), s.cseq)
	}
}

func TestClientOverIPv6(t *testing.T) {
	r := newRig(t, Config{Listen: "[::1]:0"})
	for _, network := range []string{"udp", "tcp"} {
		c, err := NewClient(ClientConfig{Transport: network, Local: netip.MustParseAddr("::1")})
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Call(t.Context(), CallSpec{To: "sip:" + r.Addr().String(), Media: clientMedia(2), Metadata: twoParties()})
		if err != nil {
			t.Fatal(network, err)
		}
		if got := s.Answer()[1].Remote; !got.Addr().Is6() || got.Port() == 0 {
			t.Errorf("answer to %s", got)
		}
		if err := s.Bye(t.Context()); err != nil {
			t.Error(err)
		}
		_ = c.Close()
	}
}

func TestClientOverTLS(t *testing.T) {
	cert, pool := selfSigned(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := &recorder{uri: "sip:" + l.Addr().String() + ";transport=tls"}
	cfg := ClientConfig{Transport: "tls", TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	recorded(t, cfg, CallSpec{To: r.uri}, func() {
		conn, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { _ = conn.Close() })
		r.peer = peer{conn: conn, stream: true}
		r.accept(t, "")
	})
	if via := headerIn(r.begun, "Via"); !strings.Contains(via, "SIP/2.0/TLS") {
		t.Errorf("Via: %s", via)
	}
	stranger, err := NewClient(ClientConfig{Transport: "tls"})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := l.Accept(); err == nil {
			_, _ = conn.Read(make([]byte, 1)) // the handshake, which the client breaks off
			_ = conn.Close()
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := stranger.Call(ctx, CallSpec{To: r.uri, Media: clientMedia(1)}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate nobody vouches for: %v", err)
	}
	<-done
}

// selfSigned makes a certificate for 127.0.0.1.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, pool
}
