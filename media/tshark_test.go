package media

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// arriving is a packet on its way.
type arriving struct {
	data []byte
	at   int64
}

// network says what becomes of packets.
type network struct {
	loss      float64       // at random
	burst     int           // packets lost in a row, every 500
	jitter    time.Duration // delay, at most; evenly distributed
	duplicate float64
}

// through sends n packets through a network and returns them as they arrive.
func (r *rig) through(n int, w network, random *rand.Rand) []arriving {
	var out []arriving
	for i := range n {
		b, sent := r.src.Next(), r.at
		r.at += frame
		if random.Float64() < w.loss || i%500 >= 250 && i%500 < 250+w.burst {
			continue
		}
		for again := true; again; again = random.Float64() < w.duplicate {
			out = append(out, arriving{b, sent + random.Int64N(int64(w.jitter)+1)})
		}
	}
	slices.SortStableFunc(out, func(a, b arriving) int { return cmp.Compare(a.at, b.at) })
	return out
}

// What tshark finds in a capture of the stream is what we count: packets,
// loss, and mean and maximum of the jitter of RFC 3550 A.8, in the order of
// arrival. tshark counts a packet that came twice as two, so that it makes up for
// a lost one (RFC 3550 A.3), and takes it into the jitter; we do not. It begins
// the mean with a 0 for the first packet: one part in 3000.
func TestTsharkAgrees(t *testing.T) {
	for _, tt := range []struct {
		name string
		network
		// jitter is how far its values may be from ours, as a part of them.
		jitter float64
	}{
		{"perfect", network{}, 0.001},
		{"loss", network{loss: 0.03}, 0.001},
		{"bursts", network{burst: 20}, 0.001},
		{"jitter", network{jitter: 19 * time.Millisecond}, 0.001},
		{"loss and jitter", network{loss: 0.02, burst: 5, jitter: 15 * time.Millisecond}, 0.001},
		{"reordered", network{loss: 0.02, jitter: 45 * time.Millisecond}, 0.001},
		{"twice", network{loss: 0.02, jitter: 10 * time.Millisecond, duplicate: 0.02}, 0.02},
	} {
		r := newRig(t, Config{})
		r.src.Seq = 65_000 // wraps around
		packets := r.through(3000, tt.network, rand.New(rand.NewPCG(7, 8)))
		for _, p := range packets {
			r.takeFrom(p.data, peer, p.at)
		}
		st := r.s.Stats()
		seen := sharkStream(t, packets)
		lost := int64(st.PacketsLost) - int64(st.PacketsDuplicate)
		if seen.packets != int64(st.PacketsReceived) || seen.lost != lost {
			t.Errorf("%s: tshark sees %d packets and %d lost, we %d and %d", tt.name, seen.packets, seen.lost, st.PacketsReceived, lost)
		}
		q := st.Quality
		for _, j := range [][2]float64{{seen.mean, q.JitterMeanMS}, {seen.most, q.JitterMaxMS}} {
			if math.Abs(j[0]-j[1]) > 0.05+tt.jitter*j[1] { // 0.05: ours are rounded to 0.1 ms
				t.Errorf("%s: jitter of %.3f ms, tshark has %.3f", tt.name, j[1], j[0])
			}
		}
	}
}

// seen is what tshark tells of a stream; jitter is in milliseconds.
type seen struct {
	packets, lost int64
	mean, most    float64
}

// sharkStream has tshark read a capture of the packets.
func sharkStream(t *testing.T, packets []arriving) seen {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rtp.pcap")
	if err := os.WriteFile(file, pcap(packets), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "tshark", "-n", "-q", "-r", file, "-d", "udp.port==20000,rtp", "-z", "rtp,streams")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark (make setup installs it): %v\n%s", err, stderr.String())
	}
	s, err := parseStreams(string(out))
	if err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	return s
}

// parseStreams reads the line of the one stream: its end is "Pkts Lost (%)" and
// three values each of delta and jitter.
func parseStreams(out string) (s seen, err error) {
	for line := range strings.SplitSeq(out, "\n") {
		fields := strings.Fields(line)
		at := slices.IndexFunc(fields, func(f string) bool { return strings.HasPrefix(f, "(") && strings.HasSuffix(f, "%)") })
		if at < 2 || len(fields) < at+7 {
			continue
		}
		if s.packets, err = strconv.ParseInt(fields[at-2], 10, 64); err != nil {
			return s, err
		}
		if s.lost, err = strconv.ParseInt(fields[at-1], 10, 64); err != nil {
			return s, err
		}
		if s.mean, err = strconv.ParseFloat(fields[at+5], 64); err != nil {
			return s, err
		}
		s.most, err = strconv.ParseFloat(fields[at+6], 64)
		return s, err
	}
	return s, fmt.Errorf("no stream")
}

// pcap writes packets as a capture of IPv4 with times in nanoseconds.
func pcap(packets []arriving) []byte {
	const (
		nanoseconds, rawIPv4 = 0xa1b23c4d, 228
		ip, udp              = 20, 8
	)
	le, be := binary.LittleEndian, binary.BigEndian
	b := le.AppendUint32(nil, nanoseconds)
	b = le.AppendUint16(le.AppendUint16(b, 2), 4)
	b = append(b, make([]byte, 8)...)
	b = le.AppendUint32(le.AppendUint32(b, 65_535), rawIPv4)
	for _, p := range packets {
		size := uint32(ip + udp + len(p.data))
		b = le.AppendUint32(b, uint32(p.at/int64(time.Second)))
		b = le.AppendUint32(b, uint32(p.at%int64(time.Second)))
		b = le.AppendUint32(le.AppendUint32(b, size), size)
		b = be.AppendUint16(append(b, 0x45, 0), uint16(size))
		b = append(b, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1)
		b = be.AppendUint16(be.AppendUint16(b, peer.Port()), 20_000)
		b = be.AppendUint16(b, uint16(udp+len(p.data)))
		b = append(append(b, 0, 0), p.data...)
	}
	return b
}
