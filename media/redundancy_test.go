package media

import (
	"encoding/binary"
	"slices"
	"testing"

	"earshot"
	"earshot/media/rtptest"
)

var redundant = earshot.Format{PayloadType: 97, Encoding: "RED", ClockRate: 8000, Channels: 1, FMTP: "0/0/0"}

// redPacket wraps the newest of payloads, 20 ms apart, with the earlier ones.
func redPacket(src *rtptest.Numbered, payloads [][]byte) []byte {
	var head, body []byte
	for i, p := range payloads {
		if i == len(payloads)-1 {
			head = append(head, 0)
		} else {
			back := uint32(len(payloads)-1-i) * rtptest.FrameSamples
			head = binary.BigEndian.AppendUint32(head, 0x80<<24|back<<10|uint32(len(p)))
		}
		body = append(body, p...)
	}
	return src.Packet(97, append(head, body...))
}

func payloadOf(number int) []byte {
	return slices.Repeat([]byte{rtptest.Code(number)}, rtptest.FrameSamples)
}

// sendRED lets packets with two generations arrive, but those that lost names.
func (r *rig) sendRED(n int, lost func(int) bool) {
	for i := range n {
		var payloads [][]byte
		for back := min(2, i); back >= 0; back-- {
			payloads = append(payloads, payloadOf(i-back))
		}
		if b := redPacket(r.src, payloads); !lost(i) {
			r.take(b)
		}
		r.src.Timestamp += rtptest.FrameSamples
		r.at += frame
	}
}

// Two packets in a row may be lost: what follows brings them, each to its
// place, and they are lost all the same in the counts.
func TestRedundancyRepairsLoss(t *testing.T) {
	t.Run("heard", func(t *testing.T) { redundancyRepairsLoss(t, Config{}) })
	t.Run("unheard", func(t *testing.T) { redundancyRepairsLoss(t, Config{Unheard: true}) })
}

func redundancyRepairsLoss(t *testing.T, cfg Config) {
	r := newRig(t, cfg)
	s := spec()
	s.Formats = append(s.Formats, redundant)
	r.open(s)
	r.sendRED(100, func(i int) bool { return i%10 == 4 || i%10 == 5 })
	r.check(r.close(), 100, same)
	if stats := r.s.Stats(); stats.PacketsLost != 20 || stats.PacketsReceived != 80 {
		t.Errorf("%d packets lost, %d received", stats.PacketsLost, stats.PacketsReceived)
	}
	if n := r.s.counters().repaired; n != 20 {
		t.Errorf("%d packets repaired", n)
	}
	if rec, err := r.e.Recorded("call", "stream"); err != nil || rec.Stats().PacketsReceived != 80 {
		t.Errorf("the recording tells of %d packets, %v", rec.Stats().PacketsReceived, err)
	}
}

func TestBrokenRedundancyIsInvalid(t *testing.T) {
	r := newRig(t, Config{})
	s := spec()
	s.Formats = append(s.Formats, redundant)
	r.open(s)
	r.send(1)
	for _, payload := range [][]byte{
		{},
		{0x80},
		{0x80, 0, 0},
		{0x80, 0, 0, 9},
		{0x80, 0, 0, 9, 0},
		{97, 1, 2},
		{55, 1, 2},
		slices.Repeat([]byte{0x80, 0, 0, 0}, 20),
	} {
		r.take(r.src.Packet(97, payload))
	}
	r.src.Seq = 501
	r.send(1)
	if stats := r.s.Stats(); stats.PacketsInvalid != 8 || stats.PacketsReceived != 2 {
		t.Errorf("%d invalid, %d received", stats.PacketsInvalid, stats.PacketsReceived)
	}
	r.check(r.close(), 2, same)
}

func FuzzUnfold(f *testing.F) {
	f.Add([]byte{0x80, 0, 0, 1, 0, 1, 2})
	f.Fuzz(func(t *testing.T, payload []byte) {
		blocks, err := unfold(nil, payload)
		if err != nil {
			return
		}
		size := 1 + 4*(len(blocks)-1)
		for _, b := range blocks {
			size += len(b.data)
		}
		if size > len(payload) || len(blocks) > maxBlocks {
			t.Errorf("%d blocks of %d octets from %d", len(blocks), size, len(payload))
		}
	})
}
