package capture

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
)

var start = time.Date(2026, 3, 4, 9, 30, 0, 123_456_789, time.UTC)

const (
	offer = "INVITE sip:xx1@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1:5070;branch=z9hG4bKa\r\nMax-Forwards: 70\r\n" +
		"From: <sip:xx2@192.0.2.1>;tag=a\r\nTo: <sip:xx1@192.0.2.2>\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\n" +
		"Contact: <sip:xx2@192.0.2.1:5070>\r\nContent-Type: multipart/mixed;boundary=f\r\nContent-Length: 4000\r\n\r\n" +
		"--f\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n" +
		"m=audio 4000 RTP/SAVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:[hidden]\r\n" +
		"m=audio 4002 RTP/AVP 0\r\nc=IN IP4 192.0.2.10\r\n\r\n--f\r\nContent-Type: application/rs-metadata+xml\r\n\r\n" +
		"[rs-metadata, 1200 bytes]\r\n--f--\r\n"
	answer = "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 192.0.2.1:5070;branch=z9hG4bKa\r\nFrom: <sip:xx2@192.0.2.1>;tag=a\r\n" +
		"To: <sip:xx1@192.0.2.2>;tag=b\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\nContact: <sip:earshot@192.0.2.2>\r\n" +
		"Content-Type: application/sdp\r\nContent-Length: 1\r\n\r\nv=0\r\no=- 1 1 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.3\r\nt=0 0\r\n" +
		"m=audio 20000 RTP/SAVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\nm=audio 20002 RTP/AVP 0\r\n"
)

func ladder(transport string) []earshot.SIPMessage {
	m := earshot.SIPMessage{SegmentID: "seg", Transport: transport, Peer: "192.0.2.1:5070", Local: "192.0.2.2:5060", CSeq: "1 INVITE"}
	in, out, lost := m, m, m
	in.At, in.FirstLine, in.Text = start, "INVITE sip:xx1@192.0.2.2 SIP/2.0", offer
	out.At, out.FirstLine, out.Text, out.Sent = start.Add(10*time.Millisecond), "SIP/2.0 200 OK", answer, true
	lost.At, lost.FirstLine, lost.CSeq = start.Add(3*time.Second), "BYE sip:earshot@192.0.2.2 SIP/2.0", "2 BYE"
	return []earshot.SIPMessage{in, out, lost}
}

// packets are n of a stream, every tenth a telephone-event without its digit.
func packets(n int, ssrc uint32) iter.Seq2[Packet, error] {
	return func(yield func(Packet, error) bool) {
		for i := range n {
			p := Packet{
				At: start.Add(time.Duration(20*(i+1))*time.Millisecond + time.Duration(ssrc)), Seq: uint16(i), Timestamp: uint32(160 * i),
				SSRC: ssrc, Marker: i == 0, Payload: bytes.Repeat([]byte{0xd5}, 160),
			}
			if ssrc == 0x11 && i%10 == 9 {
				p.PayloadType, p.Event, p.Payload = 101, true, nil
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

func testCall() *earshot.Call {
	return &earshot.Call{
		Segments: []earshot.Segment{{ID: "seg", Peer: "192.0.2.1:5070"}},
		Streams: []earshot.Stream{
			{ID: "a", SegmentID: "seg", Media: earshot.StreamMedia{MLine: 0, Port: 20000}},
			{ID: "b", SegmentID: "seg", Media: earshot.StreamMedia{MLine: 1, Port: 20002}},
		},
	}
}

// TestWiresharkReadsIt has the file read by tshark: SIP, the RTP streams of
// its SDP, and nothing malformed.
func TestWiresharkReadsIt(t *testing.T) {
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			call, messages := testCall(), ladder(transport)
			var streams []Stream
			for i, n := range []int{100, 57} {
				from, to := Endpoints(call, &call.Streams[i], messages)
				streams = append(streams, Stream{From: from, To: to, Packets: packets(n, uint32(0x11*(i+1)))})
			}
			path := write(t, messages, streams)
			if got := tshark(t, path, "-Y", "_ws.malformed || tcp.analysis.lost_segment || ip.checksum.status==0 || udp.checksum.status==0 || tcp.checksum.status==0"); got != "" {
				t.Errorf("these packets are wrong:\n%s", got)
			}
			sip := tshark(t, path, "-Y", "sip", "-T", "fields", "-e", "ip.src", "-e", "ip.dst", "-e", "sip.Request-Line", "-e", "sip.Status-Line", "-e", "sdp.media.port")
			want := "192.0.2.1\t192.0.2.2\tINVITE sip:xx1@192.0.2.2 SIP/2.0\t\t4000,4002\n" +
				"192.0.2.2\t192.0.2.1\t\tSIP/2.0 200 OK\t20000,20002\n" +
				"192.0.2.1\t192.0.2.2\tBYE sip:earshot@192.0.2.2 SIP/2.0\t\t\n"
			if sip != want {
				t.Errorf("the SIP messages are\n%swant\n%s", sip, want)
			}
			rtp := tshark(t, path, "-q", "-z", "rtp,streams")
			for _, want := range []string{
				"192.0.2.9  4000       192.0.2.3 20000 0x00000011", " 100     0 (0.0%)",
				"192.0.2.10  4002       192.0.2.3 20002 0x00000022", " 57     0 (0.0%)",
			} {
				if !strings.Contains(rtp, want) {
					t.Errorf("no %q in\n%s", want, rtp)
				}
			}
			if events := strings.Count(tshark(t, path, "-Y", "rtpevent"), "\n"); events != 10 {
				t.Errorf("%d telephone-events, want 10", events)
			}
		})
	}
}

func TestIPv6(t *testing.T) {
	m := ladder("UDP")[:1]
	m[0].Peer, m[0].Local = "[2001:db8::1]:5070", "[2001:db8::2]:5060"
	path := write(t, m, []Stream{{From: netip.MustParseAddrPort("[2001:db8::1]:4000"), To: netip.MustParseAddrPort("192.0.2.1:20000"), Packets: packets(3, 1)}})
	if got := tshark(t, path, "-Y", "ipv6 && udp && !_ws.malformed && !(udp.checksum.status==0)"); strings.Count(got, "\n") != 4 {
		t.Errorf("tshark shows\n%s", got)
	}
}

func TestEndpointsWithoutLadder(t *testing.T) {
	call := testCall()
	from, to := Endpoints(call, &call.Streams[1], nil)
	if from.String() != "192.0.2.1:0" || to.String() != "0.0.0.0:20002" {
		t.Errorf("from %v to %v", from, to)
	}
}

func TestBrokenRecordingIsAnError(t *testing.T) {
	broken := errors.New("damaged")
	for _, at := range []int{0, 5} {
		err := Write(t.Context(), &bytes.Buffer{}, nil, []Stream{{Packets: func(yield func(Packet, error) bool) {
			for range at {
				if !yield(Packet{At: start}, nil) {
					return
				}
			}
			yield(Packet{}, broken)
		}}})
		if !errors.Is(err, broken) {
			t.Errorf("damage after %d packets gives %v", at, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Write(ctx, &bytes.Buffer{}, nil, []Stream{{Packets: packets(3, 1)}}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the reader went away: %v", err)
	}
}

func write(t *testing.T, messages []earshot.SIPMessage, streams []Stream) string {
	t.Helper()
	var out bytes.Buffer
	if err := Write(t.Context(), &out, messages, streams); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "call.pcap")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tshark reads a file with all checksums verified.
func tshark(t *testing.T, path string, args ...string) string {
	t.Helper()
	args = append([]string{
		"-r", path, "-n", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE",
	}, args...)
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "tshark", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark (make setup installs it): %v\n%s", err, stderr.String())
	}
	return string(out)
}
