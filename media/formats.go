package media

import (
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"earshot"
	"earshot/media/codec"
	"earshot/media/quality"
)

// Static payload types (RFC 3551 6) that are understood without being in the
// answer. 19 was comfort noise before RFC 3389 and still is for some.
var (
	staticAudio = [...]earshot.Format{
		{PayloadType: 0, Encoding: "PCMU", ClockRate: 8000, Channels: 1},
		{PayloadType: 8, Encoding: "PCMA", ClockRate: 8000, Channels: 1},
		{PayloadType: 9, Encoding: "G722", ClockRate: 8000, Channels: 1},
		{PayloadType: 10, Encoding: "L16", ClockRate: 44100, Channels: 2},
		{PayloadType: 11, Encoding: "L16", ClockRate: 44100, Channels: 1},
		{PayloadType: 18, Encoding: "G729", ClockRate: 8000, Channels: 1},
	}
	staticNoise = [...]earshot.Format{
		{PayloadType: 13, Encoding: "CN", ClockRate: 8000, Channels: 1},
		{PayloadType: 19, Encoding: "CN", ClockRate: 8000, Channels: 1},
	}
)

// payloadType is what one payload type means on a stream.
type payloadType struct {
	format     earshot.Format
	name       string         // of the format
	layout     codec.Layout   // nil if silent
	impairment *quality.Codec // nil if not known
	event      bool           // telephone-event: the payload is not kept
	redundant  bool           // other payload types are inside (RFC 2198)
	unanswered bool
}

// duration returns the length of the payload's audio.
func (p *payloadType) duration(payload []byte) earshot.Position {
	if p.layout == nil {
		return 0
	}
	return earshot.At(int64(p.layout.Samples(payload)), p.layout.Rate())
}

// formatTable maps payload types. It does not change once made.
type formatTable struct {
	answered []earshot.Format
	types    [128]*payloadType
	list     []earshot.Format
	rate     int    // the highest sample rate
	first    string // of the recordable formats
}

// formatTables keeps the newest table: the streams of a trunk are answered alike
// and share it.
type formatTables struct{ newest atomic.Pointer[formatTable] }

func (f *formatTables) of(answered []earshot.Format) *formatTable {
	if t := f.newest.Load(); t != nil && slices.Equal(t.answered, answered) {
		return t
	}
	t := newFormatTable(answered)
	f.newest.Store(t)
	return t
}

func newFormatTable(answered []earshot.Format) *formatTable {
	t := &formatTable{answered: slices.Clone(answered)}
	for _, f := range answered {
		t.add(f, false)
	}
	if t.rate == 0 {
		t.rate = 8000
	}
	rate := t.rate
	for _, f := range staticAudio {
		t.add(f, true)
	}
	for _, f := range staticNoise {
		t.add(f, true)
	}
	t.rate = rate
	return t
}

func (t *formatTable) add(f earshot.Format, unanswered bool) {
	if int(f.PayloadType) >= len(t.types) || t.types[f.PayloadType] != nil {
		return
	}
	p := &payloadType{
		format: f, name: f.String(), unanswered: unanswered,
		event: f.Is("telephone-event"), redundant: redundancy(f),
	}
	if !codec.Silent(f) && !p.redundant {
		if !codec.Recordable(f) {
			return // its packets are counted only
		}
		p.layout, p.impairment = codec.LayoutOf(f), quality.CodecOf(f)
		if t.first == "" {
			t.first = f.String()
		}
		t.rate = max(t.rate, p.layout.Rate())
	}
	t.types[f.PayloadType] = p
	t.list = append(t.list, f)
}

// redundancy tells the payload format of RFC 2198 for audio.
func redundancy(f earshot.Format) bool { return f.Is("red") }

// accept returns the offered formats that can be received, in the offer's
// order: audio that can be recorded, comfort noise and telephone events next
// to it, and redundancy of what is accepted. It is empty if no audio is left.
func accept(offered []earshot.Format) []earshot.Format {
	understood := map[uint8]bool{}
	audio := false
	for _, f := range offered {
		recordable := codec.Recordable(f)
		audio = audio || recordable
		understood[f.PayloadType] = recordable || codec.Silent(f)
	}
	if !audio {
		return nil
	}
	var accepted []earshot.Format
	for _, f := range offered {
		if understood[f.PayloadType] || redundancy(f) && covers(understood, f.FMTP) {
			accepted = append(accepted, f)
		}
	}
	return accepted
}

// covers reports whether all the payload types of a fmtp of RFC 2198 ("96/96/0")
// are understood. One without a list says nothing against it.
func covers(understood map[uint8]bool, fmtp string) bool {
	if fmtp == "" {
		return true
	}
	for pt := range strings.SplitSeq(fmtp, "/") {
		n, err := strconv.ParseUint(strings.TrimSpace(pt), 10, 7)
		if err != nil || !understood[uint8(n)] {
			return false
		}
	}
	return true
}
