package media

import (
	"math"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"earshot"
	"earshot/media/rtptest"
)

// everything asks for all extended reports there are.
var everything = earshot.XR{RoundTrip: "all", Loss: true, Duplicates: true, Jitter: true, VoIPMetrics: true}

// hush keeps reports back until the test sends them.
func hush(s *Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.control.next = math.MaxInt64
}

// due sends the report that is due, at a time of the test's own.
func due(s *Stream, at int64) {
	s.mu.Lock()
	s.control.next = 1
	s.now = func() int64 { return at }
	s.mu.Unlock()
	s.report()
}

// xrBlocks returns the blocks of the extended report in a compound packet.
func xrBlocks(t *testing.T, packets []rtcp.Packet) []rtcp.ReportBlock {
	t.Helper()
	if _, ok := packets[0].(*rtcp.ReceiverReport); !ok {
		t.Fatalf("the compound packet begins with %T", packets[0])
	}
	for _, p := range packets {
		if xr, ok := p.(*rtcp.ExtendedReport); ok {
			return xr.Reports
		}
	}
	return nil
}

func blockOf[T rtcp.ReportBlock](list []rtcp.ReportBlock) (found T) {
	for _, b := range list {
		if b, ok := b.(T); ok {
			return b
		}
	}
	return found
}

func compound(t *testing.T, packets ...rtcp.Packet) []byte {
	t.Helper()
	b, err := rtcp.Marshal(packets)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The peer answers our reference time 250 ms later, of which it kept it for
// 150: the round trip is 100 ms. Its own reference time is answered too.
func TestRoundTrip(t *testing.T) {
	e := started(t, Config{})
	sp := spec()
	sp.XR = everything
	s, err := e.Open(sp)
	if err != nil {
		t.Fatal(err)
	}
	hush(s)
	c, control := dial(t, s.Port()), dial(t, s.Port()+1)
	src := &rtptest.Numbered{Format: rtptest.PCMU, SSRC: 77, Seq: 10}
	for range 5 {
		write(t, c, src.Next())
	}
	write(t, control, compound(t, &rtcp.ReceiverReport{SSRC: 77}))
	eventually(t, "packets", func() bool { return s.Stats().PacketsReceived == 5 })
	if q := s.Stats().Quality; q.RoundTripMS != nil {
		t.Fatalf("a round trip of %v ms that nobody told of", *q.RoundTripMS)
	}

	at := e.clock.now() - int64(250*time.Millisecond) // when it is said to be sent
	due(s, at)
	list := xrBlocks(t, receiveRTCP(t, control))
	ours := blockOf[*rtcp.ReceiverReferenceTimeReportBlock](list)
	if ours == nil || ours.NTPTimestamp != ntp(at) || blockOf[*rtcp.DLRRReportBlock](list) != nil {
		t.Fatalf("blocks %v", list)
	}
	s.mu.Lock()
	ssrc := s.control.ssrc
	s.mu.Unlock()
	const unit = 65536
	dlrr := func(ssrc, last uint32) *rtcp.DLRRReportBlock {
		return &rtcp.DLRRReportBlock{Reports: []rtcp.DLRRReport{{SSRC: ssrc, LastRR: last, DLRR: 150 * unit / 1000}}}
	}
	// Answers to others, and to what was never asked, say nothing.
	write(t, control, compound(t, &rtcp.ExtendedReport{SenderSSRC: 77, Reports: []rtcp.ReportBlock{
		dlrr(ssrc+1, middle(ntp(at))), dlrr(ssrc, middle(ntp(at))-unit), dlrr(ssrc, 0),
	}}))
	eventually(t, "the first answers", func() bool { return s.counters().extendedReports == 1 })
	if n := s.counters().roundTrips; n != 0 {
		t.Fatalf("%d round trips", n)
	}
	theirs := &rtcp.ReceiverReferenceTimeReportBlock{NTPTimestamp: 0x1111_2222_3333_4444}
	write(t, control, compound(t, &rtcp.ExtendedReport{SenderSSRC: 77, Reports: []rtcp.ReportBlock{dlrr(ssrc, middle(ntp(at))), theirs}}))
	eventually(t, "the answer", func() bool { return s.counters().roundTrips == 1 })
	// The way over loopback and the wait of the test are in it.
	most := time.Duration(e.clock.now()-at)/time.Millisecond - 150 + 1
	if got := *s.Stats().Quality.RoundTripMS; got < 99.9 || got > float64(most) {
		t.Errorf("round trip %v ms, want 100 to %d", got, most)
	}

	s.mu.Lock()
	came := s.control.theirs.at
	s.mu.Unlock()
	due(s, came+int64(2*time.Second))
	list = xrBlocks(t, receiveRTCP(t, control))
	d := blockOf[*rtcp.DLRRReportBlock](list)
	if d == nil || d.Reports[0] != (rtcp.DLRRReport{SSRC: 77, LastRR: 0x2222_3333, DLRR: 2 * unit}) {
		t.Errorf("blocks %v", list)
	}
	due(s, came+int64(3*time.Second))
	if list = xrBlocks(t, receiveRTCP(t, control)); blockOf[*rtcp.DLRRReportBlock](list) != nil {
		t.Error("a reference time is answered twice")
	}
}

// The blocks tell what happened, worked out by hand.
func TestStatisticsBlocks(t *testing.T) {
	r := newRig(t, Config{})
	sp := spec()
	sp.XR = everything
	r.open(sp)
	r.src.Seq = 500
	for i := range 1000 {
		b := r.src.Next()
		switch {
		case i >= 500 && i < 520 && i%2 == 0: // 10 of 1000, in one burst
		case i == 600:
			r.take(b)
			r.take(b)
		default:
			r.take(b)
		}
		r.at += frame
	}
	r.s.mu.Lock()
	xr := r.s.extended(r.at)
	r.s.mu.Unlock()
	sum := blockOf[*rtcp.StatisticsSummaryReportBlock](xr.Reports)
	if sum == nil || sum.SSRC != 11 || sum.BeginSeq != 500 || sum.EndSeq != 500+1000-64 || sum.LostPackets != 10 || sum.DupPackets != 1 ||
		!sum.LossReports || !sum.DuplicateReports || !sum.JitterReports || sum.MaxJitter != 0 || sum.TTLorHopLimit != rtcp.ToHMissing {
		t.Errorf("summary %+v", sum)
	}
	v := blockOf[*rtcp.VoIPMetricsReportBlock](xr.Reports)
	if v == nil || v.SSRC != 11 || v.LossRate != 2 || v.DiscardRate != 0 || v.BurstDensity != 134 || v.GapDensity != 0 ||
		v.BurstDuration != 380 || v.GapDuration != 9810 || v.RoundTripDelay != 0 || v.EndSystemDelay != 60 || v.Gmin != 16 {
		t.Errorf("metrics %+v", v)
	}
	// 10 of 1000: R = 93.2 - 95*1/(1/BurstR+25.1) = 89.6 over all of it; the mean
	// of intervals of which one alone suffers is within 0.1.
	if v.RFactor < 89 || v.RFactor > 90 || v.MOSLQ != 43 || v.MOSCQ != 43 || v.NoiseLevel != 127 || v.RXConfig != 0xf0 {
		t.Errorf("rating %+v", v)
	}
	// They go over the wire and back.
	if _, err := rtcp.Unmarshal(compound(t, xr)); err != nil {
		t.Error(err)
	}
}

// Who did not ask is not sent any.
func TestNoExtendedReports(t *testing.T) {
	r := newRig(t, Config{})
	r.send(100)
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if packets := r.s.packets(r.at); len(packets) != 2 {
		t.Errorf("packets %v", packets)
	}
}

// What else may come by RTCP does no harm: feedback, descriptions, packets of
// applications and of no known type, in packets of reduced size (RFC 5506). A
// BYE does not end the stream.
func TestOtherRTCP(t *testing.T) {
	r := newRig(t, Config{})
	r.send(10)
	for _, p := range []rtcp.Packet{
		&rtcp.TransportLayerNack{SenderSSRC: 1, MediaSSRC: 2, Nacks: []rtcp.NackPair{{PacketID: 3}}},
		&rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: 2},
		rtcp.NewCNAMESourceDescription(11, "x"),
		&rtcp.ApplicationDefined{SSRC: 11, Name: "test", Data: []byte("1234")},
		&rtcp.ExtendedReport{SenderSSRC: 11, Reports: []rtcp.ReportBlock{&rtcp.UnknownReportBlock{XRHeader: rtcp.XRHeader{BlockType: 200}, Bytes: []byte{1, 2, 3, 4}}}},
		&rtcp.Goodbye{Sources: []uint32{11}, Reason: "done"},
	} {
		r.take(compound(t, p))
	}
	r.take([]byte{0x80, 223, 0, 1, 0, 0, 0, 11})                 // of no known type
	r.take([]byte{0x80, 207, 0, 2, 0, 0, 0, 11, 5, 0, 255, 255}) // an XR block that is longer than its packet
	if n, st := r.s.counters(), r.s.Stats(); n.goodbyes != 1 || n.extendedReports < 1 || st.PacketsInvalid > 1 {
		t.Errorf("%+v, %+v", n, st)
	}
	r.send(10)
	r.check(r.close(), 20, same)
}

// A stream that is on hold, or was from its beginning, keeps the way open: its
// reports go to where the SDP says, without anything to report.
func TestKeepalive(t *testing.T) {
	e := started(t, Config{})
	remote, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	at := remote.LocalAddr().(*net.UDPAddr).AddrPort()
	for _, mux := range []bool{false, true} {
		sp := spec()
		sp.StreamID = earshot.StreamID(map[bool]string{false: "plain", true: "muxed"}[mux])
		sp.RTCPMux, sp.RemoteRTCP = mux, at
		s, err := e.Open(sp)
		if err != nil {
			t.Fatal(err)
		}
		hush(s)
		for range 3 {
			due(s, e.clock.now())
			got, from := receiveFrom(t, remote)
			want := s.Port() + 1
			if mux {
				want = s.Port()
			}
			rr, ok := got[0].(*rtcp.ReceiverReport)
			if !ok || len(rr.Reports) != 0 || len(got) != 2 || int(from.Port()) != want {
				t.Errorf("mux %v: %v from %v", mux, got, from)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if got, _ := receiveFrom(t, remote); len(got) != 3 {
			t.Errorf("no BYE: %v", got)
		}
	}
}

// Where to, for all that may be known.
func TestWhereReportsGo(t *testing.T) {
	addr := netip.MustParseAddrPort
	sdp, rtp, rtcpFrom := addr("192.0.2.1:5001"), addr("192.0.2.1:4000"), addr("192.0.2.9:7777")
	for _, tt := range []struct {
		name              string
		sdp, source, from netip.AddrPort
		mux               bool
		want              netip.AddrPort
	}{
		{"nothing known", netip.AddrPort{}, netip.AddrPort{}, netip.AddrPort{}, false, netip.AddrPort{}},
		{"SDP", sdp, netip.AddrPort{}, netip.AddrPort{}, false, sdp},
		{"media from where the SDP says", sdp, rtp, netip.AddrPort{}, false, sdp},
		{"media from elsewhere", sdp, addr("198.51.100.1:4000"), netip.AddrPort{}, false, addr("198.51.100.1:4001")},
		{"muxed media from elsewhere", sdp, addr("198.51.100.1:4000"), netip.AddrPort{}, true, addr("198.51.100.1:4000")},
		{"media alone", netip.AddrPort{}, rtp, netip.AddrPort{}, false, addr("192.0.2.1:4001")},
		{"RTCP came", sdp, rtp, rtcpFrom, false, rtcpFrom},
		{"the port behind the last", netip.AddrPort{}, addr("192.0.2.1:65535"), netip.AddrPort{}, false, netip.AddrPort{}},
		{"hold of RFC 2543", addr("0.0.0.0:5001"), netip.AddrPort{}, netip.AddrPort{}, false, netip.AddrPort{}},
		{"multicast", addr("224.0.0.5:5001"), netip.AddrPort{}, netip.AddrPort{}, false, netip.AddrPort{}},
		{"port 0", addr("192.0.2.1:0"), netip.AddrPort{}, netip.AddrPort{}, false, netip.AddrPort{}},
	} {
		s := &Stream{}
		s.reports.mux = tt.mux
		s.reports.aim(tt.sdp)
		s.latch.from, s.control.from = tt.source, tt.from
		to, _, known := s.reportTo()
		if known != tt.want.IsValid() || known && to != tt.want {
			t.Errorf("%s: %v, %v; want %v", tt.name, to, known, tt.want)
		}
	}
}

// A re-INVITE moves the reports along, one that puts on hold does not.
func TestReportsMove(t *testing.T) {
	first, second := netip.MustParseAddrPort("192.0.2.1:5001"), netip.MustParseAddrPort("192.0.2.2:6001")
	s := &Stream{}
	s.SetReports(earshot.StreamMedia{RemoteRTCP: first})
	s.control.from = netip.MustParseAddrPort("192.0.2.1:9999")
	s.SetReports(earshot.StreamMedia{RemoteRTCP: netip.MustParseAddrPort("0.0.0.0:5001"), XR: everything})
	s.SetReports(earshot.StreamMedia{RemoteRTCP: first, XR: everything})
	if to, _, _ := s.reportTo(); to.Port() != 9999 || s.reports.xr != everything {
		t.Errorf("on hold: %v, %+v", to, s.reports)
	}
	s.SetReports(earshot.StreamMedia{RemoteRTCP: second, RTCPMux: true})
	if to, muxed, _ := s.reportTo(); to != second || !muxed {
		t.Errorf("moved: %v, mux %v", to, muxed)
	}
}

func receiveFrom(t *testing.T, c *net.UDPConn) ([]rtcp.Packet, netip.AddrPort) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1500)
	n, from, err := c.ReadFromUDPAddrPort(buf)
	if err != nil {
		t.Fatal(err)
	}
	packets, err := rtcp.Unmarshal(buf[:n])
	if err != nil {
		t.Fatal(err)
	}
	return packets, from
}
