package codec

import (
	"fmt"

	"github.com/gotranspile/g722"

	"earshot"
)

// G.722 has 16000 samples a second, two to an octet, but its RTP clock counts
// 8000 by a mistake that stays (RFC 3551 4.5.2).
const (
	g722Rate    = 16000
	g722Clock   = 8000
	g722BitRate = 64000
)

var g722Family = family{
	layout: func(f earshot.Format) Layout {
		if f.Is("G722") && f.ClockRate == g722Clock && f.Channels <= 1 {
			return g722Layout{}
		}
		return nil
	},
	decoder: func(earshot.Format) (Decoder, error) {
		return &g722Decoder{d: g722.NewDecoder(g722BitRate, 0)}, nil
	},
	encoder: func(earshot.Format) (Encoder, error) {
		return &g722Encoder{e: g722.NewEncoder(g722BitRate, 0)}, nil
	},
}

type g722Layout struct{}

// Rate returns 16000.
func (g722Layout) Rate() int { return g722Rate }

// Samples returns two for each octet.
func (g722Layout) Samples(payload []byte) int { return 2 * len(payload) }

// g722Decoder is the sub-band ADPCM of ITU-T G.722 at 64 kbit/s. After a loss
// its predictors find back by themselves within some 10 ms.
type g722Decoder struct {
	g722Layout
	d *g722.Decoder
}

// Decode writes two samples for each octet.
func (d *g722Decoder) Decode(pcm []int16, payload []byte) (int, error) {
	if len(pcm) < 2*len(payload) {
		return 0, fmt.Errorf("decode G.722: room for %d of %d samples", len(pcm), 2*len(payload))
	}
	return d.d.Decode(pcm, payload), nil
}

type g722Encoder struct {
	g722Layout
	e   *g722.Encoder
	out []byte
}

// Encode appends an octet for each two samples.
func (e *g722Encoder) Encode(dst []byte, pcm []int16) []byte {
	if n := len(pcm)/2 + 1; len(e.out) < n {
		e.out = make([]byte, n)
	}
	return append(dst, e.out[:e.e.Encode(e.out, pcm)]...)
}
