package transcribe

import (
	"math"
	"time"
)

// windowLength is what voice-activity detection rates at a time.
const windowLength = 32 * time.Millisecond

// How likely speech must be to begin an utterance and to go on with it.
const (
	enterSpeech = 0.5
	staySpeech  = 0.35
)

// bounds is a span of samples of a stream.
type bounds struct {
	from, to int64
	// continues says that it was cut off at the length limit.
	continues bool
}

// segmenter cuts one stream into utterances. Where it cuts depends only on the
// last cut and the windows from then on, so that recognition that is taken up
// again at a cut goes on as if it had never stopped. All lengths are in samples
// of the stream.
type segmenter struct {
	window                    int64
	endSilence, minSpeech     int64
	padBefore, padAfter, most int64

	// cut is the end of the last utterance; nothing before it is looked at.
	cut int64
	// speaking says that an utterance is under way, which began at start.
	speaking bool
	start    int64
	// spoke is the end of the last window with speech, voiced the length of all.
	spoke, voiced int64
	// heard are the windows since first, rated for where to cut.
	heard []float64
	first int64
}

func newSegmenter(c Config, rate int, cut int64) segmenter {
	samples := func(d time.Duration) int64 { return int64(d) * int64(rate) / int64(time.Second) }
	return segmenter{
		window:     samples(windowLength),
		endSilence: samples(c.EndSilence),
		minSpeech:  samples(c.MinSpeech),
		padBefore:  samples(c.PadBefore),
		padAfter:   samples(c.PadAfter),
		most:       samples(c.MaxUtterance),
		cut:        cut,
	}
}

// push takes the window that begins at sample at. If an utterance is over, it
// returns its bounds; the next window must be one from before the cut then.
func (s *segmenter) push(at int64, prob, energy float64) (bounds, bool) {
	if at < s.cut {
		return bounds{}, false // warming up
	}
	end := at + s.window
	voiced := prob >= enterSpeech || s.speaking && prob >= staySpeech
	if !s.speaking {
		if !voiced {
			return bounds{}, false
		}
		s.begin(at)
	}
	s.heard = append(s.heard, loudness(prob, energy))
	if voiced {
		s.spoke = end
		s.voiced += s.window
	}
	switch {
	case end-s.spoke >= s.endSilence:
		return s.finish(min(s.spoke+s.padAfter, end))
	case end-s.start >= s.most:
		b, ok := s.finish(s.quietest(end))
		b.continues = ok
		return b, ok
	}
	return bounds{}, false
}

func (s *segmenter) begin(at int64) {
	s.speaking = true
	s.start = max(s.cut, at-s.padBefore)
	s.first = at
	s.voiced, s.heard = 0, s.heard[:0]
}

// flush ends what is under way, because nothing comes after end or nothing is
// to be waited for.
func (s *segmenter) flush(end int64) (bounds, bool) {
	if !s.speaking {
		return bounds{}, false
	}
	return s.finish(min(s.spoke+s.padAfter, end))
}

// finish ends the utterance at to. One with too little speech is none, and
// what follows may begin within it.
func (s *segmenter) finish(to int64) (bounds, bool) {
	s.speaking = false
	if s.voiced < s.minSpeech || to <= s.start {
		return bounds{}, false
	}
	s.cut = to
	return bounds{from: s.start, to: to}, true
}

// quietest returns where to cut speech that has no pause: in the middle of the
// quietest 160 ms of its last third, but not so late that hardly anything is
// left to look at.
func (s *segmenter) quietest(end int64) int64 {
	const around = 2
	earliest := int((s.start + s.most*2/3 - s.first) / s.window)
	best, lowest := end, math.Inf(1)
	for i := max(around, earliest); i < len(s.heard)-around; i++ {
		sum := 0.0
		for _, h := range s.heard[i-around : i+around+1] {
			sum += h
		}
		if sum < lowest {
			lowest, best = sum, s.first+int64(i)*s.window+s.window/2
		}
	}
	return best
}

// loudness rates a window: its level in decibels, and 20 more for speech.
func loudness(prob, energy float64) float64 {
	return 10*math.Log10(energy+1) + 20*prob
}
