package quality

import "time"

const (
	// interval is how long what is rated lasts at the least, and leastPackets
	// how many packets must be in it: a pause is no loss.
	interval     = 10 * time.Second
	leastPackets = 100
)

// score rates intervals of a stream and keeps their mean and the worst.
type score struct {
	began   int64
	codec   *Codec
	delay   time.Duration
	current Bursts

	// The means are weighted by packets. They are of one model.
	packets      float64
	sumR, sumMOS float64
	worst        worst // of minus MOS
	worstLoss    worst
}

// worst is the highest value of the whole intervals, or, as long as there is
// none, of those cut short.
type worst struct {
	value      float64
	any, whole bool
}

func (w *worst) see(value float64, whole bool) {
	if w.any && (w.whole && !whole || w.whole == whole && value <= w.value) {
		return
	}
	*w = worst{value: value, any: true, whole: whole}
}

// at tells that an audio packet of a codec arrived.
func (s *score) at(arrival int64, c *Codec, delay time.Duration) {
	if s.began == 0 {
		s.began = arrival
	}
	over := arrival-s.began >= int64(interval) && s.current.Packets >= leastPackets
	if over || c != s.codec {
		s.close()
		s.began = arrival
		if s.model() != modelOf(c) {
			s.packets, s.sumR, s.sumMOS, s.worst = 0, 0, 0, worst{}
		}
		s.codec = c
	}
	s.delay = delay
}

func modelOf(c *Codec) Model {
	if c == nil {
		return ""
	}
	return c.Model
}

func (s *score) model() Model { return modelOf(s.codec) }

// add counts a packet whose fate is known.
func (s *score) add(missing bool) { s.current.Add(missing) }

// close rates the interval that ends here. One that is cut short counts for
// the mean; for the worst only while there is no other.
func (s *score) close() {
	n := float64(s.current.Packets)
	if n == 0 {
		return
	}
	whole := s.current.Packets >= leastPackets
	s.worstLoss.see(s.current.Loss(), whole)
	if s.codec != nil {
		r := s.codec.R(Path{Loss: s.current.Loss(), BurstRatio: s.current.Ratio(), Delay: s.delay})
		mos := s.codec.Model.MOS(r)
		s.packets += n
		s.sumR += n * r
		s.sumMOS += n * mos
		s.worst.see(-mos, whole)
	}
	s.current = Bursts{}
}
