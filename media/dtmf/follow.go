package dtmf

import "earshot"

// run is a tone on its way.
type run struct {
	key      int   // -1: none
	from, to int64 // looks, both included
	count    int   // looks that showed it
	missed   int   // looks since the last one that did
	peak     float64
}

// follow takes a look into the tone on its way.
func (d *Detector) follow(dst []Tone, l *look) []Tone {
	r := &d.run
	if l.key >= 0 && l.key == r.key {
		r.count++
		r.missed, r.to = 0, d.looks
		r.peak = max(r.peak, weaker(l, r.key))
		if r.count == enough {
			d.extend()
		}
		return dst
	}
	if l.key < 0 && r.key >= 0 && weaker(l, r.key) >= faint*r.peak && r.missed < d.patience() {
		r.missed++ // it fades, or a noise covers it
		if r.count >= enough {
			r.to = d.looks
		}
		return dst
	}
	dst = d.finish(dst)
	if l.key >= 0 {
		*r = run{key: l.key, from: d.looks, to: d.looks, count: 1, peak: weaker(l, l.key)}
	}
	return dst
}

// patience is how many looks the tone on its way may miss.
func (d *Detector) patience() int {
	if d.run.count >= enough {
		return tail
	}
	return 1
}

// extend moves the begin of a tone that is one back to where it rose.
func (d *Detector) extend() {
	r := &d.run
	oldest := max(0, d.looks-int64(len(d.past))+1)
	for n := r.from - 1; n >= oldest && r.from-n <= tail; n-- {
		l := &d.past[n%int64(len(d.past))]
		if l.key >= 0 && l.key != r.key || weaker(l, r.key) < faint*r.peak {
			return
		}
		r.from = n
	}
}

// weaker returns the power of the weaker one of a key's tones.
func weaker(l *look, key int) float64 {
	return min(l.powers[key/4], l.powers[4+key%4])
}

// finish appends the tone on its way if it was long enough to be one.
func (d *Detector) finish(dst []Tone) []Tone {
	r := d.run
	d.run = run{key: -1}
	if r.key < 0 || r.count < enough {
		return dst
	}
	return append(dst, Tone{From: d.at(r.from), To: d.at(r.to) + earshot.PositionOf(window), Digit: keys[r.key]})
}

// at returns where a look begins.
func (d *Detector) at(look int64) earshot.Position {
	return d.start + earshot.At(look*int64(d.step*d.decim.by), d.rate)
}
