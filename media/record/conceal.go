package record

// gap is the hole after the audio decoded so far.
type gap struct {
	buf   []int16
	run   int // where the audio before the hole began without a hole
	from  int // where the hole begins
	limit int // where a packet said that there is silence; -1 if none did
}

// silence notes that the sender was silent from there: comfort noise or a
// telephone event, not a loss.
func (g *gap) silence(at int) {
	if at >= g.from && g.limit < 0 {
		g.limit = at
	}
}

// close ends the hole at to and conceals the start of it, at most length
// samples, from at most history samples of what came before.
func (g *gap) close(to, length, history int) {
	if to > g.from {
		end := min(to, g.from+length)
		if g.limit >= 0 {
			end = min(end, g.limit)
		}
		past := g.buf[max(g.run, g.from-history):g.from]
		if end > g.from {
			conceal(g.buf[g.from:end], past, length)
		}
		g.run = to
	}
	g.limit = -1
}

// conceal repeats the last pitch period of past, at full level for a sixth of
// length and then fading to nothing at length: what G.711 Appendix I does in
// 60 ms, without overlap into the packets received, which stay as they are.
func conceal(out, past []int16, length int) {
	period := pitch(past, length)
	if period == 0 {
		return
	}
	last := past[len(past)-period:]
	full := length / 6
	for i := range out {
		level := length
		if i > full {
			level = length * (length - i) / (length - full)
		}
		out[i] = int16(int(last[i%period]) * level / length)
	}
}

// pitch returns the lag between 2.5 and 15 ms at which the past resembles
// itself best; all of it if it is too short to tell, 0 if it is next to none.
// A length is 60 ms.
func pitch(past []int16, length int) int {
	shortest, longest := length/24, min(length/4, len(past)/2)
	if longest < shortest {
		if len(past) < shortest {
			return 0
		}
		return len(past)
	}
	window := min(len(past)-longest, length/3)
	recent := past[len(past)-window:]
	best, bestLag := float32(-1), longest
	for lag := shortest; lag <= longest; lag++ {
		earlier := past[len(past)-window-lag:][:window]
		var product, energy float32
		for i, s := range recent {
			e := float32(earlier[i])
			product += float32(s) * e
			energy += e * e
		}
		if product > 0 && energy > 0 && product*product/energy > best {
			best, bestLag = product*product/energy, lag
		}
	}
	return bestLag
}
