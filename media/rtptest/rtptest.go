// Package rtptest makes RTP streams whose packets carry their number as a
// constant level, so that a test can see in the PCM which packet lies where.
package rtptest

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/pion/rtp"

	"earshot"
	"earshot/media/codec"
)

// PCMU and PCMA are the static formats of G.711.
var (
	PCMU = earshot.Format{PayloadType: 0, Encoding: "PCMU", ClockRate: 8000, Channels: 1}
	PCMA = earshot.Format{PayloadType: 8, Encoding: "PCMA", ClockRate: 8000, Channels: 1}
)

// FrameSamples is the length of a packet: 20 ms at 8 kHz.
const FrameSamples = 160

// levels is how many numbers are told apart: codes of one sign each.
const levels = 251

// Code returns the octet that the packet with the number is full of.
func Code(number int) byte { return byte(number*7%levels + 2) }

// Level returns the sample that the packet decodes to.
func Level(f earshot.Format, number int) int16 {
	d, err := codec.New(f)
	if err != nil {
		panic("rtptest: " + err.Error())
	}
	var pcm [1]int16
	if _, err := d.Decode(pcm[:], []byte{Code(number)}); err != nil {
		panic("rtptest: " + err.Error())
	}
	return pcm[0]
}

// Numbered makes the packets of one source, one after the other. Fields may be
// changed between packets: a step of Timestamp is a DTX gap or a jump, a step
// of Seq a loss.
type Numbered struct {
	Format    earshot.Format
	SSRC      uint32
	Seq       uint16
	Timestamp uint32
	Marker    bool // of the next packet
	Number    int  // of the next packet
}

// Next returns the next packet.
func (n *Numbered) Next() []byte {
	payload := make([]byte, FrameSamples)
	for i := range payload {
		payload[i] = Code(n.Number)
	}
	b := n.Packet(n.Format.PayloadType, payload)
	n.Number++
	n.Timestamp += FrameSamples
	return b
}

// Packet returns a packet of another kind with the next sequence number. It
// does not move the timestamp.
func (n *Numbered) Packet(pt uint8, payload []byte) []byte {
	p := rtp.Packet{
		Header: rtp.Header{
			Version: 2, PayloadType: pt, SSRC: n.SSRC, Marker: n.Marker,
			SequenceNumber: n.Seq, Timestamp: n.Timestamp,
		},
		Payload: payload,
	}
	n.Seq++
	n.Marker = false
	b, err := p.Marshal()
	if err != nil {
		panic("rtptest: " + err.Error())
	}
	return b
}

// Check returns an error that names the first sample which is not at the level
// of its packet. number gives the packet of a frame of 20 ms, or -1 for one
// whose samples may be anything.
func Check(pcm []int16, f earshot.Format, number func(frame int) int) error {
	for i, s := range pcm {
		n := number(i / FrameSamples)
		if n >= 0 && s != Level(f, n) {
			return fmt.Errorf("sample %d (frame %d) is %d, want %d of packet %d", i, i/FrameSamples, s, Level(f, n), n)
		}
	}
	return nil
}

// Dial returns a socket on loopback that sends to the port.
func Dial(port int) (*net.UDPConn, error) {
	to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))
	return net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(to))
}
