package codec

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/ebitengine/purego"

	"earshot"
)

// G.729 has frames of 10 ms: 80 samples in 10 octets, or comfort noise in 2
// (Annex B), which can only be the last of a packet (RFC 3551 4.5.6).
const (
	g729Rate    = 8000
	g729Samples = 80
	g729Octets  = 10
	g729SID     = 2
)

// g729Library is loaded when the first decoder is asked for; it is never
// linked, because its licence is the GPL.
const g729Library = "libbcg729.so.0"

// bcg729 are the functions of the library.
var bcg729 struct {
	initDecoder  func() uintptr
	closeDecoder func(uintptr)
	decode       func(ctx uintptr, bits *byte, length, erased, sid, rfc3389 uint8, pcm *int16)
	initEncoder  func(vad uint8) uintptr
	closeEncoder func(uintptr)
	encode       func(ctx uintptr, pcm *int16, bits *byte, length *uint8)
}

// G729 returns nil if G.729 can be decoded, or why it can not.
var G729 = sync.OnceValue(func() error {
	lib, err := purego.Dlopen(g729Library, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return fmt.Errorf("%s is not installed (package libbcg729-0): %w", g729Library, err)
	}
	for name, fn := range map[string]any{
		"initBcg729DecoderChannel": &bcg729.initDecoder, "closeBcg729DecoderChannel": &bcg729.closeDecoder,
		"bcg729Decoder": &bcg729.decode, "initBcg729EncoderChannel": &bcg729.initEncoder,
		"closeBcg729EncoderChannel": &bcg729.closeEncoder, "bcg729Encoder": &bcg729.encode,
	} {
		if _, err := purego.Dlsym(lib, name); err != nil {
			return fmt.Errorf("%s: %w", g729Library, err)
		}
		purego.RegisterLibFunc(fn, lib, name)
	}
	return nil
})

var g729Family = family{
	layout: func(f earshot.Format) Layout {
		if f.Is("G729") && f.ClockRate == g729Rate && f.Channels <= 1 {
			return g729Layout{}
		}
		return nil
	},
	decoder: newG729Decoder,
	encoder: newG729Encoder,
	missing: func() error { return G729() },
}

type g729Layout struct{}

// Rate returns 8000.
func (g729Layout) Rate() int { return g729Rate }

// Samples returns 80 for each frame, a last one of comfort noise included.
func (g729Layout) Samples(payload []byte) int {
	frames := len(payload) / g729Octets
	switch len(payload) % g729Octets {
	case 0:
		return frames * g729Samples
	case g729SID:
		return (frames + 1) * g729Samples
	}
	return 0
}

// Pauses tells a packet that ends with comfort noise: the sender is silent
// from there on.
func (g729Layout) Pauses(payload []byte) bool { return len(payload)%g729Octets == g729SID }

// g729Decoder decodes G.729 and its annexes A and B.
type g729Decoder struct {
	g729Layout
	ctx uintptr
}

func newG729Decoder(earshot.Format) (Decoder, error) {
	d := &g729Decoder{ctx: bcg729.initDecoder()}
	if d.ctx == 0 {
		return nil, errors.New("decode G.729: no memory")
	}
	runtime.AddCleanup(d, func(ctx uintptr) { bcg729.closeDecoder(ctx) }, d.ctx)
	return d, nil
}

// Decode decodes all frames of a packet.
func (d *g729Decoder) Decode(pcm []int16, payload []byte) (int, error) {
	n := d.Samples(payload)
	if n == 0 || len(pcm) < n {
		return 0, fmt.Errorf("decode G.729: %d octets into %d samples", len(payload), len(pcm))
	}
	for at := 0; at < n; at += g729Samples {
		length, sid := g729Octets, uint8(0)
		if len(payload) < g729Octets {
			length, sid = g729SID, 1
		}
		bcg729.decode(d.ctx, &payload[0], uint8(length), 0, sid, 0, &pcm[at])
		payload = payload[length:]
	}
	runtime.KeepAlive(d)
	return n, nil
}

// Frame returns 80.
func (*g729Decoder) Frame() int { return g729Samples }

// Conceal does what the recommendation says for erased frames (G.729 4.4).
func (d *g729Decoder) Conceal(pcm []int16) error {
	var nothing [g729Octets]byte
	for at := 0; at+g729Samples <= len(pcm); at += g729Samples {
		bcg729.decode(d.ctx, &nothing[0], 0, 1, 0, 0, &pcm[at])
	}
	runtime.KeepAlive(d)
	return nil
}

type g729Encoder struct {
	g729Layout
	ctx uintptr
}

// newG729Encoder suppresses silence unless the fmtp says annexb=no, as is the
// default (RFC 4856 2.1.9).
func newG729Encoder(f earshot.Format) (Encoder, error) {
	vad := uint8(1)
	if f.Parameter("annexb") == "no" {
		vad = 0
	}
	e := &g729Encoder{ctx: bcg729.initEncoder(vad)}
	if e.ctx == 0 {
		return nil, errors.New("encode G.729: no memory")
	}
	runtime.AddCleanup(e, func(ctx uintptr) { bcg729.closeEncoder(ctx) }, e.ctx)
	return e, nil
}

// Encode appends the frames of pcm up to the first that is comfort noise or
// need not be sent.
func (e *g729Encoder) Encode(dst []byte, pcm []int16) []byte {
	var frame [g729Octets]byte
	silent := false
	for ; len(pcm) >= g729Samples; pcm = pcm[g729Samples:] {
		var n uint8
		bcg729.encode(e.ctx, &pcm[0], &frame[0], &n)
		if silent {
			continue
		}
		dst = append(dst, frame[:n]...)
		silent = n < g729Octets
	}
	runtime.KeepAlive(e)
	return dst
}
