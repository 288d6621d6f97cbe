package codec

import (
	"errors"
	"fmt"

	"github.com/hraban/opus"

	"earshot"
)

// Opus is always announced as opus/48000/2, whatever is in it (RFC 7587 4.1),
// and can be decoded at full rate to any number of channels.
const (
	opusRate      = 48000
	opusFrame     = opusRate / 400 // 2.5 ms, the least a loss can be
	opusMaxPacket = opusRate * 120 / 1000
	opusBitRate   = 32000
)

var opusFamily = family{
	layout: func(f earshot.Format) Layout {
		if f.Is("opus") && f.ClockRate == opusRate {
			return opusLayout{}
		}
		return nil
	},
	decoder: func(earshot.Format) (Decoder, error) {
		d, err := opus.NewDecoder(opusRate, 1)
		if err != nil {
			return nil, fmt.Errorf("decode Opus: %w", err)
		}
		return &opusDecoder{d: d}, nil
	},
	encoder: newOpusEncoder,
}

type opusLayout struct{}

// Rate returns 48000.
func (opusLayout) Rate() int { return opusRate }

// Samples counts the frames of the packet by its first octets (RFC 6716 3.1,
// 3.2), whatever its mode is.
func (opusLayout) Samples(payload []byte) int {
	if len(payload) == 0 {
		return 0
	}
	frames := 0
	switch toc := payload[0]; toc & 3 {
	case 0:
		frames = 1
	case 1, 2:
		frames = 2
	default:
		if len(payload) > 1 {
			frames = int(payload[1] & 0x3f)
		}
	}
	n := frames * opusFrameSize(payload[0]>>3)
	if n > opusMaxPacket { // RFC 6716 3.4 R5
		return 0
	}
	return n
}

// opusFrameSize is the samples of a frame in each of the 32 configurations of
// RFC 6716 table 2.
func opusFrameSize(config byte) int {
	switch {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		return [...]int{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		return [...]int{480, 960}[config&1]
	default: // CELT: 2.5, 5, 10, 20 ms
		return [...]int{120, 240, 480, 960}[config&3]
	}
}

// opusDecoder decodes to mono at 48 kHz; stereo is mixed by the decoder.
type opusDecoder struct {
	opusLayout
	d *opus.Decoder
}

// Decode decodes a packet. A damaged one is an error and changes nothing.
func (d *opusDecoder) Decode(pcm []int16, payload []byte) (int, error) {
	if n := d.Samples(payload); n == 0 || len(pcm) < n {
		return 0, fmt.Errorf("decode Opus: room for %d of %d samples", len(pcm), n)
	}
	n, err := d.d.Decode(payload, pcm)
	if err != nil {
		return 0, fmt.Errorf("decode Opus: %w", err)
	}
	return n, nil
}

// Frame returns 2.5 ms.
func (*opusDecoder) Frame() int { return opusFrame }

// Conceal goes on with what the decoder heard.
func (d *opusDecoder) Conceal(pcm []int16) error {
	if err := d.d.DecodePLC(pcm); err != nil {
		return fmt.Errorf("conceal Opus: %w", err)
	}
	return nil
}

// Recover decodes the copy of lower rate that a SILK or hybrid packet may
// carry of the frame before it (RFC 6716 2.1.7); without one it conceals.
func (d *opusDecoder) Recover(pcm []int16, next []byte) error {
	if d.Samples(next) == 0 {
		return errors.New("recover Opus: not a packet")
	}
	if err := d.d.DecodeFEC(next, pcm); err != nil {
		return fmt.Errorf("recover Opus: %w", err)
	}
	return nil
}

// Pauses tells a packet of DTX, whose frames are empty: silence follows until
// the next packet (RFC 7587 3.1.3).
func (*opusDecoder) Pauses(payload []byte) bool { return len(payload) <= 2 }

type opusEncoder struct {
	opusLayout
	e   *opus.Encoder
	out [1500]byte
	dtx bool
}

// newOpusEncoder encodes speech with in-band FEC, and silence suppression if
// the fmtp asks for it (RFC 7587 6.1).
func newOpusEncoder(f earshot.Format) (Encoder, error) {
	e, err := opus.NewEncoder(opusRate, 1, opus.AppVoIP)
	if err == nil {
		err = errors.Join(e.SetBitrate(opusBitRate), e.SetInBandFEC(true), e.SetPacketLossPerc(10),
			e.SetDTX(f.Parameter("usedtx") == "1"))
	}
	if err != nil {
		return nil, fmt.Errorf("encode Opus: %w", err)
	}
	return &opusEncoder{e: e, dtx: f.Parameter("usedtx") == "1"}, nil
}

// Encode appends one packet. In silence one of one or two octets, which need
// not be sent, comes out of DTX: nothing is appended.
func (e *opusEncoder) Encode(dst []byte, pcm []int16) []byte {
	n, err := e.e.Encode(pcm, e.out[:])
	if err != nil || e.dtx && n <= 2 {
		return dst // or a length that Opus has no frame of
	}
	return append(dst, e.out[:n]...)
}
