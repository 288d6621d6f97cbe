package media

import (
	"errors"
	"fmt"
	"reflect"

	"earshot"
	"earshot/media/srtp"
)

var errNoKey = errors.New("no key to send with yet")

// guard opens and protects the packets of a stream. The stream's mu guards it.
type guard struct {
	security earshot.Security
	in       *srtp.Inbound  // nil before there is a key
	out      *srtp.Outbound // of RTCP; nil before there is a key
	outKey   earshot.Crypto
	proven   bool // a packet was authentic: plain ones are not taken any more
	rollover uint32
	// packet is what is opened into: opening in place would spoil a packet that
	// has to be tried under another key.
	packet [datagramSize]byte
}

// SetSecurity replaces the protection of the packets, as after a re-INVITE.
// Packets under the key before are taken until the first one under the new key.
func (s *Stream) SetSecurity(security *earshot.Security) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.protect(security)
}

// protect does what SetSecurity does. The caller holds mu.
func (s *Stream) protect(security *earshot.Security) error {
	if security == nil {
		s.guard = nil
		return nil
	}
	g := s.guard
	if g == nil {
		g = &guard{}
	}
	if s.guard != nil && reflect.DeepEqual(g.security, *security) {
		return nil
	}
	if err := g.set(security); err != nil {
		return fmt.Errorf("protect stream: %w", err)
	}
	s.guard = g
	return nil
}

// set takes over what was agreed.
func (g *guard) set(security *earshot.Security) error {
	in, out, outKey := g.in, g.out, g.outKey
	if c := security.Remote; c != nil {
		if in == nil {
			var err error
			if in, err = srtp.NewInbound(c); err != nil {
				return err
			}
			if security.Rollover > 0 {
				in.Restore(security.SSRC, security.Rollover)
			}
		} else if err := in.SetKey(c); err != nil {
			return err
		}
	}
	if c := security.Local; c != nil && (out == nil || !outKey.Equal(c)) {
		// A context that went on under the same key from the start would use its
		// key stream twice (RFC 3711 9.1): it is kept.
		var err error
		if out, err = srtp.NewOutbound(c); err != nil {
			return err
		}
		outKey = *c
	}
	g.in, g.out, g.outKey, g.security = in, out, outKey, *security
	return nil
}

// open opens a packet of the RTP port, and reports whether it is to be taken.
func (s *Stream) open(d *datagram) bool {
	g := s.guard
	err := errNoKey
	if g.in != nil {
		var plain []byte
		if plain, err = g.in.RTP(g.packet[:0], d.data, d.arrival); err == nil {
			d.data, g.proven = plain, true
			return true
		}
	}
	if errors.Is(err, srtp.ErrReplayed) {
		s.counts.replayed++
		return false
	}
	return s.passes()
}

// openRTCP does the same with a compound packet.
func (s *Stream) openRTCP(d *datagram) bool {
	g := s.guard
	if g.in != nil {
		if plain, err := g.in.RTCP(g.packet[:0], d.data); err == nil {
			d.data = plain
			return true
		}
	}
	return s.passes()
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

func (g *guard) sealRTCP(b []byte) ([]byte, error) {
	switch {
	case g.security.Optional && !g.proven:
		return b, nil // the peer may know no encryption
	case g.out == nil:
		return nil, errNoKey
	}
	return g.out.RTCP(nil, b)
}
