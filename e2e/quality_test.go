package e2e

import (
	"fmt"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"earshot"
)

// reporter is the RTCP port of a recording client.
type reporter struct{ conn *net.UDPConn }

func newReporter(t *testing.T) *reporter {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &reporter{conn}
}

func (r *reporter) port() int { return r.conn.LocalAddr().(*net.UDPAddr).Port }

// next returns the next compound packet. One with a reference time is answered
// at once, as RFC 3611 4.5 has it.
func (r *reporter) next(t *testing.T) []rtcp.Packet {
	t.Helper()
	if err := r.conn.SetReadDeadline(time.Now().Add(15 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1500)
	n, from, err := r.conn.ReadFromUDP(buf)
	if err != nil {
		t.Fatal(err)
	}
	packets, err := rtcp.Unmarshal(buf[:n])
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packets {
		if xr, ok := p.(*rtcp.ExtendedReport); ok {
			r.answer(t, xr, from)
		}
	}
	return packets
}

func (r *reporter) answer(t *testing.T, xr *rtcp.ExtendedReport, to *net.UDPAddr) {
	t.Helper()
	for _, b := range xr.Reports {
		reference, ok := b.(*rtcp.ReceiverReferenceTimeReportBlock)
		if !ok {
			continue
		}
		reply, err := rtcp.Marshal([]rtcp.Packet{
			&rtcp.ReceiverReport{SSRC: 1},
			&rtcp.ExtendedReport{SenderSSRC: 1, Reports: []rtcp.ReportBlock{&rtcp.DLRRReportBlock{
				Reports: []rtcp.DLRRReport{{SSRC: xr.SenderSSRC, LastRR: uint32(reference.NTPTimestamp >> 16)}},
			}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.conn.WriteToUDP(reply, to); err != nil {
			t.Fatal(err)
		}
	}
}

// TestQualityOfACall offers one stream that asks for extended reports and loses
// 4 % of its packets, and one on hold. The first is rated, its round trip is
// told; the second is kept open by empty reports. Both are so still after the
// server was killed.
func TestQualityOfACall(t *testing.T) {
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none")
	c := newSRC(t, s)
	talking, held := newReporter(t), newReporter(t)
	body := strings.NewReplacer(
		"a=label:a\r\n", fmt.Sprintf("a=label:a\r\na=rtcp:%d\r\na=rtcp-xr:rcvr-rtt=all stat-summary=loss,jitt,TTL voip-metrics\r\n", talking.port()),
		"a=label:b\r\na=sendonly\r\n", fmt.Sprintf("a=label:b\r\na=rtcp:%d\r\na=inactive\r\n", held.port()),
	).Replace(twoStreams("127.0.0.1"))
	ports := c.establish(t, inviteHeaders, body)
	call := s.onlyCall(t)
	if rr, ok := held.next(t)[0].(*rtcp.ReceiverReport); !ok || len(rr.Reports) != 0 {
		t.Errorf("the stream on hold is sent %v", rr)
	}

	began, said := time.Now(), make(chan struct{})
	go func() {
		defer close(said)
		lossy(ports[0], 500)
	}()
	for range 2 {
		talking.next(t)
	}
	<-said
	quality := rated(t, s, call.ID)
	if quality == nil || quality.MOS == nil || quality.RoundTripMS == nil {
		t.Fatalf("quality %+v", quality)
	}
	if quality.LossPercent < 3.5 || quality.LossPercent > 4.5 || quality.Model != "G.107" || quality.Path != "src-earshot" ||
		*quality.MOS < 3.8 || *quality.MOS > 4.2 || *quality.RoundTripMS > float64(time.Since(began).Milliseconds()) {
		t.Errorf("quality %+v, MOS %v", quality, *quality.MOS)
	}
	if packets := talking.next(t); len(packets) != 3 || len(packets[2].(*rtcp.ExtendedReport).Reports) < 2 {
		t.Errorf("reports %v", packets)
	}

	if err := s.killAndRestart(); err != nil {
		t.Fatal(err)
	}
	if again := rated(t, s, call.ID); again == nil || again.MOS == nil || math.Abs(*again.MOS-*quality.MOS) > 0.02 || again.RoundTripMS != nil {
		t.Errorf("after the restart %+v, before %+v", again, quality)
	}
	if rr, ok := held.next(t)[0].(*rtcp.ReceiverReport); !ok || len(rr.Reports) != 0 {
		t.Errorf("the stream on hold is sent %v after the restart", rr)
	}
	c.bye(t)
	wait(t, 10*time.Second, "the end of the call", func() bool { return s.call(t, call.ID).State.Ended() })
	if after := rated(t, s, call.ID); after == nil || math.Abs(*after.MOS-*quality.MOS) > 0.02 {
		t.Errorf("at the end %+v", after)
	}
	if metrics := s.read(t, "/metrics"); !strings.Contains(metrics, "\nearshot_media_stream_mos_count{model=\"G.107\"} 1\n") {
		t.Error("the stream is not in the histogram")
	}
	if out, err := s.earshot(t, "show", string(call.ID)); err != nil || !strings.Contains(out, fmt.Sprintf("MOS %.1f (G.107,", *quality.MOS)) {
		t.Errorf("earshot show: %v\n%s", err, out)
	}
}

// lossy sends packets of which each 25th is lost.
func lossy(port, n int) {
	conn, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		return
	}
	defer conn.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := range n {
		p := rtp.Packet{
			Header:  rtp.Header{Version: 2, SequenceNumber: uint16(i), Timestamp: uint32(i * 160), SSRC: 1},
			Payload: make([]byte, 160),
		}
		if raw, err := p.Marshal(); err == nil && i%25 != 12 {
			_, _ = conn.Write(raw)
		}
		<-tick.C
	}
}

// rated returns the quality of the stream that talks.
func rated(t *testing.T, s *server, id earshot.CallID) *earshot.Quality {
	t.Helper()
	for _, stream := range s.call(t, id).Streams {
		if stream.Label == "a" {
			return stream.Quality
		}
	}
	t.Fatal("no stream a")
	return nil
}
