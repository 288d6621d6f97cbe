package capture

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"earshot"
)

// Packet is one RTP packet as it was recorded.
type Packet struct {
	At          time.Time
	Seq         uint16
	Timestamp   uint32
	SSRC        uint32
	PayloadType uint8
	Marker      bool
	// Event says that this is a telephone-event, whose payload is not kept.
	Event   bool
	Payload []byte // valid until the next packet
}

// Stream is the packets of one recorded stream in the order they arrived.
type Stream struct {
	From, To netip.AddrPort
	Packets  iter.Seq2[Packet, error]
}

// noEvent is the payload of a telephone-event whose digit is not kept: an
// event that is not assigned (RFC 4733 7), so that readers still see one.
var noEvent = []byte{0xff, 0, 0, 0}

// Write writes messages and streams in the order of their times. SIP over TLS
// is written as if it had been plain TCP, SRTP as the RTP it was decrypted to.
func Write(ctx context.Context, w io.Writer, messages []earshot.SIPMessage, streams []Stream) error {
	out, err := NewWriter(w)
	if err != nil {
		return err
	}
	heads := make([]head, 0, len(streams))
	for _, s := range streams {
		next, stop := iter.Pull2(s.Packets)
		defer stop()
		h := head{stream: s, next: next}
		if err := h.advance(); err != nil {
			return err
		}
		heads = append(heads, h)
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		first := earliest(heads)
		switch {
		case len(messages) > 0 && (first == nil || !first.packet.At.Before(messages[0].At)):
			err = out.message(messages[0])
			messages = messages[1:]
		case first != nil:
			if err = out.UDP(first.packet.At, first.stream.From, first.stream.To, out.rtp(first.packet)); err == nil {
				err = first.advance()
			}
		default:
			return out.Flush()
		}
		if err != nil {
			return err
		}
	}
}

// head is the next packet of a stream.
type head struct {
	stream Stream
	next   func() (Packet, error, bool)
	packet Packet
	more   bool
}

func (h *head) advance() error {
	var err error
	h.packet, err, h.more = h.next()
	return err
}

func earliest(heads []head) *head {
	var first *head
	for i := range heads {
		if h := &heads[i]; h.more && (first == nil || h.packet.At.Before(first.packet.At)) {
			first = h
		}
	}
	return first
}

// rtp makes the packet again as it was on the wire, but for a CSRC list,
// header extensions and padding (RFC 3550 5.1).
func (w *Writer) rtp(p Packet) []byte {
	b := append(make([]byte, 0, 12+len(p.Payload)), 2<<6, p.PayloadType&0x7f)
	if p.Marker {
		b[1] |= 0x80
	}
	b = binary.BigEndian.AppendUint16(b, p.Seq)
	b = binary.BigEndian.AppendUint32(b, p.Timestamp)
	b = binary.BigEndian.AppendUint32(b, p.SSRC)
	if p.Event && len(p.Payload) == 0 {
		return append(b, noEvent...)
	}
	return append(b, p.Payload...)
}

func (w *Writer) message(m earshot.SIPMessage) error {
	peer, err := netip.ParseAddrPort(m.Peer)
	if err != nil {
		return fmt.Errorf("address of a SIP message: %w", err)
	}
	local, err := netip.ParseAddrPort(m.Local)
	if err != nil {
		return fmt.Errorf("address of a SIP message: %w", err)
	}
	from, to := peer, local
	if m.Sent {
		from, to = local, peer
	}
	if m.Transport == "UDP" {
		return w.UDP(m.At, from, to, wireText(m))
	}
	return w.TCP(m.At, from, to, wireText(m))
}

// wireText is the message with the length its body has now, and with plain
// RTP in its SDP, for that is what the capture holds.
func wireText(m earshot.SIPMessage) []byte {
	text := m.Text
	if text == "" {
		text = m.FirstLine + "\r\nCSeq: " + m.CSeq + "\r\n\r\n"
	}
	head, body, _ := strings.Cut(text, "\r\n\r\n")
	body = plainMedia(body)
	var b strings.Builder
	for line := range strings.SplitSeq(head, "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "content-length", "l":
			continue
		}
		b.WriteString(line + "\r\n")
	}
	b.WriteString("Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	return []byte(b.String())
}

func plainMedia(body string) string {
	if !strings.Contains(body, "/SAVP") {
		return body
	}
	var b strings.Builder
	for line := range strings.Lines(body) {
		switch {
		case strings.HasPrefix(line, "m="):
			line = strings.Replace(strings.Replace(line, "UDP/TLS/", "", 1), "/SAVP", "/AVP", 1)
		case strings.HasPrefix(line, "a=crypto:"), strings.HasPrefix(line, "a=fingerprint:"), strings.HasPrefix(line, "a=setup:"):
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}
