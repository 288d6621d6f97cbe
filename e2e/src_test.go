package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"earshot"
)

// src is a recording client written for these tests, straight on UDP: it is
// not our own SIP code that is its judge, and it outlives the server.
type src struct {
	conn   net.Conn
	callID string
	tag    string
	to     string // To with the server's tag once there is one
	target string // request URI
	cseq   int
}

// response is a SIP response taken apart as far as the tests need it.
type response struct {
	status int
	text   string
	header map[string]string // by lower-case name; of several the last
	body   string
}

func newSRC(t testing.TB, s *server) *src {
	t.Helper()
	return newSRCFrom(t, s, "127.0.0.1")
}

// newSRCFrom is a client with an address of its own.
func newSRCFrom(t testing.TB, s *server, host string) *src {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(host)}}
	conn, err := dialer.DialContext(t.Context(), "udp", s.sip)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	id := earshot.NewID()
	return &src{
		conn: conn, callID: id, tag: "t" + id[18:],
		to: "<sip:srs@" + s.sip + ">", target: "sip:srs@" + s.sip,
	}
}

// request sends a request again and again, as RFC 3261 17.1.2 has it, until
// the final response or patience is over; the zero response means none came.
func (c *src) request(t testing.TB, method, extra, body string, patience time.Duration) response {
	t.Helper()
	if method != "ACK" {
		c.cseq++
	}
	message := c.message(method, extra, body)
	deadline := time.Now().Add(patience)
	for interval := 500 * time.Millisecond; time.Now().Before(deadline); {
		_, _ = c.conn.Write(message) // refused while the server is down
		if method == "ACK" {
			return response{}
		}
		if r, ok := c.response(t, method, time.Now().Add(min(interval, time.Until(deadline)))); ok {
			return r
		}
		interval = min(2*interval, 4*time.Second)
	}
	return response{}
}

func (c *src) message(method, extra, body string) []byte {
	local := c.conn.LocalAddr().String()
	return fmt.Appendf(nil, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s%d%s\r\nMax-Forwards: 70\r\n"+
		"From: <sip:sbc@%s>;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\nContact: <sip:sbc@%s>;+sip.src\r\n%sContent-Length: %d\r\n\r\n%s",
		method, c.target, local, c.callID, c.cseq, method, local, c.tag, c.to, c.callID, c.cseq, method, local, extra, len(body), body)
}

// response waits for a final response to the current request.
func (c *src) response(t testing.TB, method string, until time.Time) (response, bool) {
	t.Helper()
	buf := make([]byte, 65535)
	for {
		_ = c.conn.SetReadDeadline(until)
		n, err := c.conn.Read(buf)
		if os.IsTimeout(err) {
			return response{}, false
		}
		if err != nil { // refused: the server is down; whoever waits sends again
			<-time.After(time.Until(until))
			return response{}, false
		}
		r, ok := parseResponse(buf[:n])
		if ok && r.status >= 200 && r.header["cseq"] == fmt.Sprintf("%d %s", c.cseq, method) {
			return r, true
		}
	}
}

func parseResponse(raw []byte) (response, bool) {
	head, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	lines := strings.Split(string(head), "\r\n")
	parts := strings.SplitN(lines[0], " ", 3)
	if len(parts) < 3 || parts[0] != "SIP/2.0" {
		return response{}, false
	}
	status, err := strconv.Atoi(parts[1])
	if err != nil {
		return response{}, false
	}
	r := response{status: status, text: parts[2], header: map[string]string{}, body: string(body)}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		r.header[strings.ToLower(name)] = strings.TrimSpace(value)
	}
	return r, true
}

var (
	portOf    = regexp.MustCompile(`m=audio (\d+) `)
	contactOf = regexp.MustCompile(`<([^>]+)>`)
)

// invite begins the recording of two streams and returns the ports to send to.
func (c *src) invite(t testing.TB) []int {
	t.Helper()
	ports := c.establish(t, inviteHeaders, twoStreams("127.0.0.1"))
	if len(ports) != 2 {
		t.Fatalf("%d ports in the answer, want 2", len(ports))
	}
	return ports
}

// establish sends an INVITE or re-INVITE, acknowledges its 200 and returns the
// port of each m-line.
func (c *src) establish(t testing.TB, headers, body string) []int {
	t.Helper()
	r := c.request(t, "INVITE", headers, body, 10*time.Second)
	if r.status != 200 {
		t.Fatalf("INVITE answered %d %s", r.status, r.text)
	}
	c.to = r.header["to"]
	if m := contactOf.FindStringSubmatch(r.header["contact"]); m != nil {
		c.target = m[1]
	}
	c.request(t, "ACK", "", "", time.Second)
	var ports []int
	for _, m := range portOf.FindAllStringSubmatch(r.body, -1) {
		port, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, port)
	}
	return ports
}

// bye ends the recording; the server may be down for a while.
func (c *src) bye(t testing.TB) {
	t.Helper()
	if r := c.request(t, "BYE", "", "", 30*time.Second); r.status != 200 {
		t.Errorf("BYE answered %d %s", r.status, r.text)
	}
}

const inviteHeaders = "Require: siprec\r\nAllow: INVITE, ACK, BYE, UPDATE\r\nContent-Type: multipart/mixed;boundary=mole\r\n"

// twoStreams is the body of an INVITE that offers an agent and a customer.
func twoStreams(host string) string {
	sdp := "v=0\r\no=sbc 1 1 IN IP4 " + host + "\r\ns=-\r\nc=IN IP4 " + host + "\r\nt=0 0\r\n" +
		"m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=label:a\r\na=sendonly\r\n" +
		"m=audio 40002 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=label:b\r\na=sendonly\r\n"
	metadata := `<?xml version="1.0"?><recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>complete</datamode>` +
		`<session session_id="s1"/>` +
		`<participant participant_id="p1"><nameID aor="sip:301@desk.example"><name>Olga Brandt</name></nameID>` +
		`<extensiondata><role xmlns="urn:earshot:call:1">agent</role></extensiondata></participant>` +
		`<participant participant_id="p2"><nameID aor="tel:+15550199"><name>Tim Forde</name></nameID></participant>` +
		`<stream stream_id="x1" session_id="s1"><label>a</label></stream><stream stream_id="x2" session_id="s1"><label>b</label></stream>` +
		`<participantstreamassoc participant_id="p1"><send>x1</send></participantstreamassoc>` +
		`<participantstreamassoc participant_id="p2"><send>x2</send></participantstreamassoc></recording>`
	return "--mole\r\nContent-Type: application/sdp\r\n\r\n" + sdp + "\r\n--mole\r\n" +
		"Content-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session\r\n\r\n" + metadata + "\r\n--mole--\r\n"
}

// speak sends audio to the ports in real time, a party each, and returns when
// it is all said. Packets to a server that is down are lost, as on a wire.
func speak(t testing.TB, ports []int, audio ...[]byte) {
	t.Helper()
	var wg sync.WaitGroup
	for i, a := range audio {
		conn, err := net.Dial("udp", "127.0.0.1:"+strconv.Itoa(ports[i]))
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			defer conn.Close()
			stream(conn, uint32(i+1), a)
		})
	}
	wg.Wait()
}

func stream(conn net.Conn, ssrc uint32, audio []byte) {
	const frame = 160
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := 0; (n+1)*frame <= len(audio); n++ {
		p := rtp.Packet{
			Header:  rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(n * frame), SSRC: ssrc},
			Payload: audio[n*frame : (n+1)*frame],
		}
		if raw, err := p.Marshal(); err == nil {
			_, _ = conn.Write(raw)
		}
		<-tick.C
	}
}
