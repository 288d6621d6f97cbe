package record

import (
	"time"

	"earshot"
	"earshot/media/jitter"
	"earshot/media/quality"
)

// Tally sums up recorded packets: what the process that recorded them knew of
// the stream, as far as the recording tells. What was dropped or invalid is not
// in it, and duplicates are not either.
type Tally struct {
	Timeline jitter.Timeline
	Meter    quality.Meter
	// Late counts packets that came after the reorder window.
	Late uint64
	// LastArrival is in nanoseconds since 1970, 0 if there was no packet.
	LastArrival int64
	// Codec is the format of the last audio packet: "PCMU/8000".
	Codec string

	format     *earshot.Format // that Codec names
	impairment *quality.Codec  // by it
}

// Add takes the next packet in the order of arrival.
func (t *Tally) Add(p *Packet) {
	if p.Flags&Repaired != 0 {
		t.Meter.Repaired(p.Seq)
		return
	}
	clockRate := 8000
	if p.Format != nil {
		clockRate = p.Format.ClockRate
		if p.Duration > 0 && p.Format != t.format { // audio, kept or not
			t.format, t.Codec = p.Format, p.Format.String()
			t.impairment = quality.CodecOf(*p.Format)
		}
	}
	t.Timeline.Resume(jitter.Packet{
		SSRC: p.SSRC, Seq: p.Seq, Timestamp: p.Timestamp, ClockRate: clockRate,
		Duration: p.Duration, Arrival: p.Arrival,
	}, p.Position)
	t.Meter.Add(quality.Packet{
		SSRC: p.SSRC, Seq: p.Seq, Timestamp: p.Timestamp, ClockRate: clockRate,
		Position: p.Position, Duration: p.Duration, Arrival: p.Arrival, Codec: t.impairment,
	})
	if p.Flags&Late != 0 {
		t.Late++
	}
	t.LastArrival = max(t.LastArrival, p.Arrival)
}

// Stats returns the counts.
func (t *Tally) Stats() earshot.StreamStats {
	s := t.Timeline.Stats()
	return earshot.StreamStats{
		PacketsReceived: s.Received, PacketsLost: s.Lost, PacketsDuplicate: s.Duplicates,
		PacketsLate: t.Late, JitterMS: float64(s.Jitter) / float64(time.Millisecond),
		Slips: s.Slips, SlipMS: s.Slipped.Duration().Milliseconds(), DriftPPM: s.DriftPPM,
		Quality: t.Meter.Quality(),
	}
}

// LastPacket returns when the newest packet came; the zero time if none did.
func (t *Tally) LastPacket() time.Time {
	if t.LastArrival == 0 {
		return time.Time{}
	}
	return time.Unix(0, t.LastArrival).UTC()
}
