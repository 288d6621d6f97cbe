package jitter

import (
	"time"

	"earshot"
)

// Stats are the counts of a timeline (RFC 3550 6.4.1).
type Stats struct {
	// Received counts every packet placed, duplicates included.
	Received   uint64
	Duplicates uint64
	// Lost is what was expected less what was received, not counting
	// duplicates, so that they do not hide a loss.
	Lost   uint64
	Jitter time.Duration
	// Reorder is how far before the end of the newest packet a late one began in
	// the last 10 to 20 s.
	Reorder time.Duration
	// Slips counts the times the positions moved against the timestamps because
	// the sender's clock is not ours, and Slipped is by how much in all: above 0
	// if they are later than the timestamps say.
	Slips   uint64
	Slipped earshot.Position
	// DriftPPM is how much faster than the arrival clock the sender's clock runs;
	// 0 in the first minute of a run.
	DriftPPM float64
}

// Stats returns the counts so far.
func (t *Timeline) Stats() Stats {
	distinct := t.seq.received - t.seq.duplicates
	s := Stats{
		Received: t.seq.received, Duplicates: t.seq.duplicates, Jitter: t.jitter.duration(), Reorder: t.reach.duration(),
		Slips: t.slips.count, Slipped: t.slips.net, DriftPPM: t.drift.ppm(),
	}
	if expected := t.seq.expected(); expected > distinct {
		s.Lost = expected - distinct
	}
	return s
}

// Report is what a reception report block tells of a source (RFC 3550 6.4.1).
type Report struct {
	SSRC           uint32
	FractionLost   uint8
	TotalLost      int64 // duplicates count as received here, as the RFC has it
	HighestSeq     uint32
	Jitter         uint32 // in units of the RTP timestamp
	ReceivedPacket bool   // since the last report
}

// Report returns the report block since the last call.
func (t *Timeline) Report() Report {
	fresh := t.seq.received != t.seq.receivedPrior
	r := Report{
		SSRC: t.cur.ssrc, HighestSeq: uint32(t.seq.max - 1<<16), Jitter: uint32(t.jitter.value),
		TotalLost: int64(t.seq.expected()) - int64(t.seq.received), ReceivedPacket: fresh,
	}
	r.FractionLost = t.seq.fraction()
	return r
}
