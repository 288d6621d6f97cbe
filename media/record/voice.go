package record

import (
	"slices"

	"earshot"
	"earshot/media/codec"
	"earshot/media/resample"
)

// voice is the decoder of one format on a tape, with the conversion to the
// tape's rate.
type voice struct {
	format  earshot.Format
	decoder codec.Decoder
	ssrc    uint32
	rate    int                 // of the tape
	convert *resample.Resampler // nil at the same rate
	native  []int16
}

// voice returns the decoder of the packet's format, nil if it has none.
func (a *Assembler) voice(p *Packet) *voice {
	if p.Format == nil || p.Flags&Silent != 0 {
		return nil
	}
	v, known := a.voices[*p.Format]
	if !known {
		if d, err := codec.New(*p.Format); err == nil {
			v = &voice{format: *p.Format, decoder: d, ssrc: p.SSRC, rate: a.rate}
		}
		a.voices[*p.Format] = v
	}
	return v
}

// decode fills pcm with the packet's audio, or reports that it is none. It
// goes on smoothly with what the voice said last if that is right before.
func (v *voice) decode(pcm []int16, p *Packet, goesOn bool) bool {
	if p.SSRC != v.ssrc { // another encoder, whose state begins anew
		v.ssrc, goesOn = p.SSRC, false
		if d, err := codec.New(v.format); err == nil {
			v.decoder = d
		}
	}
	n := v.decoder.Samples(p.Payload)
	native := v.room(n)
	if got, err := v.decoder.Decode(native, p.Payload); err != nil || got != n || n == 0 {
		return false
	}
	v.at(pcm, native, goesOn)
	return true
}

// room returns native samples.
func (v *voice) room(n int) []int16 {
	v.native = slices.Grow(v.native[:0], n)[:n]
	return v.native
}

// at converts native samples to the rate of the tape. The conversion looks
// some 2 ms ahead, by which it delays the audio.
func (v *voice) at(pcm, native []int16, goesOn bool) {
	if v.decoder.Rate() == v.rate {
		clear(pcm[copy(pcm, native):])
		return
	}
	if v.convert == nil || !goesOn {
		v.convert = resample.New(v.decoder.Rate(), v.rate)
		v.convert.Write(make([]int16, v.convert.Delay()))
	}
	v.convert.Write(native)
	clear(pcm[v.convert.Read(pcm):])
}

// pauses reports whether the sender falls silent with the payload.
func (v *voice) pauses(payload []byte) bool {
	p, ok := v.decoder.(codec.Pauser)
	return ok && p.Pauses(payload)
}

// frames returns how many native samples, in whole frames of a concealer, are
// at least n samples of the tape.
func (v *voice) frames(n int64, frame int) int {
	native := (n*int64(v.decoder.Rate()) + int64(v.rate) - 1) / int64(v.rate)
	return (int(native) + frame - 1) / frame * frame
}

// conceal fills pcm by the decoder's own means, or reports that it has none.
func (v *voice) conceal(pcm []int16) bool {
	c, ok := v.decoder.(codec.Concealer)
	if !ok {
		return false
	}
	native := v.room(v.frames(int64(len(pcm)), c.Frame()))
	if c.Conceal(native) != nil {
		clear(native)
	}
	v.at(pcm, native[:len(pcm)*v.decoder.Rate()/v.rate], true)
	return true
}

// recover fills pcm with what next knows of the audio before it, or reports
// that it knows nothing.
func (v *voice) recover(pcm []int16, next []byte) bool {
	c, ok := v.decoder.(codec.Recoverer)
	if !ok {
		return false
	}
	native := v.room(v.frames(int64(len(pcm)), c.Frame()))
	if c.Recover(native, next) != nil {
		return false
	}
	v.at(pcm, native[len(native)-len(pcm)*v.decoder.Rate()/v.rate:], true)
	return true
}
