// Package vad says how likely it is that somebody speaks, 32 ms at a time,
// with the Silero v6 model: one session for all channels, one run for all
// channels of a rate, and the state of each channel with its owner.
package vad

import (
	"errors"
	"fmt"

	"earshot/transcribe/models"
	"earshot/transcribe/onnx"
)

// The parts of a channel's state.
const (
	hiddenLen = 128
	// maxContext is the longest piece of the window before, at 16 kHz.
	maxContext = 64
	atContext  = 2 * hiddenLen
	atQuiet    = atContext + maxContext
	stateLen   = atQuiet + 1
)

// The energy gate: a window below floor (root mean square, -60 dB: G.711's
// idle noise is at -70) after hangover such windows is silence without asking
// the model.
const (
	gateFloor    = 32.0
	gateHangover = 10
)

// gain is how much louder the model hears everything: 12 dB. As it comes, it
// takes soft words said alone for noise. Of sixty such words of ten voices,
// with peaks at -30 and -40 dB of full scale, it missed 5 and 16 without gain
// and none and 5 with it; of 21 sounds of the line at four levels it took 9 s
// for speech without and 1 s with it. What it is given may go beyond full
// scale: limited to that, loud words were missed.
const gain = 4.0

// Detector is the loaded model. Its Detect is called by one goroutine at a
// time.
type Detector struct {
	session *onnx.Session
	// The rest is scratch of Detect.
	asked  []int
	input  []float32
	hidden []float32
}

// New loads the model from a models folder. A missing or damaged file is an
// error that says so.
func New(dir string) (*Detector, error) {
	library, err := models.Path(dir, models.Library)
	if err != nil {
		return nil, err
	}
	if err := onnx.Load(library); err != nil {
		return nil, err
	}
	raw, err := models.Read(dir, models.VAD)
	if err != nil {
		return nil, err
	}
	s, err := onnx.NewSession(raw, []string{"input", "state", "sr"}, []string{"output", "stateN"})
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", models.VAD, err)
	}
	return &Detector{session: s}, nil
}

// StateLen returns the length of a channel's state. All zeros is the state of
// a channel that has heard nothing.
func (d *Detector) StateLen() int { return stateLen }

// Detect rates the next window of each channel: states[i] and windows[i]
// belong together, probs[i] is the result between 0 and 1. The rate is 8000
// (windows of 256 samples) or 16000 (512). What a channel gets does not depend, but for rounding,
// on which others are rated with it.
func (d *Detector) Detect(rate int, states [][]float32, windows [][]int16, probs []float32) error {
	size, context, err := lengths(rate)
	if err != nil {
		return err
	}
	if len(windows) != len(states) || len(probs) != len(states) {
		return errors.New("detect speech: states, windows and results differ in number")
	}
	d.asked = d.asked[:0]
	for i, w := range windows {
		if len(w) != size || len(states[i]) != stateLen {
			return fmt.Errorf("detect speech: window of %d samples, state of %d", len(w), len(states[i]))
		}
		probs[i] = 0
		if !gated(states[i], w, context) {
			d.asked = append(d.asked, i)
		}
	}
	if len(d.asked) == 0 {
		return nil
	}
	return d.ask(rate, size, context, states, windows, probs)
}

func lengths(rate int) (window, context int, err error) {
	switch rate {
	case 8000:
		return 256, 32, nil
	case 16000:
		return 512, 64, nil
	}
	return 0, 0, fmt.Errorf("detect speech at %d samples per second: only 8000 and 16000", rate)
}

// gated reports whether the window is silence beyond doubt, and if so brings
// the state to where the model begins, which is how it hears silence best.
func gated(state []float32, window []int16, context int) bool {
	sum := 0.0
	for _, s := range window {
		sum += float64(s) * float64(s)
	}
	if sum >= gateFloor*gateFloor*float64(len(window)) {
		state[atQuiet] = 0
		return false
	}
	if state[atQuiet] < gateHangover {
		state[atQuiet]++
		return false
	}
	clear(state[:atContext])
	keepContext(state, window, context)
	return true
}

// keepContext remembers the end of the window, which the model hears again
// before the next.
func keepContext(state []float32, window []int16, context int) {
	for i, s := range window[len(window)-context:] {
		state[atContext+i] = scaled(s)
	}
}

// scaled is a sample as the model is given it.
func scaled(s int16) float32 { return float32(s) * (gain / 32768) }

// ask runs the model over the channels in d.asked.
func (d *Detector) ask(rate, size, context int, states [][]float32, windows [][]int16, probs []float32) error {
	n := len(d.asked)
	d.gather(size, context, states, windows)
	input, err := onnx.NewValue(d.input, int64(n), int64(context+size))
	if err != nil {
		return fmt.Errorf("detect speech: %w", err)
	}
	defer input.Release()
	hidden, err := onnx.NewValue(d.hidden, 2, int64(n), hiddenLen)
	if err != nil {
		return fmt.Errorf("detect speech: %w", err)
	}
	defer hidden.Release()
	hz, err := onnx.NewValue([]int64{int64(rate)})
	if err != nil {
		return fmt.Errorf("detect speech: %w", err)
	}
	defer hz.Release()
	out := make([]onnx.Value, 2)
	if err := d.session.Run([]onnx.Value{input, hidden, hz}, out); err != nil {
		return fmt.Errorf("detect speech: %w", err)
	}
	defer onnx.ReleaseAll(out)
	p, h := out[0].Floats(), out[1].Floats()
	if len(p) != n || len(h) != 2*n*hiddenLen {
		return fmt.Errorf("detect speech: %d results and %d of state for %d channels", len(p), len(h), n)
	}
	for row, i := range d.asked {
		probs[i] = p[row]
		copy(states[i][:hiddenLen], h[row*hiddenLen:])
		copy(states[i][hiddenLen:atContext], h[(n+row)*hiddenLen:])
		keepContext(states[i], windows[i], context)
	}
	return nil
}

// gather lays the asked channels out as the model wants them: input by
// channel, hidden state by layer and channel.
func (d *Detector) gather(size, context int, states [][]float32, windows [][]int16) {
	n := len(d.asked)
	d.input = resize(d.input, n*(context+size))
	d.hidden = resize(d.hidden, 2*n*hiddenLen)
	for row, i := range d.asked {
		in := d.input[row*(context+size):]
		copy(in[:context], states[i][atContext:])
		for k, s := range windows[i] {
			in[context+k] = scaled(s)
		}
		copy(d.hidden[row*hiddenLen:(row+1)*hiddenLen], states[i])
		copy(d.hidden[(n+row)*hiddenLen:(n+row+1)*hiddenLen], states[i][hiddenLen:])
	}
}

func resize(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n, 2*n)
	}
	return s[:n]
}

// Close frees the model. No Detect may be under way or follow.
func (d *Detector) Close() error { return d.session.Close() }
