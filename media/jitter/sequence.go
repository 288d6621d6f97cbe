// Package jitter decides where each RTP packet of a stream belongs and counts
// what arrived: extended sequence numbers, loss and interarrival jitter of
// RFC 3550, and the position of each packet on the stream's own timeline.
package jitter

// Limits of RFC 3550 A.1. The misorder limit is wider than the RFC's typical
// value, because a late packet still belongs in the recording.
const (
	maxDropout  = 3000
	maxMisorder = 512
)

// Sequence keeps the sequence numbers of one SSRC: which have been received,
// how many are missing (RFC 3550 A.1, A.3).
type Sequence struct {
	started    bool
	base, max  int64 // extended sequence numbers
	seen       [maxMisorder / 64]uint64
	received   uint64 // every packet, also duplicates
	duplicates uint64

	expectedBefore uint64 // of what was before a restart

	expectedPrior, receivedPrior uint64 // at the last report
}

// extend returns the extended number nearest to the highest one received.
func (s *Sequence) extend(seq uint16) int64 {
	return s.max + int64(int16(seq-uint16(s.max)))
}

// start begins anew at seq, keeping the counts.
func (s *Sequence) start(seq uint16) {
	if s.started {
		s.expectedBefore += s.expectedNow()
	}
	s.started = true
	s.base, s.max = int64(seq)+1<<16, int64(seq)+1<<16
	s.seen = [maxMisorder / 64]uint64{}
}

// add counts a packet and reports whether it had been received already.
func (s *Sequence) add(ext int64) (duplicate bool) {
	s.received++
	if ext > s.max {
		for n := max(s.max+1, ext-maxMisorder+1); n <= ext; n++ {
			word, bit := place(n)
			s.seen[word] &^= bit
		}
		s.max = ext
	}
	word, bit := place(ext)
	if s.seen[word]&bit != 0 {
		s.duplicates++
		return true
	}
	s.seen[word] |= bit
	s.base = min(s.base, ext)
	return false
}

// has reports whether a number within the window has been received.
func (s *Sequence) has(ext int64) bool {
	word, bit := place(ext)
	return s.seen[word]&bit != 0
}

func place(ext int64) (word int, bit uint64) {
	i := uint64(ext) % maxMisorder
	return int(i / 64), 1 << (i % 64)
}

func (s *Sequence) expectedNow() uint64 {
	if !s.started {
		return 0
	}
	return uint64(s.max - s.base + 1)
}

// expected is the number of packets the sender has sent, as far as the
// sequence numbers tell.
func (s *Sequence) expected() uint64 { return s.expectedBefore + s.expectedNow() }

// fraction returns the loss since the last call in 1/256 (RFC 3550 A.3).
func (s *Sequence) fraction() uint8 {
	expected := s.expected() - s.expectedPrior
	received := s.received - s.receivedPrior
	s.expectedPrior, s.receivedPrior = s.expected(), s.received
	if expected == 0 || received >= expected {
		return 0
	}
	return uint8(min(255, (expected-received)<<8/expected))
}
