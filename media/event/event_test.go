package event

import (
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
)

// sender writes packets of events as a telephone does, 20 ms apart.
type sender struct {
	rate int
	ssrc uint32
	seq  uint16
	ts   uint32 // of the audio
	at   int64
	zero uint32 // timestamp of position 0
	sent []Packet
}

func newSender(rate int) *sender {
	// The timestamp wraps round within the first second.
	return &sender{rate: rate, ssrc: 7, seq: 65530, ts: ^uint32(0) - uint32(rate/2), zero: ^uint32(0) - uint32(rate/2)}
}

func (s *sender) step() uint32 { return uint32(s.rate / 50) }

// packet writes one packet and lets 20 ms pass.
func (s *sender) packet(ts uint32, marker bool, blocks ...Block) {
	p := Packet{
		SSRC: s.ssrc, Seq: s.seq, Timestamp: ts, Marker: marker, ClockRate: s.rate, Arrival: s.at,
		Position: earshot.At(int64(int32(ts-s.zero)), s.rate),
	}
	for _, b := range blocks {
		p.Payload = Append(p.Payload, b, 10)
	}
	s.sent = append(s.sent, p)
	s.seq++
	s.at += int64(20 * time.Millisecond)
	s.ts += s.step()
}

// press presses a key for so many packets, and sends the last one thrice.
func (s *sender) press(code uint8, packets int) {
	start := s.ts
	for i := 1; i <= packets; i++ {
		s.packet(start, i == 1, Block{Code: code, Duration: uint16(uint32(i) * s.step())})
	}
	for range 3 {
		s.packet(start, false, Block{Code: code, End: true, Duration: uint16(uint32(packets) * s.step())})
	}
}

// pause lets time pass.
func (s *sender) pause(d time.Duration) {
	s.at += int64(d)
	s.ts += uint32(d * time.Duration(s.rate) / time.Second)
}

func track(t *testing.T, packets []Packet) []Event {
	t.Helper()
	var tr Tracker
	for i := range packets {
		if err := tr.Add(&packets[i]); err != nil {
			t.Fatal(err)
		}
	}
	return tr.Take(0, true)
}

// check compares events with keys and, in milliseconds, where they begin and end.
func check(t *testing.T, events []Event, keys string, spans ...int) {
	t.Helper()
	var got strings.Builder
	for _, e := range events {
		got.WriteString(Digit(e.Code))
	}
	if got.String() != keys {
		t.Fatalf("the keys are %q, want %q", got.String(), keys)
	}
	for i, e := range events {
		from, to := e.From.Duration().Milliseconds(), e.To.Duration().Milliseconds()
		if 2*i+1 < len(spans) && (from != int64(spans[2*i]) || to != int64(spans[2*i+1])) {
			t.Errorf("event %d is from %d to %d ms, want %d to %d", i, from, to, spans[2*i], spans[2*i+1])
		}
	}
}

func TestKeys(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		s := newSender(rate)
		s.pause(time.Second)
		for code := range uint8(16) {
			s.press(code, 5)
			s.pause(40 * time.Millisecond)
		}
		s.press(Flash, 5)
		check(t, track(t, s.sent), "0123456789*#ABCDflash", 1000, 1100, 1200, 1300, 1400, 1500)
	}
}

func TestSameKeyTwice(t *testing.T) {
	s := newSender(8000)
	s.press(1, 5)
	s.press(1, 5)
	s.press(1, 2)
	check(t, track(t, s.sent), "111", 0, 100, 160, 260, 320, 360)
}

// TestAnyLossLeavesTheKey loses all packets of an event but one, whichever.
func TestAnyLossLeavesTheKey(t *testing.T) {
	s := newSender(8000)
	s.press(5, 6)
	s.press(6, 6)
	first, second := s.sent[:9], s.sent[9:]
	for _, a := range first {
		for _, b := range second {
			check(t, track(t, []Packet{a, b}), "56")
		}
	}
}

// TestAnyOrder takes the packets of two presses of one key in many orders.
func TestAnyOrder(t *testing.T) {
	s := newSender(8000)
	s.press(5, 4)
	s.press(5, 4)
	for shift := range len(s.sent) {
		for step := 1; step <= 4; step++ {
			packets := slices.Clone(s.sent)
			for i := range packets { // a packet comes up to 4 places late
				if j := i + 1 + (i+shift)%step; j < len(packets) {
					packets[i], packets[j] = packets[j], packets[i]
				}
			}
			events := track(t, packets)
			slices.SortFunc(events, func(a, b Event) int { return int(a.From - b.From) })
			check(t, events, "55", 0, 80, 140, 220)
		}
	}
}

// TestLongEvent goes on in segments as RFC 4733 2.5.1.3 has it, with any packet
// around the change lost.
func TestLongEvent(t *testing.T) {
	for _, last := range []uint32{segment, 65440} { // or at the end of a whole packet
		s := newSender(8000)
		start, lost := s.ts, 0
		for s.ts-start < 20*8000 {
			into := s.ts - start
			seg := into / last * last
			duration := min(into-seg+160, last)
			s.packet(start+seg, into == 0, Block{Code: 3, Duration: uint16(duration)})
			if duration == last {
				lost = len(s.sent)
			}
		}
		length := int((s.ts - start) / 8)
		end := s.sent[len(s.sent)-1]
		s.packet(end.Timestamp, false, Block{Code: 3, End: true, Duration: uint16(s.ts - end.Timestamp - 160 + 160)})
		s.sent = append(s.sent, s.sent[len(s.sent)-1], s.sent[len(s.sent)-1])
		events := track(t, s.sent)
		check(t, events, "3", 0, int(events[0].To.Duration().Milliseconds()))
		if got := int(events[0].To.Duration().Milliseconds()); got < length || got > length+40 {
			t.Errorf("the event of %d ms is %d ms long", length, got)
		}
		check(t, track(t, slices.Concat(s.sent[:lost-1], s.sent[lost:])), "3")
	}
}

// TestDurationThatWraps is a sender that knows no segments: its durations begin
// anew under the same timestamp.
func TestDurationThatWraps(t *testing.T) {
	s := newSender(8000)
	start := s.ts
	for i := uint32(1); i <= 500; i++ { // 10 s
		s.packet(start, i == 1, Block{Code: 3, Duration: uint16(i * 160)})
	}
	s.packet(start, false, Block{Code: 3, End: true, Duration: uint16(501 * 160 & 0xffff)})
	check(t, track(t, s.sent), "3", 0, 10020)
}

// TestTimestampThatMoves is a sender that stamps each packet with its own time.
func TestTimestampThatMoves(t *testing.T) {
	for _, ahead := range []uint16{0, 1, 3} { // packets that the first one tells of
		s := newSender(8000)
		for range 2 {
			for i := range uint16(5) {
				s.packet(s.ts, i == 0, Block{Code: 3, Duration: (i + ahead) * 160})
			}
			for range 3 {
				s.packet(s.ts, false, Block{Code: 3, End: true, Duration: (4 + ahead) * 160})
			}
			s.pause(time.Second)
		}
		length := int(4+ahead) * 20
		check(t, track(t, s.sent), "33", 0, length, 1160, 1160+length)
	}
}

// TestPacked has several events in each packet (RFC 4733 2.5.1.5).
func TestPacked(t *testing.T) {
	s := newSender(8000)
	start := s.ts
	first, second := Block{Code: 1, End: true, Duration: 400}, Block{Code: 1, End: true, Duration: 800}
	s.packet(start, true, Block{Code: 1, Duration: 400})
	s.packet(start, false, first, Block{Code: 1, Duration: 320})
	s.packet(start, false, Block{Code: 1, Duration: 400}, second, Block{Code: Hash, Duration: 160})
	s.packet(start+400, false, second, Block{Code: Hash, Duration: 320})
	s.packet(start+1200, false, Block{Code: Hash, End: true, Duration: 400})
	check(t, track(t, s.sent), "11#", 0, 50, 50, 150, 150, 200)
}

func TestEventsOverByTime(t *testing.T) {
	s := newSender(8000)
	start := s.ts
	s.packet(start, true, Block{Code: 9, Duration: 160})
	var tr Tracker
	if err := tr.Add(&s.sent[0]); err != nil {
		t.Fatal(err)
	}
	if e := tr.Take(int64(lostAfter), false); len(e) != 0 {
		t.Errorf("over while it may go on: %+v", e)
	}
	told := tr.Take(int64(lostAfter)+1, false)
	check(t, told, "9", 0, 20)
	if e := tr.Take(int64(time.Hour), true); len(e) != 0 {
		t.Errorf("told twice: %+v", e)
	}
	// It had only been lost for a while: the same event, longer.
	s.packet(start, false, Block{Code: 9, End: true, Duration: 8000})
	if err := tr.Add(&s.sent[1]); err != nil {
		t.Fatal(err)
	}
	again := tr.Take(int64(time.Hour), false)
	check(t, again, "9", 0, 1000)
	if again[0].ID != told[0].ID {
		t.Error("told as another event")
	}
}

// TestNextEventEndsTheOneBefore: its end was lost, and it is told all the same.
func TestNextEventEndsTheOneBefore(t *testing.T) {
	s := newSender(8000)
	s.packet(s.ts, true, Block{Code: 1, Duration: 160})
	s.packet(s.ts, true, Block{Code: 2, Duration: 160})
	var tr Tracker
	for i := range s.sent {
		if err := tr.Add(&s.sent[i]); err != nil {
			t.Fatal(err)
		}
	}
	check(t, tr.Take(s.at, false), "1", 0, 20)
}

// TestNobodyAsks keeps what comes until somebody does, up to a limit.
func TestNobodyAsks(t *testing.T) {
	s := newSender(8000)
	for i := range 200 {
		s.press(uint8(i%10), 2)
	}
	if events := track(t, s.sent); len(events) != maxWaiting+remembered {
		t.Errorf("%d events are kept, want %d", len(events), maxWaiting+remembered)
	}
}

func TestSecretKeys(t *testing.T) {
	s := newSender(8000)
	s.press(1, 5)
	s.press(2, 5)
	s.sent[3].Secret = true
	if events := track(t, s.sent); len(events) != 2 || !events[0].Secret || events[1].Secret {
		t.Errorf("events %+v", events)
	}
}

func TestOtherEventsAreNone(t *testing.T) {
	s := newSender(8000)
	s.press(36, 5) // a fax machine's tone
	s.press(255, 5)
	check(t, track(t, s.sent), "")
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name    string
		payload string
		want    []Block
	}{
		{"one", "\x05\x0a\x03\x20", []Block{{Code: 5, Duration: 800}}},
		{"end, reserved bit, volume", "\x0b\xff\x00\xa0", []Block{{Code: 11, End: true, Duration: 160}}},
		{"two", "\x01\x0a\x01\x90\x02\x0a\x00\xa0", []Block{{Code: 1, End: true, Duration: 400}, {Code: 2, Duration: 160}}},
		{"padded", "\x05\x0a\x03\x20\x00\x00\x00\x00", []Block{{Code: 5, Duration: 800}}},
		{"rest", "\x05\x0a\x03\x20\x00", []Block{{Code: 5, Duration: 800}}},
		{"zero", "\x00\x0a\x00\x00", []Block{{}}},
	} {
		if got, err := Parse(nil, []byte(c.payload)); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
	for _, short := range []string{"", "\x05\x0a\x03"} {
		if _, err := Parse(nil, []byte(short)); err == nil {
			t.Errorf("%q is taken", short)
		}
	}
}

func TestCodes(t *testing.T) {
	for code := range uint8(16) {
		if got, ok := Code(rune(Digit(code)[0])); !ok || got != code {
			t.Errorf("code %d of key %s is read as %d", code, Digit(code), got)
		}
	}
	for key, want := range map[rune]bool{'a': true, 'd': true, 'e': false, '-': false, 'ü': false, 0x0a: false, '\x1a': false} {
		if _, ok := Code(key); ok != want {
			t.Errorf("%q is a key: %v", key, ok)
		}
	}
	if Digit(Star) != "*" || Digit(Hash) != "#" || Digit(17) != "" {
		t.Error("the names of keys are wrong")
	}
}

func TestTrackingAllocatesNothing(t *testing.T) {
	s := newSender(8000)
	s.press(5, 100)
	var tr Tracker
	i := 0
	if n := testing.AllocsPerRun(90, func() {
		_ = tr.Add(&s.sent[i])
		i++
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

// FuzzTracker feeds payloads, sequence numbers and timestamps of any kind:
// events never end before they begin, and nothing is kept without bound.
func FuzzTracker(f *testing.F) {
	f.Add([]byte("\x80\x00\x00\x05\x0a\x03\x20\x00\x00\x00\x05\x8a\x03\x20"))
	f.Add([]byte("\x04\x00\x01\x01\x0a\x01\x90\x04\x00\x02\x01\x0a\xff\xff"))
	s := newSender(8000)
	s.press(5, 3)
	var whole []byte
	for _, p := range s.sent {
		whole = append(append(whole, 0x80, byte(p.Seq), 0), p.Payload...)
	}
	f.Add(whole)
	f.Fuzz(func(t *testing.T, data []byte) {
		var tr Tracker
		rates := []int{8000, 16000, 48000, 90000}
		var at int64
		ts, seq := uint32(0), uint16(0)
		for n := 0; len(data) >= 3; n++ {
			flags, dseq, dts := data[0], data[1], data[2]
			size := min(int(flags&0x1f), len(data)-3)
			if size < blockSize {
				size = min(blockSize, len(data)-3)
			}
			seq, ts = seq+uint16(int8(dseq)), ts+uint32(int8(dts))*400
			p := Packet{
				SSRC: uint32(flags >> 6 & 1), Seq: seq, Timestamp: ts, Marker: flags&0x80 != 0,
				ClockRate: rates[flags>>5&3], Position: earshot.Position(int32(ts)), Arrival: at, Payload: data[3 : 3+size],
			}
			_ = tr.Add(&p)
			data = data[3+size:]
			at += int64(20 * time.Millisecond)
		}
		events := tr.Take(at, true)
		if len(events) > maxWaiting+remembered {
			t.Fatalf("%d events are kept", len(events))
		}
		for _, e := range events {
			if e.To < e.From || e.ID == "" || Digit(e.Code) == "" {
				t.Fatalf("event %+v", e)
			}
		}
		if more := tr.Take(at, true); len(more) != 0 {
			t.Fatalf("told again: %+v", more)
		}
	})
}
