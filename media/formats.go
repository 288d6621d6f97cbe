package media

import (
	"earshot"
	"earshot/media/codec"
)

// Static payload types (RFC 3551 6) that are understood without being in the
// answer. 19 was comfort noise before RFC 3389 and still is for some.
var (
	staticAudio = [...]earshot.Format{
		{PayloadType: 0, Encoding: "PCMU", ClockRate: 8000, Channels: 1},
		{PayloadType: 8, Encoding: "PCMA", ClockRate: 8000, Channels: 1},
	}
	staticNoise = [...]earshot.Format{
		{PayloadType: 13, Encoding: "CN", ClockRate: 8000, Channels: 1},
		{PayloadType: 19, Encoding: "CN", ClockRate: 8000, Channels: 1},
	}
)

// payloadType is what one payload type means on a stream.
type payloadType struct {
	format     earshot.Format
	name       string        // of the format
	decoder    codec.Decoder // nil if silent; only for lengths
	event      bool          // telephone-event: the payload is not kept
	unanswered bool
}

// duration returns the length of the payload's audio.
func (p *payloadType) duration(payload []byte) earshot.Position {
	if p.decoder == nil {
		return 0
	}
	return earshot.At(int64(p.decoder.Samples(payload)), p.decoder.Rate())
}

// formatTable maps payload types. It does not change once made.
type formatTable struct {
	types [128]*payloadType
	list  []earshot.Format
	rate  int    // the highest sample rate
	first string // of the recordable formats
}

func newFormatTable(answered []earshot.Format) *formatTable {
	t := &formatTable{}
	for _, f := range answered {
		t.add(f, false)
	}
	if t.rate == 0 {
		t.rate = 8000
	}
	for _, f := range staticAudio {
		t.add(f, true)
	}
	for _, f := range staticNoise {
		t.add(f, true)
	}
	return t
}

func (t *formatTable) add(f earshot.Format, unanswered bool) {
	if int(f.PayloadType) >= len(t.types) || t.types[f.PayloadType] != nil {
		return
	}
	p := &payloadType{format: f, name: f.String(), event: f.Is("telephone-event"), unanswered: unanswered}
	if !codec.Silent(f) {
		d, err := codec.New(f)
		if err != nil {
			return // not recordable: its packets are counted only
		}
		if p.decoder = d; t.first == "" {
			t.first = f.String()
		}
		t.rate = max(t.rate, d.Rate())
	}
	t.types[f.PayloadType] = p
	t.list = append(t.list, f)
}
