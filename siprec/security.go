package siprec

import (
	"fmt"
	"slices"

	"earshot"
)

// SaveSecurity stores what came of the protection of a stream with its dialog:
// keys of a handshake, and rollover counters. News of an agreement that is not
// in force any more is dropped. The error wraps [earshot.ErrNotFound] if there
// is no such dialog.
func (s *Server) SaveSecurity(dialogID string, stream earshot.StreamID, security *earshot.Security) error {
	d := s.dialogByID(dialogID)
	if d == nil {
		return fmt.Errorf("dialog of stream %s: %w", stream, earshot.ErrNotFound)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	at := slices.IndexFunc(d.state.Answer, func(a earshot.MediaAnswer) bool { return a.StreamID == stream })
	if d.ended || at < 0 || !sameAgreement(d.state.Answer[at].Security, security) {
		return nil
	}
	d.state.Answer = slices.Clone(d.state.Answer)
	d.state.Answer[at].Security = security
	return s.save(d)
}

// sameAgreement reports whether both came of the same offer.
func sameAgreement(a, b *earshot.Security) bool {
	switch {
	case a == nil || b == nil || (a.PeerDTLS == nil) != (b.PeerDTLS == nil):
		return false
	case a.PeerDTLS != nil:
		return slices.Equal(a.PeerDTLS.Fingerprints, b.PeerDTLS.Fingerprints)
	}
	return a.Remote.Equal(b.Remote)
}
