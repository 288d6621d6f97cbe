package media

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"

	"earshot"
	"earshot/media/srtp"
)

// Kinds of datagrams by their first octet (RFC 7983 7).
func isSTUN(b []byte) bool { return len(b) > 0 && b[0] <= 3 }
func isDTLS(b []byte) bool { return len(b) > 13 && b[0] >= 20 && b[0] <= 63 }

// isHello reports whether a datagram of DTLS begins a handshake: record type
// handshake, epoch 0, message ClientHello (RFC 6347 4.1, 4.2.2).
func isHello(b []byte) bool { return b[0] == 22 && b[3] == 0 && b[4] == 0 && b[13] == 1 }

// ports of a stream.
const (
	rtpPort  = 0
	rtcpPort = 1
)

// takeDTLS takes a datagram of a handshake. It never waits.
func (s *Stream) takeDTLS(d datagram, port int) {
	g := s.guard
	if g == nil || g.security.DTLS == nil {
		s.invalid++
		return
	}
	s.hurry()
	a := g.links[port]
	if a != nil && !a.Over() && a.Peer() == d.from {
		a.Deliver(d.data)
		return
	}
	if !isHello(d.data) || g.security.DTLS.Setup != "passive" {
		return
	}
	// One at a time; whom the SDP names goes before whoever else tries.
	if a != nil && !a.Over() && (g.keys(port) || d.from.Addr() != g.security.Peer.Addr() || a.Peer().Addr() == d.from.Addr()) {
		s.invalid++
		return
	}
	s.shake(port, d.from)
	g.links[port].Deliver(d.data)
}

// hurry has the stream's sockets read often.
func (s *Stream) hurry() {
	if s.poller != nil { // packets are handed to it by a test
		s.poller.hurry()
	}
}

// keys reports whether a port has keys.
func (g *guard) keys(port int) bool {
	if port == rtpPort {
		return g.security.Remote != nil
	}
	return g.security.RemoteRTCP != nil
}

// shakeHands begins the handshakes that are ours to begin. The caller holds mu.
func (s *Stream) shakeHands() {
	g := s.guard
	if g == nil || s.rtp == nil || s.closed || g.security.DTLS == nil || g.security.DTLS.Setup != "active" {
		return
	}
	if !g.keys(rtpPort) && g.links[rtpPort] == nil && g.security.Peer.IsValid() {
		s.shake(rtpPort, g.security.Peer)
	}
	if !s.reports.mux && !g.keys(rtcpPort) && g.links[rtcpPort] == nil && g.security.PeerRTCP.IsValid() {
		s.shake(rtcpPort, g.security.PeerRTCP)
	}
}

// shake begins a handshake in a goroutine of its own. The caller holds mu.
func (s *Stream) shake(port int, peer netip.AddrPort) {
	g := s.guard
	if old := g.links[port]; old != nil {
		s.engine.wg.Go(old.Close)
	}
	var a *srtp.Association
	h := srtp.Handshake{
		Certificate: s.engine.certificate, Active: g.security.DTLS.Setup == "active",
		Fingerprints: g.security.PeerDTLS.Fingerprints, Peer: peer,
		Send: func(b []byte) error { return s.sendDTLS(port, b, peer) },
		Done: func(remote, local *earshot.Crypto, err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.guard == g && g.links[port] == a && !s.closed {
				s.shaken(port, remote, local, err)
			}
		},
	}
	s.hurry()
	a = h.Start()
	g.links[port] = a
	s.counts.handshakes++
}

// shaken takes what came of a handshake. The caller holds mu.
func (s *Stream) shaken(port int, remote, local *earshot.Crypto, err error) {
	g := s.guard
	if err == nil {
		security := g.security
		if port == rtpPort {
			security.Remote, security.Local = remote, local
		} else {
			security.RemoteRTCP, security.LocalRTCP = remote, local
		}
		err = g.set(&security)
		g.unsaved = true
	}
	if err == nil {
		s.takeEarly(port)
		return
	}
	s.counts.handshakeErrors++
	s.engine.log.Warn("no keys for a stream", "call_id", s.spec.CallID, "stream", s.spec.StreamID, "err", err)
	if errors.Is(err, srtp.ErrFingerprint) {
		g.problem = "media: the certificate of DTLS does not fit the fingerprint"
	}
}

// sendDTLS sends a datagram of a handshake.
func (s *Stream) sendDTLS(port int, b []byte, to netip.AddrPort) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	fd := s.rtcpSocket(port == rtpPort)
	return unix.Sendto(fd, b, unix.MSG_DONTWAIT, sockaddr(s.engine.familiar(to)))
}

// familiar returns an address as the sockets of the engine want it.
func (e *Engine) familiar(to netip.AddrPort) netip.AddrPort {
	if e.cfg.BindIP.Is6() {
		return netip.AddrPortFrom(netip.AddrFrom16(to.Addr().As16()), to.Port())
	}
	return to
}

// leave ends the associations of a guard that are not needed any more. It does
// not wait for them: they wait for mu, which the caller holds.
func (s *Stream) leave(g *guard) {
	if g == nil {
		return
	}
	for _, a := range g.links {
		if a != nil {
			s.engine.wg.Go(a.Close)
		}
	}
}

// closeLinks says goodbye while there are sockets to do so.
func (s *Stream) closeLinks() {
	var links [2]*srtp.Association
	s.mu.Lock()
	if s.guard != nil {
		links = s.guard.links
	}
	s.mu.Unlock()
	for _, a := range links {
		if a != nil {
			a.Close()
		}
	}
}
