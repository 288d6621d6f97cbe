package e2e

import (
	"encoding/binary"
	"net"
	"os"
	"testing"

	"github.com/pion/rtp"
)

// flow is one party's audio for a capture: mu-law at 8 kHz, sent to a port.
type flow struct {
	port  int
	ssrc  uint32
	audio []byte
}

// writeCapture writes the flows, side by side in 20 ms packets, as a capture
// file that SIPp plays. It returns the length in milliseconds.
func writeCapture(t testing.TB, path string, flows ...flow) int {
	t.Helper()
	const frame = 160
	out := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	out = binary.LittleEndian.AppendUint16(out, 2)
	out = binary.LittleEndian.AppendUint16(out, 4)
	out = append(out, make([]byte, 8)...)
	out = binary.LittleEndian.AppendUint32(out, 65535)
	out = binary.LittleEndian.AppendUint32(out, 1) // Ethernet
	frames := 0
	for _, f := range flows {
		frames = max(frames, len(f.audio)/frame)
	}
	for i := range frames {
		for n, f := range flows {
			if (i+1)*frame > len(f.audio) {
				continue
			}
			p := rtp.Packet{
				Header: rtp.Header{
					Version: 2, SequenceNumber: uint16(i), Timestamp: uint32(i * frame), SSRC: f.ssrc, Marker: i == 0,
				},
				Payload: f.audio[i*frame : (i+1)*frame],
			}
			raw, err := p.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			out = appendRecord(out, i*20_000+n*300, udpFrame(f.port, raw))
		}
	}
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return frames * 20
}

func appendRecord(out []byte, micros int, frame []byte) []byte {
	out = binary.LittleEndian.AppendUint32(out, uint32(micros/1_000_000))
	out = binary.LittleEndian.AppendUint32(out, uint32(micros%1_000_000))
	out = binary.LittleEndian.AppendUint32(out, uint32(len(frame)))
	out = binary.LittleEndian.AppendUint32(out, uint32(len(frame)))
	return append(out, frame...)
}

// udpFrame wraps a payload into Ethernet, IPv4 and UDP. SIPp replaces the
// addresses and keeps how far the ports are apart.
func udpFrame(port int, payload []byte) []byte {
	f := make([]byte, 12, 42+len(payload))
	f = append(f, 0x08, 0x00)
	ip := make([]byte, 20)
	ip[0], ip[8], ip[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(ip[2:], uint16(28+len(payload)))
	copy(ip[12:], net.IPv4(127, 0, 0, 1).To4())
	copy(ip[16:], net.IPv4(127, 0, 0, 1).To4())
	f = append(f, ip...)
	f = binary.BigEndian.AppendUint16(f, 40000)
	f = binary.BigEndian.AppendUint16(f, uint16(port))
	f = binary.BigEndian.AppendUint16(f, uint16(8+len(payload)))
	f = append(f, 0, 0)
	return append(f, payload...)
}
