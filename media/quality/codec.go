package quality

import "earshot"

// Codec is how a codec impairs speech: Ie by itself, and Bpl how robust it is
// against lost packets.
type Codec struct {
	Model   Model
	Ie, Bpl float64
	// Assumed says that not all of it is out of a recommendation.
	Assumed bool
}

// The codecs. Losses of codecs whose decoders do not conceal them are filled by
// repeating the pitch for up to 60 ms, much as G.711 Appendix I does.
//
// Narrowband: ITU-T G.113 Appendix I, tables I.1 and I.3. G.729 is taken as
// Annex A with voice activity detection: who sends it does not say. Linear PCM
// is what the scale of Ie begins with, its robustness is that of G.711.
//
// Wideband: Ie of G.722 at 64 kbit/s from the provisional values of G.113. No
// value of Bpl for the concealment done here is known: assumed is the lowest
// that G.113 has for a waveform codec, G.711 without concealment, so that the
// rating errs to the worse. The ITU has no values for Opus either: Ie is that
// of AMR-WB at 19.85 kbit/s (G.113), which Opus at a like rate was at least as
// good as in the listening tests of the IETF's codec group; Bpl as for G.722,
// although its decoder conceals better.
var (
	g711   = &Codec{Model: Narrowband, Ie: 0, Bpl: 25.1}
	g729   = &Codec{Model: Narrowband, Ie: 11, Bpl: 19}
	linear = &Codec{Model: Narrowband, Ie: 0, Bpl: 25.1, Assumed: true}

	g722       = &Codec{Model: Wideband, Ie: 13, Bpl: 4.3, Assumed: true}
	opus       = &Codec{Model: Wideband, Ie: 3, Bpl: 4.3, Assumed: true}
	wideLinear = &Codec{Model: Wideband, Ie: 0, Bpl: 4.3, Assumed: true}
)

// CodecOf returns what is known of a format, nil if nothing is.
func CodecOf(f earshot.Format) *Codec {
	switch {
	case f.Is("PCMU"), f.Is("PCMA"):
		return g711
	case f.Is("G729"):
		return g729
	case f.Is("G722"):
		return g722
	case f.Is("opus"):
		return opus
	case f.Is("L16") && f.ClockRate >= 16000:
		return wideLinear
	case f.Is("L16"):
		return linear
	}
	return nil
}
