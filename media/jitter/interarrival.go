package jitter

import "time"

// interarrival is the jitter estimate of RFC 3550 6.4.1 and A.8, in units of
// the RTP timestamp.
type interarrival struct {
	value     float64
	arrival   int64
	timestamp uint32
	clockRate int
}

// first begins a run of timestamps; the estimate is kept.
func (j *interarrival) first(p Packet) {
	if j.clockRate != 0 && j.clockRate != p.ClockRate {
		j.value *= float64(p.ClockRate) / float64(j.clockRate)
	}
	j.arrival, j.timestamp, j.clockRate = p.Arrival, p.Timestamp, p.ClockRate
}

// add takes the next packet in the order of arrival.
func (j *interarrival) add(p Packet) {
	if p.ClockRate != j.clockRate {
		j.first(p)
		return
	}
	apart := float64(p.Arrival-j.arrival) * float64(p.ClockRate) / float64(time.Second)
	d := apart - float64(int32(p.Timestamp-j.timestamp))
	j.value += (max(d, -d) - j.value) / 16
	j.arrival, j.timestamp = p.Arrival, p.Timestamp
}

func (j *interarrival) duration() time.Duration {
	if j.clockRate == 0 {
		return 0
	}
	return time.Duration(j.value * float64(time.Second) / float64(j.clockRate))
}
