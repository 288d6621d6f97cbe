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

// Layout tells how much audio a payload is, without decoding it.
type Layout interface {
	// Rate is the sample rate of the PCM. It need not be the RTP clock rate
	// (G.722, RFC 3551 4.5.2).
	Rate() int
	// Samples returns how many samples the payload decodes to, 0 if it is not
	// one of the format.
	Samples(payload []byte) int
}

// Decoder decodes the payloads of one stream. It may carry state from one
// payload to the next, so that each reader of a stream has decoders of its
// own; it is not safe for concurrent use.
type Decoder interface {
	Layout
	// Decode writes mono PCM and returns the number of samples. The caller
	// makes room for Samples(payload).
	Decode(pcm []int16, payload []byte) (int, error)
}

// Concealer is a decoder that fills in for what was lost by itself.
type Concealer interface {
	Decoder
	// Frame is the number of samples that a loss is concealed by.
	Frame() int
	// Conceal makes the frames that follow what was decoded last. The length
	// of pcm is a multiple of Frame.
	Conceal(pcm []int16) error
}

// Recoverer is a decoder whose payloads may carry a copy of the audio before
// them (in-band FEC).
type Recoverer interface {
	Concealer
	// Recover makes the audio right before next, which is not decoded by it.
	// The length of pcm is a multiple of Frame.
	Recover(pcm []int16, next []byte) error
}

// Pauser is a decoder that can tell that the sender falls silent with a
// payload: nothing needs to be concealed after it.
type Pauser interface {
	Decoder
	Pauses(payload []byte) bool
}

// Encoder makes payloads of linear PCM. It is not safe for concurrent use.
type Encoder interface {
	Rate() int
	// Encode appends the payload of pcm to dst. The length of pcm is 10, 20,
	// 40 or 60 ms. An encoder that suppresses silence may append nothing.
	Encode(dst []byte, pcm []int16) []byte
}

// family is all the formats of one coding.
type family struct {
	// layout returns nil for a format that is not one of the family.
	layout  func(earshot.Format) Layout
	decoder func(earshot.Format) (Decoder, error)
	encoder func(earshot.Format) (Encoder, error)
	// missing is why it cannot be decoded on this machine.
	missing func() error
}

var families = [...]family{g711, g722Family, g729Family, opusFamily, l16Family}

func familyOf(f earshot.Format) (*family, Layout) {
	for i := range families {
		if layout := families[i].layout(f); layout != nil {
			return &families[i], layout
		}
	}
	return nil, nil
}

func find(f earshot.Format) (*family, error) {
	fam, _ := familyOf(f)
	if fam == nil {
		return nil, fmt.Errorf("%s: %w", f, ErrUnknown)
	}
	if fam.missing != nil {
		if err := fam.missing(); err != nil {
			return nil, fmt.Errorf("%s: %w: %w", f, ErrUnknown, err)
		}
	}
	return fam, nil
}

// New returns a decoder of the format, or an error that wraps [ErrUnknown].
func New(f earshot.Format) (Decoder, error) {
	fam, err := find(f)
	if err != nil {
		return nil, err
	}
	return fam.decoder(f)
}

// NewEncoder returns an encoder of the format, or an error that wraps
// [ErrUnknown].
func NewEncoder(f earshot.Format) (Encoder, error) {
	fam, err := find(f)
	if err != nil {
		return nil, err
	}
	return fam.encoder(f)
}

// LayoutOf returns the layout of the format's payloads, nil if the format is
// not known. The decoder may be missing on this machine all the same.
func LayoutOf(f earshot.Format) Layout {
	_, layout := familyOf(f)
	return layout
}

// Recordable reports whether the format is audio that can be decoded.
func Recordable(f earshot.Format) bool {
	_, err := find(f)
	return err == nil
}

// Silent reports whether packets of the format belong to an audio stream
// without being audio: comfort noise (RFC 3389) and telephone events
// (RFC 4733).
func Silent(f earshot.Format) bool { return f.Is("CN") || f.Is("telephone-event") }
