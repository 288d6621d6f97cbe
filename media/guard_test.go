package media

import (
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"earshot"
	"earshot/media/rtptest"
	"earshot/media/srtp"
)

var suites = []earshot.CryptoSuite{
	earshot.SuiteAES128CM80, earshot.SuiteAES128CM32, earshot.SuiteAES256CM80, earshot.SuiteAES256CM32,
	earshot.SuiteAES128GCM, earshot.SuiteAES256GCM,
}

// agreed is what comes of SDES with a suite.
func agreed(suite earshot.CryptoSuite) *earshot.Security {
	remote, local := earshot.NewCrypto(1, suite), earshot.NewCrypto(1, suite)
	return &earshot.Security{Remote: &remote, Local: &local}
}

func outbound(t testing.TB, c *earshot.Crypto) *srtp.Outbound {
	t.Helper()
	out, err := srtp.NewOutbound(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func sealed(t testing.TB, out *srtp.Outbound, packet []byte) []byte {
	t.Helper()
	b, err := out.RTP(nil, packet)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// secureRig is a rig whose stream is protected.
func secureRig(t testing.TB, security *earshot.Security) *rig {
	t.Helper()
	r := newRig(t, Config{})
	if err := r.s.Close(); err != nil {
		t.Fatal(err)
	}
	sp := spec()
	sp.Security = security
	r.open(sp)
	return r
}

// sendSealed lets n packets arrive in time under a key.
func (r *rig) sendSealed(out *srtp.Outbound, n int) {
	r.t.Helper()
	for range n {
		r.take(sealed(r.t, out, r.src.Next()))
		r.at += frame
	}
}

// What is recorded is what was sent before it was encrypted, over a wrap of
// the sequence numbers and a change of source.
func TestEncryptedRecording(t *testing.T) {
	for _, suite := range suites {
		t.Run(string(suite), func(t *testing.T) {
			sec := agreed(suite)
			r := secureRig(t, sec)
			out := outbound(t, sec.Remote)
			r.src.Seq = 65_520
			r.sendSealed(out, 40)
			r.src.SSRC, r.src.Seq = 77, 9
			r.sendSealed(out, 20)
			if got := r.s.Stats(); got.PacketsReceived != 60 || got.PacketsInvalid != 0 || got.PacketsLost != 0 {
				t.Errorf("%+v", got)
			}
			r.check(r.close(), 60, same)
		})
	}
}

// Only what is authentic is recorded; what comes twice is counted once.
func TestOnlyAuthenticIsRecorded(t *testing.T) {
	sec := agreed(earshot.SuiteAES128CM80)
	r := secureRig(t, sec)
	out := outbound(t, sec.Remote)
	r.sendSealed(out, 10)
	again := sealed(t, out, r.src.Next())
	r.take(again)
	r.take(again)
	r.at += frame
	plain := *r.src
	plain.Number += 100
	for range 5 {
		r.take(plain.Next())
	}
	wrong := agreed(earshot.SuiteAES128CM80)
	forger := *r.src
	forger.Number += 100
	forged := outbound(t, wrong.Remote)
	for range 7 {
		r.take(sealed(t, forged, forger.Next()))
	}
	r.sendSealed(out, 10)
	got, counts := r.s.Stats(), r.s.counters()
	if got.PacketsReceived != 22 || got.PacketsDuplicate != 1 || got.PacketsInvalid != 12 || got.PacketsLost != 0 {
		t.Errorf("%+v", got)
	}
	if counts.unauthentic != 12 || counts.replayed != 1 {
		t.Errorf("%d not authentic, %d replayed", counts.unauthentic, counts.replayed)
	}
	r.check(r.close(), 21, same)
}

// A re-INVITE brings a new key: packets under the old one are on their way.
func TestKeyChange(t *testing.T) {
	sec := agreed(earshot.SuiteAES128CM80)
	r := secureRig(t, sec)
	out := outbound(t, sec.Remote)
	r.sendSealed(out, 10)
	renewed := agreed(earshot.SuiteAES256GCM)
	if err := r.s.SetSecurity(renewed); err != nil {
		t.Fatal(err)
	}
	r.sendSealed(out, 5)
	r.sendSealed(outbound(t, renewed.Remote), 10)
	r.take(sealed(t, out, r.src.Next()))
	if got := r.s.Stats(); got.PacketsInvalid != 1 || got.PacketsReceived != 25 {
		t.Errorf("%+v", got)
	}
	r.check(r.close(), 25, same)
}

// Keys that were offered with a plain profile may be used, or not.
func TestBestEffort(t *testing.T) {
	sec := agreed(earshot.SuiteAES128CM80)
	sec.Optional = true
	r := secureRig(t, sec)
	r.send(10)
	r.sendSealed(outbound(t, sec.Remote), 10)
	r.take(r.src.Next()) // plain again: not from who has the key
	if got := r.s.Stats(); got.PacketsInvalid != 1 {
		t.Errorf("%+v", got)
	}
	r.check(r.close(), 20, same)
}

// A server that starts again goes on with the key and the rollover counter
// that were stored.
func TestEncryptedStreamIsResumed(t *testing.T) {
	sec := agreed(earshot.SuiteAES128CM80)
	r := secureRig(t, sec)
	out := outbound(t, sec.Remote)
	out.SetRollover(r.src.SSRC, 500)
	sec.SSRC, sec.Rollover = r.src.SSRC, 500
	if err := r.s.Close(); err != nil {
		t.Fatal(err)
	}
	sp := spec()
	sp.Security, sp.Resume = sec, true
	r.open(sp)
	r.src.Seq = 65_530
	r.sendSealed(out, 10) // over the wrap
	if err := r.s.Close(); err != nil {
		t.Fatal(err)
	}
	r.open(sp) // stored before the wrap
	r.sendSealed(out, 10)
	if got := r.s.Stats(); got.PacketsInvalid != 0 || got.PacketsLost != 0 {
		t.Errorf("%+v", got)
	}
	r.check(r.close(), 20, same)
}

func TestReceivingEncryptedAllocatesNothing(t *testing.T) {
	for _, suite := range suites {
		sec := agreed(suite)
		r := secureRig(t, sec)
		out := outbound(t, sec.Remote)
		r.sendSealed(out, 3*heard.ring)
		if got := r.allocs(func() []byte { return sealed(t, out, r.src.Next()) }); got != 0 {
			t.Errorf("%s: %v allocations per packet", suite, got)
		}
		if err := r.s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// RTCP is encrypted both ways, on both ports.
func TestEncryptedRTCP(t *testing.T) {
	e := started(t, Config{})
	for _, suite := range suites {
		sec := agreed(suite)
		sp := spec()
		sp.StreamID, sp.Security = earshot.StreamID(suite), sec
		s, err := e.Open(sp)
		if err != nil {
			t.Fatal(err)
		}
		conn, to := listen(t), netip.AddrPortFrom(loopback, uint16(s.Port()))
		out := outbound(t, sec.Remote)
		src := &rtptest.Numbered{Format: rtptest.PCMU, SSRC: 9, Seq: 1}
		writeTo(t, conn, sealed(t, out, src.Next()), to)
		report, err := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: 9, NTPTime: 1 << 40}, rtcp.NewCNAMESourceDescription(9, "x")})
		if err != nil {
			t.Fatal(err)
		}
		closed, err := out.RTCP(nil, report)
		if err != nil {
			t.Fatal(err)
		}
		writeTo(t, conn, report, to) // plain: not taken
		writeTo(t, conn, closed, netip.AddrPortFrom(loopback, to.Port()+1))
		eventually(t, "the sender report", func() bool { return s.counters().senderReports == 1 })
		eventually(t, "the plain report to be refused", func() bool { return s.counters().unauthentic == 1 })
		eventually(t, "a receiver report", func() bool {
			s.mu.Lock()
			s.control.next = 1
			s.mu.Unlock()
			s.report()
			return s.counters().receiverReports > 0
		})
		in, err := srtp.NewInbound(sec.Local)
		if err != nil {
			t.Fatal(err)
		}
		got := readRTCP(t, conn, in)
		rr, ok := got[0].(*rtcp.ReceiverReport)
		if !ok || len(rr.Reports) != 1 || rr.Reports[0].SSRC != 9 {
			t.Errorf("%s: received %v", suite, got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func listen(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func writeTo(t *testing.T, c *net.UDPConn, b []byte, to netip.AddrPort) {
	t.Helper()
	if _, err := c.WriteToUDPAddrPort(b, to); err != nil {
		t.Fatal(err)
	}
}

// readRTCP reads one compound packet and opens it.
func readRTCP(t *testing.T, c *net.UDPConn, in *srtp.Inbound) []rtcp.Packet {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2048)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := in.RTCP(nil, buf[:n])
	if err != nil {
		t.Fatal(err)
	}
	packets, err := rtcp.Unmarshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	return packets
}

// A sender and a stream agree on keys by DTLS, whoever begins.
func TestHandshakeOfAStream(t *testing.T) {
	for _, setup := range []string{"passive", "active"} {
		t.Run(setup, func(t *testing.T) {
			news := make(chan earshot.StreamSecurity, 16)
			e := started(t, Config{Secured: func(n earshot.StreamSecurity) error { news <- n; return nil }})
			audio := make(Samples, 8000)
			for i := range audio {
				audio[i] = int16(i % 3000)
			}
			want := slices.Clone(audio)
			sender, err := NewSender(SenderConfig{
				Local: netip.AddrPortFrom(loopback, 0), Format: rtptest.PCMU, Audio: &audio, DTLS: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer sender.Close()
			sp := spec()
			at := uint16(sender.Port())
			sp.Security = &earshot.Security{
				DTLS: &earshot.DTLS{Setup: setup, Fingerprints: []string{e.Fingerprint()}}, PeerDTLS: sender.DTLS(),
				Peer: netip.AddrPortFrom(loopback, at), PeerRTCP: netip.AddrPortFrom(loopback, at+1),
			}
			s, err := e.Open(sp)
			if err != nil {
				t.Fatal(err)
			}
			sender.SetRemote(netip.AddrPortFrom(loopback, uint16(s.Port())))
			sender.SetPeer(sp.Security.DTLS)
			if err := sender.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			eventually(t, "RTCP", func() bool { return s.counters().goodbyes > 0 })
			if s.poller.hurried.Load() == 0 {
				t.Error("nobody hurried")
			}
			var stored *earshot.Security
			eventually(t, "the keys to be stored", func() bool {
				select {
				case n := <-news:
					stored = n.Security
				default:
				}
				return stored != nil && stored.Remote != nil && stored.RemoteRTCP != nil
			})
			if got := s.Stats(); int(got.PacketsReceived) != sender.Sent() || got.PacketsInvalid != 0 {
				t.Errorf("%d sent: %+v", sender.Sent(), got)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			got := read(t, s)
			if len(got) != len(want) {
				t.Fatalf("%d samples, want %d", len(got), len(want))
			}
			// The keys are enough to go on after a restart, without a handshake.
			sp.Security, sp.Resume = stored, true
			r := &rig{t: t, e: e, at: e.clock.now(), src: &rtptest.Numbered{Format: rtptest.PCMU, SSRC: 5, Seq: 1}}
			r.open(sp)
			r.sendSealed(outbound(t, stored.Remote), 10)
			if got := r.s.Stats(); got.PacketsReceived < 10 || got.PacketsInvalid != 0 {
				t.Errorf("after a restart: %+v", got)
			}
			if err := r.s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Whoever has another certificate than the SDP named is not recorded, and the
// call hears of it.
func TestStreamOfAnotherCertificate(t *testing.T) {
	news := make(chan earshot.StreamSecurity, 16)
	e := started(t, Config{Secured: func(n earshot.StreamSecurity) error { news <- n; return nil }})
	audio := make(Samples, 8000)
	sender, err := NewSender(SenderConfig{Local: netip.AddrPortFrom(loopback, 0), Format: rtptest.PCMU, Audio: &audio, DTLS: true})
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	sp := spec()
	sp.Security = &earshot.Security{
		DTLS:     &earshot.DTLS{Setup: "passive", Fingerprints: []string{e.Fingerprint()}},
		PeerDTLS: &earshot.DTLS{Setup: "actpass", Fingerprints: []string{e.Fingerprint()}},
		Peer:     netip.AddrPortFrom(loopback, uint16(sender.Port())),
	}
	s, err := e.Open(sp)
	if err != nil {
		t.Fatal(err)
	}
	sender.SetRemote(netip.AddrPortFrom(loopback, uint16(s.Port())))
	sender.SetPeer(sp.Security.DTLS)
	if err := sender.Run(t.Context()); err == nil {
		t.Error("the handshake went well")
	}
	select {
	case n := <-news:
		if n.Problem == "" || n.Security != nil {
			t.Errorf("told %+v", n)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nobody was told")
	}
	write(t, dial(t, s.Port()), (&rtptest.Numbered{Format: rtptest.PCMU, SSRC: 9}).Next())
	eventually(t, "a plain packet to be refused", func() bool { return s.counters().unauthentic == 1 })
	if c := s.counters(); c.handshakeErrors != 1 || s.Stats().PacketsReceived != 0 {
		t.Errorf("%+v", c)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// The peer may be through with the handshake before us: what it sends then
// waits for the keys.
func TestPacketsBeforeTheKeys(t *testing.T) {
	keys := agreed(earshot.SuiteAES128GCM)
	r := secureRig(t, &earshot.Security{DTLS: &earshot.DTLS{Setup: "active"}, PeerDTLS: &earshot.DTLS{}})
	r.s.guard.links[rtpPort] = srtp.Handshake{
		Certificate: r.e.certificate, Peer: peer,
		Send: func([]byte) error { return nil }, Done: func(_, _ *earshot.Crypto, _ error) {},
	}.Start()
	out := outbound(t, keys.Remote)
	r.sendSealed(out, 5)
	if got := r.s.Stats(); got.PacketsReceived != 0 || got.PacketsInvalid != 0 {
		t.Errorf("before the keys: %+v", got)
	}
	r.s.mu.Lock()
	r.s.shaken(rtpPort, keys.Remote, keys.Local, nil)
	r.s.mu.Unlock()
	r.sendSealed(out, 5)
	r.check(r.close(), 10, same)
}
