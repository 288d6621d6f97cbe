package media

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"earshot"
	"earshot/media/srtp"
)

var errNoKey = errors.New("no key to send with yet")

// keyed are the keys in use on one port of a stream.
type keyed struct {
	in     *srtp.Inbound  // nil before there is a key
	out    *srtp.Outbound // of RTCP; nil before there is a key
	outKey earshot.Crypto
}

// maxEarly bounds the datagrams that wait for the end of a handshake.
const maxEarly = 32

// early is a datagram that waits for keys.
type early struct {
	datagram
	port int
}

// await keeps a datagram until there are keys, and reports whether it does.
func (g *guard) await(d *datagram, port int) bool {
	a := g.links[port]
	if g.keys(port) || a == nil || a.Over() || len(g.early) == maxEarly {
		return false
	}
	kept := *d
	kept.data = slices.Clone(d.data)
	g.early = append(g.early, early{kept, port})
	return true
}

// takeEarly takes what waited for the keys of a port.
func (s *Stream) takeEarly(port int) {
	waiting := s.guard.early
	s.guard.early = nil
	for _, e := range waiting {
		switch {
		case e.port != port:
			s.guard.early = append(s.guard.early, e)
		case port == rtcpPort:
			s.takeRTCP(e.datagram, false)
		default:
			s.take(e.datagram)
		}
	}
}

// guard opens and protects the packets of a stream. The stream's mu guards it.
type guard struct {
	security earshot.Security
	rtp      keyed
	rtcp     keyed // of the RTCP port: the same unless the keys come of DTLS
	proven   bool  // a packet was authentic: plain ones are not taken any more
	// links are the DTLS associations of both ports.
	links [2]*srtp.Association
	// early came before the keys: who is through with a handshake first sends
	// at once (RFC 5764 5.1.2).
	early []early
	// unsaved and problem are what has not been told yet.
	unsaved bool
	problem string
	// packet is what is opened into: opening in place would spoil a packet that
	// has to be tried under another key.
	packet [datagramSize]byte
}

// SetSecurity replaces the protection of the packets, as after a re-INVITE.
// Packets under the key before are taken until the first one under the new key.
func (s *Stream) SetSecurity(security *earshot.Security) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.protect(security)
	s.shakeHands()
	return err
}

// protect does what SetSecurity does, but for handshakes. The caller holds mu.
func (s *Stream) protect(security *earshot.Security) error {
	before := s.guard
	switch {
	case security == nil:
		s.guard = nil
		s.leave(before)
		return nil
	case before == nil:
		before = &guard{}
	case sameAgreement(&before.security, security):
		return nil
	}
	if err := before.set(security); err != nil {
		return fmt.Errorf("protect stream: %w", err)
	}
	s.leave(before)
	before.links = [2]*srtp.Association{}
	s.guard = before
	return nil
}

// sameAgreement reports whether b asks for nothing that a does not have. What a
// handshake brought is not part of what was agreed.
func sameAgreement(a, b *earshot.Security) bool {
	if a.DTLS != nil && b.DTLS != nil {
		return reflect.DeepEqual(a.DTLS, b.DTLS) && slices.Equal(a.PeerDTLS.Fingerprints, b.PeerDTLS.Fingerprints)
	}
	return a.DTLS == nil && b.DTLS == nil && a.Optional == b.Optional && a.Remote.Equal(b.Remote) && a.Local.Equal(b.Local)
}

// set takes over what was agreed.
func (g *guard) set(security *earshot.Security) error {
	rtp, err := g.rtp.with(security.Remote, security.Local)
	if err != nil {
		return err
	}
	rtcp := rtp
	if security.DTLS != nil {
		if rtcp, err = g.rtcp.with(security.RemoteRTCP, security.LocalRTCP); err != nil {
			return err
		}
	}
	if g.rtp.in == nil && rtp.in != nil && security.Rollover > 0 {
		rtp.in.Restore(security.SSRC, security.Rollover)
	}
	g.rtp, g.rtcp, g.security = rtp, rtcp, *security
	return nil
}

// with returns the keys with newer ones; nil leaves one as it is.
func (k keyed) with(remote, local *earshot.Crypto) (keyed, error) {
	var err error
	switch {
	case remote == nil:
	case k.in == nil:
		k.in, err = srtp.NewInbound(remote)
	default:
		err = k.in.SetKey(remote)
	}
	if err != nil {
		return k, err
	}
	// A context that began anew under the same key would use its key stream
	// twice (RFC 3711 9.1): it is kept.
	if local != nil && (k.out == nil || !sameKey(&k.outKey, local)) {
		if k.out, err = srtp.NewOutbound(local); err != nil {
			return k, err
		}
		k.outKey = *local
	}
	return k, nil
}

// sameKey compares keys without their tags.
func sameKey(a, b *earshot.Crypto) bool {
	c := *a
	c.Tag = b.Tag
	return c.Equal(b)
}

// open opens a packet of the RTP port, and reports whether it is to be taken.
func (s *Stream) open(d *datagram) bool {
	g := s.guard
	err := errNoKey
	if g.rtp.in != nil {
		var plain []byte
		if plain, err = g.rtp.in.RTP(g.packet[:0], d.data, d.arrival); err == nil {
			d.data, g.proven = plain, true
			return true
		}
	}
	switch {
	case errors.Is(err, srtp.ErrReplayed):
		s.counts.replayed++
		return false
	case g.await(d, rtpPort):
		return false
	}
	return s.passes()
}

// openRTCP does the same with a compound packet; muxed says that it came on
// the RTP port.
func (s *Stream) openRTCP(d *datagram, muxed bool) bool {
	g := s.guard
	if in := g.on(muxed).in; in != nil {
		if plain, err := in.RTCP(g.packet[:0], d.data); err == nil {
			d.data = plain
			return true
		}
	}
	port := rtcpPort
	if muxed {
		port = rtpPort
	}
	if g.await(d, port) {
		return false
	}
	return s.passes()
}

// on returns the keys of the RTP or the RTCP port.
func (g *guard) on(muxed bool) *keyed {
	if muxed {
		return &g.rtp
	}
	return &g.rtcp
}

// passes reports whether a packet is taken as it came, though it could not be
// opened, and counts it if not.
func (s *Stream) passes() bool {
	if s.guard.security.Optional && !s.guard.proven {
		return true
	}
	s.invalid++
	s.counts.unauthentic++
	return false
}

func (g *guard) sealRTCP(b []byte, muxed bool) ([]byte, error) {
	out := g.on(muxed).out
	switch {
	case g.security.Optional && !g.proven:
		return b, nil // the peer may know no encryption
	case out == nil:
		return nil, errNoKey
	}
	return out.RTCP(nil, b)
}

// tell tells what an earlier process would have to know, and what went wrong.
// What nobody could take is told again.
func (s *Stream) tell() {
	s.mu.Lock()
	g := s.guard
	if g == nil || s.closed {
		s.mu.Unlock()
		return
	}
	if ssrc, any := s.timeline.SSRC(); any && g.rtp.in != nil {
		if n := g.rtp.in.Rollover(ssrc); n != g.security.Rollover || n > 0 && ssrc != g.security.SSRC {
			g.security.SSRC, g.security.Rollover, g.unsaved = ssrc, n, true
		}
	}
	news := earshot.StreamSecurity{StreamID: s.spec.StreamID, Problem: g.problem}
	if g.unsaved {
		security := g.security
		news.Security = &security
	}
	g.unsaved, g.problem = false, ""
	s.mu.Unlock()
	if news.Security == nil && news.Problem == "" || s.engine.cfg.Secured == nil {
		return
	}
	if err := s.engine.cfg.Secured(news); err != nil {
		s.engine.log.Debug("security of a stream not stored yet", "stream", s.spec.StreamID, "err", err)
		s.mu.Lock()
		defer s.mu.Unlock()
		g.unsaved = g.unsaved || news.Security != nil
		if g.problem == "" {
			g.problem = news.Problem
		}
	}
}
