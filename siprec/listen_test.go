package siprec

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// TestListenAddresses places a session on each way to say where to listen, and
// has the server end it.
func TestListenAddresses(t *testing.T) {
	for _, tc := range []struct{ listen, dial string }{
		{"127.0.0.1:0", "127.0.0.1"}, {"0.0.0.0:0", "127.0.0.1"}, {":0", "127.0.0.1"}, {"[::1]:0", "::1"}, {"[::]:0", "::1"},
	} {
		t.Run(tc.listen+" from "+tc.dial, func(t *testing.T) {
			r := newRig(t, Config{Listen: tc.listen})
			port := r.Addr().(*net.UDPAddr).Port
			for _, network := range []string{"udp", "tcp"} {
				conn, err := net.Dial(network, hostPort(tc.dial, port))
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				s := newScript(&peer{conn: conn, stream: network == "tcp"})
				ok := s.establish(t, sdpType, sdpOf(audioLine(40000, "1")))
				family, host := "IP4", tc.dial
				if strings.Contains(host, ":") {
					family, host = "IP6", "["+tc.dial+"]"
				}
				if want := fmt.Sprintf("c=IN %s %s\r\n", family, tc.dial); !strings.Contains(ok, want) {
					t.Errorf("%s: no %q in\n%s", network, want, ok)
				}
				if want := fmt.Sprintf("<sip:earshot@%s:%d", host, port); !strings.HasPrefix(headerIn(ok, "Contact"), want) {
					t.Errorf("%s: Contact %s, want %s", network, headerIn(ok, "Contact"), want)
				}
				done := make(chan error, 1)
				go func() { done <- r.EndDialog(t.Context(), dialogID(s.id, tagIn(s.to))) }()
				if bye := s.p.receive(t, 5*time.Second); strings.HasPrefix(bye, "BYE ") {
					s.p.send(t, replyTo(bye, "200 OK"))
				} else {
					t.Errorf("%s: got, instead of BYE,\n%s", network, bye)
				}
				if err := <-done; err != nil {
					t.Errorf("%s: %v", network, err)
				}
			}
		})
	}
}
