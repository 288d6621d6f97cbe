package srtp

import (
	"fmt"

	"github.com/pion/srtp/v3"

	"earshot"
)

// Outbound protects what we send. It belongs to one goroutine at a time.
type Outbound struct{ ctx *srtp.Context }

// NewOutbound returns what protects packets under a key.
func NewOutbound(c *earshot.Crypto) (*Outbound, error) {
	ctx, err := newContext(c)
	if err != nil {
		return nil, err
	}
	return &Outbound{ctx}, nil
}

// SetRollover says how often the sequence numbers of a source have wrapped
// around before its first packet.
func (o *Outbound) SetRollover(ssrc, rollover uint32) { o.ctx.SetROC(ssrc, rollover) }

// RTP returns the protected packet, in dst if that is large enough.
func (o *Outbound) RTP(dst, packet []byte) ([]byte, error) {
	b, err := o.ctx.EncryptRTP(dst, packet, nil)
	if err != nil {
		return nil, fmt.Errorf("encrypt RTP: %w", err)
	}
	return b, nil
}

// RTCP returns the protected compound packet, in dst if that is large enough.
func (o *Outbound) RTCP(dst, packet []byte) ([]byte, error) {
	b, err := o.ctx.EncryptRTCP(dst, packet, nil)
	if err != nil {
		return nil, fmt.Errorf("encrypt RTCP: %w", err)
	}
	return b, nil
}
