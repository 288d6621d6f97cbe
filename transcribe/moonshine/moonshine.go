// Package moonshine recognises English speech with a Moonshine model, Tiny or a
// larger one: an encoder over the waveform and a decoder that says one token
// after the other.
package moonshine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"earshot"
	"earshot/transcribe/models"
	"earshot/transcribe/onnx"
	"earshot/transcribe/resample"
)

// rate is the model's sample rate.
const rate = 16000

// engine is what the engine is called in the settings.
const engine = "moonshine"

// language is what the models know (BCP 47).
const language = "en"

// shortest is the least audio the model is given, in samples: shorter is
// filled up with silence, as the model makes words up for a fraction of one.
const shortest = rate / 2

// least is what nothing can be said in: 100 ms.
const least = rate / 10

// longest is the most audio the model is given, in samples. Past a minute its
// result falls apart altogether.
const longest = 30 * rate

// doubt is the mean probability below which text is noise put into words.
const doubt = 0.25

// ErrTooLong says that a piece of audio is longer than 30 s.
var ErrTooLong = errors.New("audio is longer than 30 s")

// Recogniser is the loaded model. It is safe for concurrent use; each call
// computes on its caller's thread.
type Recogniser struct {
	encoder, decoder *onnx.Session
	shape            shape
	words            *vocabulary
	mu               sync.Mutex
	filters          map[int]*resample.Filter
}

// New loads the model from a models folder. A missing or damaged file is an
// error that says so, a model of another kind [ErrUnfit].
func New(dir string) (*Recogniser, error) {
	library, err := models.Path(dir, models.Library)
	if err != nil {
		return nil, err
	}
	if err := onnx.Load(library); err != nil {
		return nil, err
	}
	tokens, err := models.Read(dir, models.Tokens)
	if err != nil {
		return nil, err
	}
	words, err := newVocabulary(tokens)
	if err != nil {
		return nil, err
	}
	encoder, err := models.Read(dir, models.Encoder)
	if err != nil {
		return nil, err
	}
	decoder, err := models.Read(dir, models.Decoder)
	if err != nil {
		return nil, err
	}
	r := &Recogniser{words: words, filters: map[int]*resample.Filter{}}
	if r.shape, err = shapeOf(encoder, decoder); err != nil {
		return nil, fmt.Errorf("models in %s: %w", dir, err)
	}
	if r.encoder, err = onnx.NewSession(encoder, []string{encoderInput}, []string{encoderOutput}); err != nil {
		return nil, fmt.Errorf("model %s: %w", models.Encoder, err)
	}
	inputs, outputs := r.shape.names()
	if r.decoder, err = onnx.NewSession(decoder, inputs, outputs); err != nil {
		return nil, errors.Join(fmt.Errorf("model %s: %w", models.Decoder, err), r.encoder.Close())
	}
	return r, nil
}

// Recognise returns what is said in a piece of mono audio; the confidence is the
// mean probability of its tokens. Silence and noise give no text. More than 30 s
// are ErrTooLong, a permanent error, like any rate that is none.
func (r *Recogniser) Recognise(ctx context.Context, pcm []int16, hz int) (earshot.Recognition, error) {
	filter, err := r.filter(hz)
	if err != nil {
		return earshot.Recognition{}, err
	}
	if filter.Len(len(pcm)) > longest {
		return earshot.Recognition{}, ErrTooLong
	}
	if filter.Len(len(pcm)) < least || silent(pcm) {
		return earshot.Recognition{}, ctx.Err()
	}
	audio := filter.Floats(pcm)
	seconds := float64(len(audio)) / rate
	if len(audio) < shortest {
		audio = append(audio, make([]float32, shortest-len(audio))...)
	}
	prepare(audio)
	ids, probs, err := r.run(ctx, audio, int(seconds*tokensPerSecond)+tokensMore)
	if err != nil {
		return earshot.Recognition{}, fmt.Errorf("recognise %.1f s: %w", seconds, err)
	}
	text, confidence := r.words.text(ids), mean(probs)
	if confidence < doubt || !strings.ContainsFunc(text, isSpoken) { // music is a row of notes
		return earshot.Recognition{}, nil
	}
	return earshot.Recognition{Text: text, Confidence: confidence, Language: language, Engine: engine}, nil
}

func isSpoken(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// run encodes the audio and decodes what comes of it.
func (r *Recogniser) run(ctx context.Context, audio []float32, limit int) ([]int64, []float64, error) {
	input, err := onnx.NewValue(audio, 1, int64(len(audio)))
	if err != nil {
		return nil, nil, err
	}
	defer input.Release()
	out := make([]onnx.Value, 1)
	if err := r.encoder.Run([]onnx.Value{input}, out); err != nil {
		return nil, nil, fmt.Errorf("encode: %w", err)
	}
	defer out[0].Release()
	return r.decode(ctx, out[0], limit)
}

// filter returns the resampler from a rate, made at its first use.
func (r *Recogniser) filter(hz int) (*resample.Filter, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.filters[hz]; f != nil {
		return f, nil
	}
	f, err := resample.New(hz, rate)
	if err != nil {
		return nil, err
	}
	r.filters[hz] = f
	return f, nil
}

// Close frees the model. No Recognise may be under way or follow.
func (r *Recogniser) Close() error { return errors.Join(r.encoder.Close(), r.decoder.Close()) }

// silent reports whether no 20 ms (at 8 kHz) are above the noise floor of
// G.711, about -60 dB. A single sample may be.
func silent(pcm []int16) bool {
	const floor, block = 32, 160
	for part := range slices.Chunk(pcm, block) {
		energy := 0
		for _, s := range part {
			energy += int(s) * int(s)
		}
		if energy > floor*floor*block {
			return false
		}
	}
	return true
}

func mean(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
