// Package codec turns RTP payloads into linear PCM and back. Each format is
// decoded by its own decoder; nothing is guessed from the bytes.
package codec

import (
	"errors"
	"fmt"

	"earshot"
)

// ErrUnknown says that there is no decoder for a format.
var ErrUnknown = errors.New("no decoder")

// Decoder decodes the payloads of one stream. It may carry state from one
// payload to the next, so that each reader of a stream has decoders of its
// own; it is not safe for concurrent use.
type Decoder interface {
	// Rate is the sample rate of the PCM. It need not be the RTP clock rate
	// (G.722, RFC 3551 4.5.2).
	Rate() int
	// Samples returns how many samples the payload decodes to, without
	// decoding it.
	Samples(payload []byte) int
	// Decode writes mono PCM and returns the number of samples. The caller
	// makes room for Samples(payload).
	Decode(pcm []int16, payload []byte) (int, error)
}

// Encoder makes payloads of linear PCM.
type Encoder interface {
	Rate() int
	// Encode appends the payload of pcm to dst.
	Encode(dst []byte, pcm []int16) []byte
}

// New returns a decoder of the format, or an error that wraps [ErrUnknown].
func New(f earshot.Format) (Decoder, error) {
	if law := lawOf(f); law != nil {
		return law, nil
	}
	return nil, fmt.Errorf("%s: %w", f, ErrUnknown)
}

// NewEncoder returns an encoder of the format, or an error that wraps
// [ErrUnknown].
func NewEncoder(f earshot.Format) (Encoder, error) {
	if law := lawOf(f); law != nil {
		return law, nil
	}
	return nil, fmt.Errorf("%s: %w", f, ErrUnknown)
}

// Recordable reports whether the format is audio that can be decoded.
func Recordable(f earshot.Format) bool { return lawOf(f) != nil }

// Silent reports whether packets of the format belong to an audio stream
// without being audio: comfort noise (RFC 3389) and telephone events
// (RFC 4733).
func Silent(f earshot.Format) bool { return f.Is("CN") || f.Is("telephone-event") }

func lawOf(f earshot.Format) *law {
	if f.ClockRate != 8000 || f.Channels > 1 {
		return nil
	}
	switch {
	case f.Is("PCMU"):
		return muLaw
	case f.Is("PCMA"):
		return aLaw
	}
	return nil
}
