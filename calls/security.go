package calls

import (
	"context"
	"fmt"
	"slices"

	"earshot"
)

// transport is what the profile of an m-line says about its protection.
type transport int

const (
	plain transport = iota + 1
	sdes            // keys in the SDP, or DTLS beside them
	dtls            // keys by handshake
)

// profiles are the transports that are received.
var profiles = map[string]transport{
	"RTP/AVP": plain, "RTP/AVPF": plain,
	"RTP/SAVP": sdes, "RTP/SAVPF": sdes,
	"UDP/TLS/RTP/SAVP": dtls, "UDP/TLS/RTP/SAVPF": dtls,
}

// secure decides how the packets of an offered m-line are protected; nil is
// not at all. before is how they have been so far: what the offer leaves as it
// was stays the same. The error wraps [earshot.ErrMediaSecurity].
func (m *Manager) secure(o *earshot.MediaOffer, policy earshot.SRTPPolicy, before *earshot.Security) (*earshot.Security, error) {
	if policy == "" {
		policy = m.cfg.SRTP
	}
	kind := profiles[o.Profile]
	switch {
	case kind == 0:
		return nil, fmt.Errorf("profile %q: %w: %w", o.Profile, errNotRTP, earshot.ErrNoCommonCodec)
	case kind == plain && (policy == earshot.SRTPOff || len(o.Crypto) == 0):
		if policy == earshot.SRTPRequire {
			return nil, fmt.Errorf("profile %s: only encrypted media is recorded: %w", o.Profile, earshot.ErrMediaSecurity)
		}
		return nil, nil
	case policy == earshot.SRTPOff:
		return nil, fmt.Errorf("profile %s: encrypted media is not recorded: %w", o.Profile, earshot.ErrMediaSecurity)
	case kind != dtls && len(o.Crypto) > 0:
		return keyed(&o.Crypto[0], before, kind == plain && policy != earshot.SRTPRequire), nil
	case o.DTLS != nil && m.cfg.Fingerprint != "":
		return m.handshake(o, before)
	}
	return nil, fmt.Errorf("profile %s: no key that can be used: %w", o.Profile, earshot.ErrMediaSecurity)
}

// keyed answers a key with one of our own, under the same tag and suite
// (RFC 4568 5.1.2).
func keyed(offered *earshot.Crypto, before *earshot.Security, optional bool) *earshot.Security {
	s := &earshot.Security{Remote: offered, Optional: optional}
	if before != nil && before.DTLS == nil && before.Local != nil {
		if offered.Equal(before.Remote) && optional == before.Optional {
			return before
		}
		if before.Local.Suite == offered.Suite {
			local := *before.Local // it is not used up
			local.Tag = offered.Tag
			s.Local = &local
			return s
		}
	}
	local := earshot.NewCrypto(offered.Tag, offered.Suite)
	s.Local = &local
	return s
}

// handshake answers an offer of DTLS: passive unless the peer wants to be
// (RFC 5763 5).
func (m *Manager) handshake(o *earshot.MediaOffer, before *earshot.Security) (*earshot.Security, error) {
	if before != nil && before.PeerDTLS != nil && slices.Equal(before.PeerDTLS.Fingerprints, o.DTLS.Fingerprints) {
		return before, nil // the association stays (RFC 5763 6.6)
	}
	setup := "passive"
	switch o.DTLS.Setup {
	case "", "active", "actpass":
	case "passive":
		setup = "active"
	default:
		return nil, fmt.Errorf("setup %q: %w", o.DTLS.Setup, earshot.ErrMediaSecurity)
	}
	return &earshot.Security{
		DTLS:     &earshot.DTLS{Setup: setup, Fingerprints: []string{m.cfg.Fingerprint}},
		PeerDTLS: o.DTLS, Peer: o.Remote, PeerRTCP: o.RemoteRTCP,
	}, nil
}

// preferSecure refuses the plain twin of an encrypted m-line: some offer both
// under one label and leave the choice to us (RFC 3264 5.1).
func preferSecure(plan []planned) {
	encrypted := map[string]bool{}
	for _, p := range plan {
		if len(p.formats) > 0 && p.security != nil && p.offer.Label != "" {
			encrypted[p.offer.Label] = true
		}
	}
	for i, p := range plan {
		if p.security == nil && p.stream == "" && encrypted[p.offer.Label] {
			plan[i].formats = nil
		}
	}
}

// Secured takes news of the media plane about a stream, and returns the dialog
// it belongs to. The error wraps [earshot.ErrNotFound] as long as the stream is
// not stored.
func (m *Manager) Secured(ctx context.Context, news earshot.StreamSecurity) (dialogID string, err error) {
	m.mu.Lock()
	c := m.byStream[news.StreamID]
	m.mu.Unlock()
	if c == nil {
		return "", fmt.Errorf("stream %s: %w", news.StreamID, earshot.ErrNotFound)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s, t := c.rec.Stream(news.StreamID), c.tracks[news.StreamID]
	if s == nil || t == nil {
		return "", fmt.Errorf("stream %s: %w", news.StreamID, earshot.ErrNotFound)
	}
	if news.Security != nil {
		t.security = news.Security
	}
	if news.Problem != "" {
		c.note([]string{news.Problem})
		err = c.commit(ctx, earshot.Commit{}, earshot.EventCallUpdated)
	}
	return c.dialogs[s.SegmentID], err
}
