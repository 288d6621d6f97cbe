package media

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"earshot"
	"earshot/media/srtp"
)

// DTLS returns what to offer of DTLS-SRTP, nil if it is not used.
func (s *Sender) DTLS() *earshot.DTLS {
	if s.certificate == nil {
		return nil
	}
	return &earshot.DTLS{Setup: "actpass", Fingerprints: []string{s.certificate.Fingerprint()}}
}

// SetPeer says what the answer tells of DTLS-SRTP. It must not be called
// during Run.
func (s *Sender) SetPeer(answered *earshot.DTLS) { s.peer = answered }

// shakeHands makes the keys of both ports: RTCP has a handshake of its own
// (RFC 5764 4.1). What it returns ends the associations.
func (s *Sender) shakeHands(ctx context.Context) (end func(), err error) {
	if s.peer == nil {
		return func() {}, fmt.Errorf("sender: the answer has no DTLS")
	}
	rtp, endRTP, err := s.handshake(ctx, s.rtp, s.cfg.Remote)
	if err != nil {
		return endRTP, err
	}
	next := netip.AddrPortFrom(s.cfg.Remote.Addr(), s.cfg.Remote.Port()+1)
	rtcp, endRTCP, err := s.handshake(ctx, s.rtcp, next)
	s.guard, s.guardRTCP = rtp, rtcp
	return func() { endRTP(); endRTCP() }, err
}

// handshake shakes hands over one socket, which nobody else reads.
func (s *Sender) handshake(ctx context.Context, conn *net.UDPConn, to netip.AddrPort) (*srtp.Outbound, func(), error) {
	type keys struct {
		local *earshot.Crypto
		err   error
	}
	done := make(chan keys, 1)
	a := srtp.Handshake{
		Certificate: s.certificate, Active: s.peer.Setup != "active", Fingerprints: s.peer.Fingerprints, Peer: to,
		Send: func(b []byte) error { _, err := conn.WriteToUDPAddrPort(b, to); return err },
		Done: func(_, local *earshot.Crypto, err error) { done <- keys{local, err} },
	}.Start()
	var reading sync.WaitGroup
	reading.Go(func() {
		buf := make([]byte, datagramSize)
		for !a.Over() {
			n, err := conn.Read(buf)
			if err != nil {
				return // closed, or its time is over
			}
			if isDTLS(buf[:n]) {
				a.Deliver(buf[:n])
			}
		}
	})
	end := func() {
		a.Close()
		_ = conn.SetReadDeadline(aLongTimeAgo)
		reading.Wait()
	}
	select {
	case k := <-done:
		if k.err != nil {
			return nil, end, fmt.Errorf("sender: %w", k.err)
		}
		out, err := srtp.NewOutbound(k.local)
		return out, end, err
	case <-ctx.Done():
		return nil, end, ctx.Err()
	}
}
