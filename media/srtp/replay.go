package srtp

import "github.com/pion/transport/v5/replaydetector"

// Greatest indices (RFC 3711 3.3.1, 3.4).
const (
	maxIndex     = 1<<48 - 1
	maxIndexRTCP = 1<<31 - 1
)

// replays detects replayed packets and remembers having refused one: the
// errors of the library do not tell.
type replays struct{ refused bool }

func (r *replays) rtp() replaydetector.ReplayDetector { return r.detector(maxIndex) }

func (r *replays) rtcp() replaydetector.ReplayDetector { return r.detector(maxIndexRTCP) }

func (r *replays) detector(maxIndex uint64) replaydetector.ReplayDetector {
	d := replaydetector.New(replayWindow, maxIndex)
	w := watched{ReplayDetector: d, all: r}
	w.accepter, _ = d.(replaydetector.CheckAccepter) // documented to be one
	return w
}

// watched is the detector of one source.
type watched struct {
	replaydetector.ReplayDetector
	accepter replaydetector.CheckAccepter
	all      *replays
}

var _ replaydetector.CheckAccepter = watched{}

// CheckSeq implements replaydetector.CheckAccepter.
func (w watched) CheckSeq(seq uint64) replaydetector.Token {
	t := w.accepter.CheckSeq(seq)
	w.all.refused = w.all.refused || !t.Passed()
	return t
}

// Accept implements replaydetector.CheckAccepter.
func (w watched) Accept(t replaydetector.Token) bool { return w.accepter.Accept(t) }
