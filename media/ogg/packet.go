package ogg

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/hraban/opus"
)

const (
	// clock is the rate of granule positions, whatever the audio's is (RFC 7845 4).
	clock = 48_000
	// preSkip is what the encoder's look-ahead of 6.5 ms puts before the audio,
	// the same at each of its rates.
	preSkip     = clock * 65 / 10_000
	packetTicks = clock / 50 // 20 ms
	bitRate     = 24_000     // per channel, in bits per second
	maxFrame    = 1275       // RFC 6716 3.2.1
	// complexity is half of what the encoder can do: it takes half the time for
	// what speech hardly shows.
	complexity = 5
)

var errFraming = errors.New("encoder made a packet of several frames")

// head returns the identification header (RFC 7845 5.1).
func head(channels, rate int) []byte {
	h := append([]byte("OpusHead"), 1, byte(channels))
	h = binary.LittleEndian.AppendUint16(h, preSkip)
	h = binary.LittleEndian.AppendUint32(h, uint32(rate))
	h = binary.LittleEndian.AppendUint16(h, 0) // gain
	family := familyOf(channels)
	h = append(h, family)
	if family == 0 {
		return h
	}
	h = append(h, byte(channels), 0) // a stream per channel, none coupled
	for c := range channels {
		h = append(h, byte(c))
	}
	return h
}

// familyOf returns the channel mapping family (RFC 7845 5.1.1): mono and
// stereo; the layouts up to eight channels, since that is the most that
// players play; discrete channels above.
func familyOf(channels int) byte {
	switch {
	case channels <= 2:
		return 0
	case channels <= 8:
		return 1
	}
	return 255
}

// tags returns the comment header (RFC 7845 5.2) without comments.
func tags() []byte {
	const vendor = "Earshot"
	t := binary.LittleEndian.AppendUint32([]byte("OpusTags"), uint32(len(vendor)))
	return binary.LittleEndian.AppendUint32(append(t, vendor...), 0)
}

// packer encodes 20 ms of all channels into one packet.
type packer struct {
	encoders []*opus.Encoder
	channels int // of each encoder
	pcm      []int16
	frame    [maxFrame + 1]byte
	packet   []byte
}

// newPacker has one encoder for mono and stereo, and else one per channel.
func newPacker(rate, channels int) (*packer, error) {
	p := &packer{channels: 1}
	n := channels
	if channels <= 2 {
		p.channels, n = channels, 1
	}
	for range n {
		e, err := opus.NewEncoder(rate, p.channels, opus.AppVoIP)
		if err != nil {
			return nil, fmt.Errorf("open Opus encoder: %w", err)
		}
		if err := errors.Join(e.SetBitrate(bitRate*p.channels), e.SetComplexity(complexity)); err != nil {
			return nil, fmt.Errorf("set Opus encoder: %w", err)
		}
		p.encoders = append(p.encoders, e)
	}
	p.pcm = make([]int16, rate/50*p.channels)
	return p, nil
}

// encode returns the packet of 20 ms of interleaved samples; it is good until
// the next call.
func (p *packer) encode(frames []int16) ([]byte, error) {
	p.packet = p.packet[:0]
	last := len(p.encoders) - 1
	for i, e := range p.encoders {
		pcm := frames
		if last > 0 {
			pcm = p.pcm
			for j := range pcm {
				pcm[j] = frames[j*len(p.encoders)+i]
			}
		}
		n, err := e.Encode(pcm, p.frame[:])
		if err != nil {
			return nil, fmt.Errorf("encode Opus: %w", err)
		}
		if i == last {
			return append(p.packet, p.frame[:n]...), nil
		}
		if p.packet, err = appendDelimited(p.packet, p.frame[:n]); err != nil {
			return nil, err
		}
	}
	return p.packet, nil
}

// appendDelimited appends a packet of one frame in self-delimiting framing
// (RFC 6716 appendix B): its length follows its first octet.
func appendDelimited(dst, packet []byte) ([]byte, error) {
	if len(packet) == 0 || packet[0]&3 != 0 {
		return dst, errFraming
	}
	dst = append(dst, packet[0])
	n := len(packet) - 1
	if n < 252 {
		dst = append(dst, byte(n))
	} else {
		first := 252 + n&3
		dst = append(dst, byte(first), byte((n-first)/4))
	}
	return append(dst, packet[1:]...), nil
}
