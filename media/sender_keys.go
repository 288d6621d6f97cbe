package media

import (
	"fmt"
	"time"

	"github.com/pion/rtp"

	"earshot"
	"earshot/media/event"
)

// Key is a key that is pressed while a [Sender] sends.
type Key struct {
	At, For time.Duration // since the first packet
	Code    uint8         // see [event.Code]
}

// endRepeats is how often the end of an event is sent again (RFC 4733 2.5.1.4).
const endRepeats = 2

// keyboard sends keys as telephone events (RFC 4733) in place of the audio of
// their time.
type keyboard struct {
	format  earshot.Format
	keys    []Key // still to be pressed
	pressed bool  // the first of them is
	// start is the timestamp of the event, or of its segment, and length how far
	// that has come.
	start, length uint32
	repeats       int // of the end before
	packet        rtp.Packet
}

func (c *SenderConfig) keyboard() (keyboard, error) {
	k := keyboard{format: c.Events, keys: c.Keys}
	switch {
	case len(c.Keys) == 0 || c.Events.ClockRate == c.Format.ClockRate:
		return k, nil
	case c.Events.ClockRate == 0:
		return k, fmt.Errorf("keys need a format of telephone events")
	}
	return k, fmt.Errorf("telephone events at %d Hz beside audio at %d Hz", c.Events.ClockRate, c.Format.ClockRate)
}

// press sends what there is of keys at a time, and reports whether that takes
// the place of audio.
func (s *Sender) press(at time.Duration) (busy bool, err error) {
	k := &s.keyboard
	if !k.pressed {
		if k.repeats > 0 {
			k.repeats--
			if err := s.sendKey(false); err != nil {
				return false, err
			}
		}
		if len(k.keys) == 0 || at < k.keys[0].At {
			return false, nil
		}
		k.pressed, k.start, k.length, k.repeats = true, s.packet.Timestamp, 0, 0
	}
	key := k.keys[0]
	first := k.length == 0 && k.start == s.packet.Timestamp
	k.length += s.ticks()
	b := event.Block{Code: key.Code, End: at+s.cfg.PacketTime >= key.At+key.For}
	if k.length > longest {
		// A long event goes on in a new segment (RFC 4733 2.5.1.3).
		k.say(event.Block{Code: key.Code, Duration: longest})
		if err := s.sendKey(false); err != nil {
			return true, err
		}
		k.start, k.length = k.start+longest, k.length-longest
	}
	b.Duration = uint16(k.length)
	k.say(b)
	if b.End {
		k.pressed, k.keys, k.repeats = false, k.keys[1:], endRepeats
	}
	return true, s.sendKey(first)
}

// longest is the longest duration that an event can tell.
const longest = 1<<16 - 1

// say makes the packet of an event.
func (k *keyboard) say(b event.Block) {
	k.packet.PayloadType, k.packet.Timestamp = k.format.PayloadType, k.start
	k.packet.Payload = event.Append(k.packet.Payload[:0], b, 10)
}

func (s *Sender) sendKey(first bool) error {
	p := &s.keyboard.packet
	p.Version, p.SSRC, p.Marker = 2, s.cfg.SSRC, first
	return s.write(p)
}

// ticks is the length of a packet in units of the timestamp.
func (s *Sender) ticks() uint32 {
	return uint32(s.cfg.PacketTime * time.Duration(s.cfg.Format.ClockRate) / time.Second)
}
