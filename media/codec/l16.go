package codec

import (
	"encoding/binary"
	"fmt"

	"earshot"
)

// l16Rates are those whose samples are whole ticks of [earshot.MediaClock],
// and 44100, of the static payload types 10 and 11 (RFC 3551 4.5.11), whose
// positions are rounded.
var l16Rates = map[int]bool{8000: true, 12000: true, 16000: true, 24000: true, 32000: true, 44100: true, 48000: true}

var l16Family = family{
	layout: func(f earshot.Format) Layout {
		if f.Is("L16") && l16Rates[f.ClockRate] && f.Channels <= 2 {
			return l16{f.ClockRate, max(1, f.Channels)}
		}
		return nil
	},
	decoder: func(f earshot.Format) (Decoder, error) { return l16{f.ClockRate, max(1, f.Channels)}, nil },
	encoder: func(f earshot.Format) (Encoder, error) { return l16{f.ClockRate, max(1, f.Channels)}, nil },
}

// l16 is linear PCM of 16 bits, the most significant octet first (RFC 3551
// 4.5.11). Two channels are mixed into one.
type l16 struct{ rate, channels int }

// Rate returns the clock rate.
func (l l16) Rate() int { return l.rate }

// Samples returns one for each two octets of a channel.
func (l l16) Samples(payload []byte) int { return len(payload) / (2 * l.channels) }

// Decode mixes the channels.
func (l l16) Decode(pcm []int16, payload []byte) (int, error) {
	n := l.Samples(payload)
	if len(pcm) < n {
		return 0, fmt.Errorf("decode L16: room for %d of %d samples", len(pcm), n)
	}
	for i := range n {
		sum := 0
		for range l.channels {
			sum += int(int16(binary.BigEndian.Uint16(payload)))
			payload = payload[2:]
		}
		pcm[i] = int16(sum / l.channels)
	}
	return n, nil
}

// Encode writes the same samples to all channels.
func (l l16) Encode(dst []byte, pcm []int16) []byte {
	for _, s := range pcm {
		for range l.channels {
			dst = binary.BigEndian.AppendUint16(dst, uint16(s))
		}
	}
	return dst
}
