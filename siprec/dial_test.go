package siprec

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"
)

// TestRequestsWithoutAConnection: when the client's connection is gone, as it
// is after a restart, ours is made to where it says to listen, and what goes
// over it is on the ladder.
func TestRequestsWithoutAConnection(t *testing.T) {
	a := newAuthority(t)
	files := a.issue(t, "srs.example")
	files.ClientCA = a.file("ca.pem")
	for _, way := range []string{"contact", "route", "tls"} {
		t.Run(way, func(t *testing.T) {
			k := &kept{}
			r := newRig(t, Config{Traces: tracesFunc(k.save), TLSListen: "127.0.0.1:0", TLS: files})
			home, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer home.Close()
			_ = home.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second))
			network, p := "tcp", r.peer(t, "tcp")
			if way == "tls" {
				cfg := a.client(t, "sbc.example")
				network, p = "tls", r.tlsPeer(t, cfg)
				home = tls.NewListener(home, cfg)
			}
			s := newScript(p)
			uri := "sip:sbc@" + home.Addr().String() + ";transport=" + network
			invite := s.request("INVITE", sdpType, sdpOf(audioLine(4000, "1")))
			if way == "route" {
				invite = strings.Replace(invite, "Contact:", "Record-Route: <"+uri+";lr>\r\nContact:", 1)
			} else {
				invite = strings.Replace(invite, "sip:sbc@"+p.conn.LocalAddr().String(), uri, 1)
			}
			ok := p.exchange(t, invite)
			s.to = headerIn(ok, "To")
			p.send(t, s.request("ACK", "", ""))
			id := dialogID(s.id, tagOf(s.to))
			eventually(t, "the ACK", func() bool { return !r.waitsForAck(id) })
			source := p.conn.LocalAddr().String()
			_ = p.conn.Close()
			eventually(t, "the connection to be gone", func() bool { return !r.connected(network, source) })
			ended := make(chan error, 1)
			go func() { ended <- r.EndDialog(t.Context(), id) }()
			conn, err := home.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			ours := &peer{conn: conn, stream: true}
			bye := ours.receive(t, 5*time.Second)
			if !strings.HasPrefix(bye, "BYE ") {
				t.Fatalf("this came:\n%s", bye)
			}
			ours.send(t, replyTo(bye, "200 OK"))
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if err := r.FlushTrace(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := rungs(k.all()); got != "> INVITE < 200 > ACK < BYE > 200" {
				t.Errorf("the ladder is %s", got)
			}
		})
	}
}

// TestClientThatIsGone: nobody listens there any more.
func TestClientThatIsGone(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "tcp"))
	s.establish(t, sdpType, sdpOf(audioLine(4000, "1")))
	id, source := dialogID(s.id, tagOf(s.to)), s.p.conn.LocalAddr().String()
	_ = s.p.conn.Close()
	eventually(t, "the connection to be gone", func() bool { return !r.connected("tcp", source) })
	if err := r.EndDialog(t.Context(), id); err == nil || !strings.Contains(err.Error(), "connect to the client") {
		t.Errorf("error %v", err)
	}
}
