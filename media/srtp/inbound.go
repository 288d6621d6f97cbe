// Package srtp protects and opens the packets of one stream (RFC 3711), with
// keys from SDES (RFC 4568) or from a DTLS handshake (RFC 5764).
package srtp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"earshot"
)

const (
	// replayWindow is how far behind the newest a packet may be (RFC 3711 3.3.2
	// asks for 64 at least): as far as the jitter buffer sorts in.
	replayWindow = 512
	// rollovers is how many rollover counters are tried for a source that was
	// joined late: 6 h at 50 packets a second.
	rollovers = 16
	// maxHunted bounds the sources of one key whose counter is being looked for.
	maxHunted = 64
	// huntPause is the time between two of these searches, in ns.
	huntPause = 20_000_000
)

// Errors of opening a packet.
var (
	// ErrReplayed says that the packet was received before, or is too old to say.
	ErrReplayed = errors.New("replayed")
	// ErrNotAuthentic says that the packet is not of who holds the key.
	ErrNotAuthentic = errors.New("not authentic")
)

var profiles = map[earshot.CryptoSuite]srtp.ProtectionProfile{
	earshot.SuiteAES128CM80: srtp.ProtectionProfileAes128CmHmacSha1_80,
	earshot.SuiteAES128CM32: srtp.ProtectionProfileAes128CmHmacSha1_32,
	earshot.SuiteAES256CM80: srtp.ProtectionProfileAes256CmHmacSha1_80,
	earshot.SuiteAES256CM32: srtp.ProtectionProfileAes256CmHmacSha1_32,
	earshot.SuiteAES128GCM:  srtp.ProtectionProfileAeadAes128Gcm,
	earshot.SuiteAES256GCM:  srtp.ProtectionProfileAeadAes256Gcm,
}

// newContext makes the cryptographic context of a key (RFC 3711 3.2).
func newContext(c *earshot.Crypto, options ...srtp.ContextOption) (*srtp.Context, error) {
	key, salt := c.Suite.Lengths()
	if key == 0 || len(c.Key) != key+salt {
		return nil, fmt.Errorf("srtp: suite %q does not take a key of %d octets", c.Suite, len(c.Key))
	}
	if len(c.MKI) > 0 {
		options = append(options, srtp.MasterKeyIndicator(c.MKI))
	}
	ctx, err := srtp.CreateContext(c.Key[:key], c.Key[key:], profiles[c.Suite.Canonical()], options...)
	if err != nil {
		return nil, fmt.Errorf("srtp: %w", err)
	}
	return ctx, nil
}

// Inbound opens what a peer sends. It belongs to one goroutine at a time.
type Inbound struct {
	current *inboundKey
	// next is a newer key under which no packet has come yet: the peer may go on
	// with the present one for a while.
	next   *inboundKey
	header rtp.Header
}

// inboundKey is a key and what came under it.
type inboundKey struct {
	crypto earshot.Crypto
	ctx    *srtp.Context
	proven bool // a packet was authentic
	replays
	// hunted are the sources whose rollover counter is not known for certain.
	hunted   []uint32
	nextHunt int64
	base     uint32 // where to begin
}

// NewInbound returns what opens packets under a key.
func NewInbound(c *earshot.Crypto) (*Inbound, error) {
	in := &Inbound{}
	return in, in.SetKey(c)
}

// SetKey replaces the key. Packets under the present one are taken until the
// first under the new one comes (RFC 4568 7.1.4 leaves the moment open).
func (in *Inbound) SetKey(c *earshot.Crypto) error {
	newest := in.next
	if newest == nil {
		newest = in.current
	}
	if newest != nil && newest.crypto.Equal(c) {
		return nil
	}
	k := &inboundKey{crypto: *c}
	var err error
	k.ctx, err = newContext(c, srtp.SRTPReplayDetectorFactory(k.replays.rtp), srtp.SRTCPReplayDetectorFactory(k.replays.rtcp))
	if err != nil {
		return err
	}
	if in.current == nil {
		in.current = k
	} else {
		in.next = k
	}
	return nil
}

// Restore says how often the sequence numbers of a source had wrapped around
// when an earlier process last stored it.
func (in *Inbound) Restore(ssrc, rollover uint32) {
	k := in.current
	k.ctx.SetROC(ssrc, rollover)
	k.hunted = append(k.hunted, ssrc)
	k.base = rollover
}

// Proven reports whether a packet was authentic under the newest key in use.
func (in *Inbound) Proven() bool { return in.current.proven }

// Rollover returns how often the sequence numbers of a source have wrapped
// around.
func (in *Inbound) Rollover(ssrc uint32) uint32 {
	roc, _ := in.current.ctx.ROC(ssrc)
	return roc
}

// RTP opens a packet into dst, which must not be the packet's own memory, at
// the time now (in ns, of any clock). Nothing is allocated if dst is large
// enough and the packet authentic. The error wraps [ErrReplayed] or
// [ErrNotAuthentic].
func (in *Inbound) RTP(dst, packet []byte, now int64) ([]byte, error) {
	if in.next != nil {
		if roc, ok := in.current.ctx.ROC(ssrcOf(packet)); ok {
			in.next.base = roc
		}
		if out, err := in.next.rtp(dst, packet, &in.header, now); err == nil {
			in.current, in.next = in.next, nil
			return out, nil
		}
	}
	return in.current.rtp(dst, packet, &in.header, now)
}

func ssrcOf(packet []byte) uint32 {
	if len(packet) < 12 {
		return 0
	}
	return binary.BigEndian.Uint32(packet[8:])
}

func (k *inboundKey) rtp(dst, packet []byte, h *rtp.Header, now int64) ([]byte, error) {
	ssrc := ssrcOf(packet)
	k.refused = false
	_, known := k.ctx.ROC(ssrc)
	out, err := k.ctx.DecryptRTP(dst, packet, h)
	if errors.Is(err, srtp.ErrFailedToVerifyAuthTag) {
		if at := slices.Index(k.hunted, ssrc); !known || at >= 0 {
			out, err = k.hunt(dst, packet, h, now, at)
		}
	}
	if err != nil {
		return nil, k.reason(err)
	}
	k.proven = true
	return out, nil
}

// hunt looks for the rollover counter of a source that was joined late
// (RFC 3711 3.3.1 wants it signalled, and SDES has no way to). at is the place
// of the source among the hunted, or -1.
func (k *inboundKey) hunt(dst, packet []byte, h *rtp.Header, now int64, at int) ([]byte, error) {
	ssrc := h.SSRC
	if now < k.nextHunt || at < 0 && len(k.hunted) == maxHunted {
		return nil, srtp.ErrFailedToVerifyAuthTag
	}
	k.nextHunt = now + huntPause
	if at < 0 {
		k.hunted = append(k.hunted, ssrc)
		at = len(k.hunted) - 1
	}
	for i := range uint32(rollovers + 3) {
		roc := i - 3
		switch i {
		case 0:
			roc = k.base
		case 1:
			roc = k.base + 1
		case 2:
			roc = max(k.base, 1) - 1
		}
		k.ctx.SetROC(ssrc, roc)
		out, err := k.ctx.DecryptRTP(dst, packet, h)
		if err == nil {
			k.hunted = slices.Delete(k.hunted, at, at+1)
			return out, nil
		}
	}
	k.ctx.SetROC(ssrc, k.base)
	return nil, srtp.ErrFailedToVerifyAuthTag
}

// RTCP opens a compound packet into dst, which must not be the packet's own
// memory. The errors are those of RTP.
func (in *Inbound) RTCP(dst, packet []byte) ([]byte, error) {
	for _, k := range []*inboundKey{in.next, in.current} {
		if k == nil {
			continue
		}
		k.refused = false
		out, err := k.ctx.DecryptRTCP(dst, packet, nil)
		if err == nil || k == in.current {
			return out, k.reason(err)
		}
	}
	return nil, ErrNotAuthentic
}

// reason tells a replay from everything else.
func (k *inboundKey) reason(err error) error {
	switch {
	case err == nil:
		return nil
	case k.refused:
		return fmt.Errorf("%w: %w", ErrReplayed, err)
	}
	return fmt.Errorf("%w: %w", ErrNotAuthentic, err)
}
