package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/media/event"
	"earshot/media/rtptest"
)

// started returns an engine that receives, on ports of its own.
func started(t testing.TB, cfg Config) *Engine {
	t.Helper()
	if cfg.MinPort == 0 {
		cfg.MinPort, cfg.MaxPort = 42_000, 47_999
	}
	e := newEngine(t, cfg)
	e.Start()
	return e
}

func open(t testing.TB, e *Engine, id string) *Stream {
	t.Helper()
	sp := spec()
	sp.StreamID = earshot.StreamID(id)
	s, err := e.Open(sp)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func dial(t testing.TB, port int) *net.UDPConn {
	t.Helper()
	c, err := rtptest.Dial(port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func write(t testing.TB, c *net.UDPConn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until the condition holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		case <-tick.C:
		}
	}
}

// What lies in the socket when the stream is closed is recorded: the last
// packet before the BYE.
func TestPacketsInTheSocketAtClose(t *testing.T) {
	e := started(t, Config{})
	for round := range 20 {
		id := fmt.Sprintf("s%d", round)
		s := open(t, e, id)
		c := dial(t, s.Port())
		src := &rtptest.Numbered{Format: rtptest.PCMU, SSRC: 3, Seq: 65_500}
		for range 300 {
			write(t, c, src.Next())
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		rec, err := e.Recorded("call", earshot.StreamID(id))
		if err != nil {
			t.Fatal(err)
		}
		(&rig{t: t}).check(read(t, rec), 300, same)
	}
}

// A flood of garbage at one port leaves the streams at the others exact.
func TestGarbageFlood(t *testing.T) {
	e := started(t, Config{})
	flooded := open(t, e, "flooded")
	garbage := dial(t, flooded.Port())
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				_, _ = garbage.Write(bytes.Repeat([]byte{byte(i)}, i%400))
			}
		}
	}()
	var streams []*Stream
	var conns []*net.UDPConn
	src := make([]*rtptest.Numbered, 10)
	for i := range src {
		streams = append(streams, open(t, e, fmt.Sprint(i)))
		conns = append(conns, dial(t, streams[i].Port()))
		src[i] = &rtptest.Numbered{Format: rtptest.PCMU, SSRC: uint32(i)}
	}
	for n := range 200 {
		for i, c := range conns {
			write(t, c, src[i].Next())
		}
		if n%50 == 49 { // as much as a socket holds
			eventually(t, "packets", func() bool { return streams[9].Stats().PacketsReceived == uint64(n+1) })
		}
	}
	eventually(t, "garbage", func() bool { return flooded.Stats().PacketsInvalid > 1000 })
	close(stop)
	<-done
	for _, s := range streams {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		(&rig{t: t}).check(read(t, s), 200, same)
	}
}

func TestPortRange(t *testing.T) {
	e := started(t, Config{MinPort: 48_001, MaxPort: 48_008})
	var streams []*Stream
	ports := map[int]bool{}
	for i := range 3 { // 48002, 48004, 48006; 48008 has no odd port
		s := open(t, e, fmt.Sprint(i))
		streams = append(streams, s)
		ports[s.Port()] = true
	}
	if !ports[48_002] || !ports[48_004] || !ports[48_006] {
		t.Fatalf("ports %v", ports)
	}
	if _, err := e.Open(spec()); !errors.Is(err, earshot.ErrNoPorts) {
		t.Fatalf("error %v", err)
	}
	for _, s := range streams[:2] {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// A port that was just closed is the last to be used again.
	first := open(t, e, "a").Port()
	e.mu.Lock()
	for s := range e.streams {
		if s.ID() == "a" {
			streams = append(streams, s)
		}
	}
	e.mu.Unlock()
	if err := streams[len(streams)-1].Close(); err != nil {
		t.Fatal(err)
	}
	if second := open(t, e, "b").Port(); second == first {
		t.Errorf("port %d is used again at once", first)
	}
}

func TestGivenPort(t *testing.T) {
	e := started(t, Config{})
	s := open(t, e, "a")
	sp := spec()
	sp.StreamID, sp.Port = "b", s.Port()
	if _, err := e.Open(sp); !errors.Is(err, earshot.ErrNoPorts) {
		t.Fatalf("error %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := e.Open(sp)
	if err != nil || b.Port() != s.Port() {
		t.Fatalf("%v, %v", b, err)
	}
}

// A port that another process has is passed over.
func TestPortOfAnotherProcess(t *testing.T) {
	var taken *net.UDPConn
	port, err := 48_103, errors.New("not tried")
	for ; err != nil && port < 48_203; port += 4 {
		taken, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	}
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port = taken.LocalAddr().(*net.UDPAddr).Port
	e := started(t, Config{MinPort: port - 1, MaxPort: port + 2})
	if got := open(t, e, "a").Port(); got != port+1 {
		t.Errorf("port %d, want %d", got, port+1)
	}
	if _, err := e.Open(spec()); !errors.Is(err, earshot.ErrNoPorts) {
		t.Errorf("error %v", err)
	}
}

func TestBadPortRange(t *testing.T) {
	for _, r := range [][2]int{{5, 5}, {0, 9}, {70_000, 70_010}, {101, 102}} {
		if _, err := New(Config{Dir: "x", MinPort: r[0], MaxPort: r[1]}, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("range %v is taken", r)
		}
	}
}

// Arrival is the kernel's time of the packet, not the time it was read.
func TestArrivalTimes(t *testing.T) {
	e := newEngine(t, Config{MinPort: 42_000, MaxPort: 47_999}) // not started: nobody reads yet
	s := open(t, e, "a")
	c := dial(t, s.Port())
	src := &rtptest.Numbered{Format: rtptest.PCMU}
	opened := time.Now()
	eventually(t, "the kernel begins to stamp", func() bool { return time.Since(opened) > 100*time.Millisecond })
	before := time.Now()
	write(t, c, src.Next())
	sent := time.Now()
	eventually(t, "time passes", func() bool { return time.Since(sent) > 50*time.Millisecond })
	e.Start()
	eventually(t, "the packet", func() bool { return s.Stats().PacketsReceived == 1 })
	at, _ := s.Started()
	if at.Before(before.Add(-5*time.Millisecond)) || at.After(sent.Add(20*time.Millisecond)) {
		t.Errorf("sent at %v, arrived at %v", sent.UTC(), at)
	}
}

// Receiver reports go to where RTCP comes from, on the same pair of ports.
func TestReceiverReports(t *testing.T) {
	for _, mux := range []bool{false, true} {
		e := started(t, Config{})
		s := open(t, e, "a")
		hush(s)
		c := dial(t, s.Port())
		to := s.Port() + 1
		if mux {
			to = s.Port()
		}
		control := dial(t, to)
		src := &rtptest.Numbered{Format: rtptest.PCMU, SSRC: 77, Seq: 10}
		for n := range 20 {
			if b := src.Next(); n != 5 {
				write(t, c, b)
			}
		}
		sr, err := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: 77, NTPTime: 0x1234_5678_9abc_def0}, &rtcp.Goodbye{Sources: []uint32{1}}})
		if err != nil {
			t.Fatal(err)
		}
		write(t, control, sr)
		eventually(t, "SR and BYE", func() bool {
			n := s.counters()
			return n.senderReports == 1 && n.goodbyes == 1 && s.Stats().PacketsReceived == 19
		})
		s.mu.Lock()
		s.control.next = 1 // due
		s.mu.Unlock()
		s.report()
		got := receiveRTCP(t, control)
		rr, ok := got[0].(*rtcp.ReceiverReport)
		if !ok || len(rr.Reports) != 1 {
			t.Fatalf("mux %v: %v", mux, got)
		}
		b := rr.Reports[0]
		if b.SSRC != 77 || b.TotalLost != 1 || b.FractionLost != 256/20 || b.LastSequenceNumber != 29 ||
			b.LastSenderReport != 0x5678_9abc || b.Delay > 10*65536 {
			t.Errorf("mux %v: report %+v", mux, b)
		}
		if _, ok := got[1].(*rtcp.SourceDescription); !ok {
			t.Errorf("no SDES: %v", got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		got = receiveRTCP(t, control)
		if _, ok := got[len(got)-1].(*rtcp.Goodbye); !ok {
			t.Errorf("no BYE at the end: %v", got)
		}
	}
}

func receiveRTCP(t *testing.T, c *net.UDPConn) []rtcp.Packet {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1500)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	packets, err := rtcp.Unmarshal(buf[:n])
	if err != nil {
		t.Fatal(err)
	}
	return packets
}

// The sender keeps real time and sends what it was given.
func TestSender(t *testing.T) {
	e := started(t, Config{})
	s := open(t, e, "a")
	audio := make(Samples, 25*160-30)
	for i := range audio {
		audio[i] = rtptest.Level(rtptest.PCMA, i/160)
	}
	sender, err := NewSender(SenderConfig{
		Local: netip.AddrPortFrom(loopback, 0), Format: rtptest.PCMA, Label: "1", Audio: &audio,
		Gaps: []Gap{{At: 100 * time.Millisecond, For: 60 * time.Millisecond}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	if sender.Port()%2 != 0 || sender.Label() != "1" || sender.SSRC() == 0 {
		t.Errorf("port %d", sender.Port())
	}
	if err := sender.Run(t.Context()); err == nil {
		t.Error("it sends to nowhere")
	}
	sender.SetRemote(netip.AddrPortFrom(loopback, uint16(s.Port())))
	start := time.Now()
	if err := sender.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 480*time.Millisecond {
		t.Errorf("half a second took %v", took)
	}
	eventually(t, "reports", func() bool { n := s.counters(); return n.senderReports == 2 && n.goodbyes == 1 })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	pcm := read(t, s)
	if err := rtptest.Check(pcm[:24*160], rtptest.PCMA, func(frame int) int {
		if frame >= 5 && frame < 8 {
			return -1
		}
		return frame
	}); err != nil || len(pcm) != 25*160 || sender.Sent() != 22 {
		t.Errorf("%d samples of %d packets: %v", len(pcm), sender.Sent(), err)
	}
	if st := s.Stats(); st.PacketsLost != 0 || st.PacketsReceived != 22 {
		t.Errorf("stats %+v", st)
	}
}

// Keys take the place of audio, each a marker, packets that grow and an end
// that comes thrice; a key that is held goes on in segments.
func TestSenderPressesKeys(t *testing.T) {
	e := started(t, Config{KeepDigits: true})
	s := open(t, e, "a")
	audio := make(Samples, 60*160)
	for i := range audio {
		audio[i] = rtptest.Level(rtptest.PCMU, i/160)
	}
	cfg := SenderConfig{
		Local: netip.AddrPortFrom(loopback, 0), Format: rtptest.PCMU, Audio: &audio,
		Keys: []Key{{At: 100 * time.Millisecond, For: 100 * time.Millisecond, Code: 5}, {At: 300 * time.Millisecond, For: 110 * time.Millisecond, Code: event.Hash}},
	}
	if _, err := NewSender(cfg); err == nil {
		t.Error("keys without a format are taken")
	}
	cfg.Events = dtmf
	sender, err := NewSender(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	sender.SetRemote(netip.AddrPortFrom(loopback, uint16(s.Port())))
	if err := sender.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the last packet", func() bool { return s.Stats().PacketsReceived == 64 })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	marks := s.Marks()
	var spans []earshot.Position
	for _, m := range marks {
		spans = append(spans, m.From/48, m.To/48) // ms
	}
	if got := keys(t, marks); got != "5#" || !slices.Equal(spans, []earshot.Position{100, 200, 300, 420}) {
		t.Errorf("the keys are %s at %v ms", got, spans)
	}
	if err := rtptest.Check(read(t, s), rtptest.PCMU, func(frame int) int {
		if frame >= 5 && frame < 10 || frame >= 15 && frame < 21 {
			return -1
		}
		return frame
	}); err != nil {
		t.Error(err)
	}
	if c := s.counters(); c.events != 5+6+4 || c.badEvents != 0 || s.Stats().PacketsLost != 0 {
		t.Errorf("%d packets of events, stats %+v", c.events, s.Stats())
	}
}

// A key that is held for longer than an event can tell.
func TestSenderHoldsAKey(t *testing.T) {
	r := newRig(t, Config{KeepDigits: true})
	conn := listen(t)
	sender, err := NewSender(SenderConfig{
		Remote: conn.LocalAddr().(*net.UDPAddr).AddrPort(), Format: rtptest.PCMU, Audio: &Samples{}, Events: dtmf,
		Keys: []Key{{For: 20 * time.Second, Code: 3}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	for at := time.Duration(0); at < 20100*time.Millisecond; at += sender.cfg.PacketTime {
		before := sender.packets
		if err := sender.send(make([]int16, 160), at); err != nil {
			t.Fatal(err)
		}
		for range sender.packets - before {
			b := make([]byte, 2048)
			n, err := conn.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			r.take(b[:n])
		}
		r.at += frame
	}
	if marks := r.s.Marks(); keys(t, marks) != "3" || marks[0].To-marks[0].From != 20*earshot.MediaClock {
		t.Errorf("marks %+v", marks)
	}
}

func TestSenderStops(t *testing.T) {
	audio := make(Samples, 80_000)
	sender, err := NewSender(SenderConfig{Remote: netip.AddrPortFrom(loopback, 9), Format: rtptest.PCMU, Audio: &audio})
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sender.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestCollectors(t *testing.T) {
	e := started(t, Config{})
	s := open(t, e, "a")
	c := dial(t, s.Port())
	src := &rtptest.Numbered{Format: rtptest.PCMU}
	for range 10 {
		write(t, c, src.Next())
	}
	eventually(t, "packets", func() bool { return s.Stats().PacketsReceived == 10 })
	for _, closed := range []bool{false, true} {
		if closed {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		got := gather(t, e)
		if got["earshot_media_packets_received_total"] != 10 || got["earshot_media_port_pairs"] != 3000 ||
			(got["earshot_media_streams"] == 0) != closed || (got["earshot_media_stream_mos"] == 1) != closed || (got["earshot_media_port_pairs_used"] == 0) != closed {
			t.Errorf("closed %v: %v", closed, got)
		}
	}
}

func gather(t *testing.T, e *Engine) map[string]float64 {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	for _, c := range e.Collectors() {
		if err := r.Register(c); err != nil {
			t.Fatal(err)
		}
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "earshot_media_") {
			t.Errorf("name %s", f.GetName())
		}
		m := f.GetMetric()[0]
		out[f.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
	}
	return out
}

// What arrived is on disk without Close, so that a killed process loses less
// than half a second, at either pace.
func TestPacketsReachTheDisk(t *testing.T) {
	t.Run("heard", func(t *testing.T) { packetsReachTheDisk(t, Config{}) })
	t.Run("unheard", func(t *testing.T) { packetsReachTheDisk(t, Config{Unheard: true}) })
}

func packetsReachTheDisk(t *testing.T, cfg Config) {
	e := started(t, cfg)
	s := open(t, e, "a")
	c := dial(t, s.Port())
	src := &rtptest.Numbered{Format: rtptest.PCMU}
	for range 50 {
		write(t, c, src.Next())
	}
	eventually(t, "the recording", func() bool {
		rec, err := e.Recorded("call", "a")
		return err == nil && rec.Recorded() == 50
	})
	if lost := e.pace.tick + e.pace.flush; lost >= 500*time.Millisecond {
		t.Errorf("%v are lost", lost)
	}
}

// A socket of both families takes IPv4 and answers it.
func TestDualStack(t *testing.T) {
	e := started(t, Config{BindIP: netip.IPv6Unspecified()})
	s := open(t, e, "a")
	c := dial(t, s.Port())
	src := &rtptest.Numbered{Format: rtptest.PCMU, SSRC: 9}
	write(t, c, src.Next())
	eventually(t, "the packet", func() bool { return s.Stats().PacketsReceived == 1 })
	s.mu.Lock()
	from := s.latch.from
	s.reports.mux, s.control.next = true, 1
	s.mu.Unlock()
	if !from.Addr().Is4() {
		t.Errorf("packet from %v", from)
	}
	s.report()
	if got := receiveRTCP(t, c); got[0].DestinationSSRC()[0] != 9 {
		t.Errorf("report %v", got)
	}
}

func TestDefaults(t *testing.T) {
	c := Config{}.withDefaults()
	if c.MinPort != 20_000 || c.MaxPort != 39_999 || c.BindIP != netip.IPv4Unspecified() {
		t.Errorf("defaults %+v", c)
	}
	if _, err := New(Config{}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("an engine without a folder")
	}
}

func TestCloseTwice(t *testing.T) {
	e := started(t, Config{})
	s := open(t, e, "a")
	for range 2 {
		if err := errors.Join(s.Close(), e.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Open(spec()); !errors.Is(err, earshot.ErrDraining) {
		t.Errorf("Open after Close: %v", err)
	}
	e.Start() // does nothing
}

// Sockets are read often while a handshake is under way, and only then.
func TestPollerHurries(t *testing.T) {
	p, err := newPoller(newClock(), unheard.tick)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if got := p.rest(); got != unheard.tick {
		t.Errorf("rests %v", got)
	}
	p.hurry()
	if got := p.rest(); got != hurriedTick {
		t.Errorf("rests %v during a handshake", got)
	}
	p.hurried.Add(-int64(hurryFor)) // as if it had been then
	if got := p.rest(); got != unheard.tick {
		t.Errorf("rests %v after it", got)
	}
}

// The first two streams of a server have neighbouring ports, wherever in the
// range it begins.
func TestFirstPortsAreNeighbours(t *testing.T) {
	for range 100 {
		p, err := newPorts(20_000, 20_007)
		if err != nil {
			t.Fatal(err)
		}
		if p.next%2 != 0 || p.next+1 >= p.pairs {
			t.Fatalf("it begins at pair %d of %d", p.next, p.pairs)
		}
	}
}
