package moonshine

import (
	"context"
	"fmt"
	"math"
	"slices"

	"earshot/transcribe/onnx"
)

// A person says no more tokens a second than this; what goes on longer is
// made up. The constant leaves room for the shortest words.
const (
	tokensPerSecond = 6.5
	tokensMore      = 4
)

// longestNumber is how many digits are left of a number in which the model
// fell into repeating itself.
const longestNumber = 16

// sureOfNothing is how sure the model must be that nothing is said at all. Of
// noise it is surer than 0.97; of speech with some silence around it, it may
// believe up to 0.75 that there is none, and would lose the whole utterance.
const sureOfNothing = 0.95

// cache holds the keys and values of the tokens so far, as the decoder's
// inputs want them: per layer decoder key, decoder value, encoder key and
// encoder value. The encoder's come from the first step and stay.
type cache []onnx.Value

func newCache(s shape) (cache, error) {
	c := make(cache, perLayer*s.layers)
	for i := range c {
		v, err := onnx.NewValue([]float32{}, 0, s.heads, 1, s.headDim)
		if err != nil {
			onnx.ReleaseAll(c)
			return nil, err
		}
		c[i] = v
	}
	return c, nil
}

// update takes over what a step made; it owns the values from then on.
func (c cache) update(present []onnx.Value, first bool) {
	for i := range c {
		if encoderSide := i%perLayer >= perLayer/2; encoderSide && !first {
			present[i].Release()
			continue
		}
		c[i].Release()
		c[i] = present[i]
	}
}

// decode reads the encoder's output greedily. It returns the tokens without
// start and end, and the probability of each.
func (r *Recogniser) decode(ctx context.Context, heard onnx.Value, limit int) (ids []int64, probs []float64, err error) {
	past, err := newCache(r.shape)
	if err != nil {
		return nil, nil, err
	}
	defer onnx.ReleaseAll(past)
	last := int64(startToken)
	for step := range limit {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		next, p, err := r.step(heard, past, last, step == 0)
		if err != nil {
			return nil, nil, fmt.Errorf("decode token %d: %w", step, err)
		}
		if next == endToken {
			break
		}
		ids, probs = append(ids, next), append(probs, p)
		if n := loop(ids); n > 0 {
			keep := len(ids) - n
			if r.words.digits(ids[keep:]) {
				// Digits said over and over are a long number, most likely a card's. Left
				// as long as one, it is masked as one.
				keep += min(n, longestNumber-1)
			}
			return ids[:keep], probs[:keep], nil
		}
		last = next
	}
	return ids, probs, nil
}

// step runs the decoder for one token and returns the likeliest next one.
func (r *Recogniser) step(heard onnx.Value, past cache, last int64, first bool) (next int64, p float64, err error) {
	input, err := onnx.NewValue([]int64{last}, 1, 1)
	if err != nil {
		return 0, 0, err
	}
	defer input.Release()
	cached, err := onnx.NewValue([]bool{!first}, 1)
	if err != nil {
		return 0, 0, err
	}
	defer cached.Release()
	out := make([]onnx.Value, 1+len(past))
	if err := r.decoder.Run(append([]onnx.Value{input, heard, cached}, past...), out); err != nil {
		onnx.ReleaseAll(out)
		return 0, 0, err
	}
	defer out[0].Release()
	past.update(out[1:], first)
	id, p := likeliest(out[0].Floats())
	if first && id == endToken && p < sureOfNothing {
		id, p = likeliestBut(out[0].Floats(), endToken)
	}
	return int64(id), p, nil
}

// likeliestBut is likeliest among all tokens but one.
func likeliestBut(logits []float32, not int) (best int, p float64) {
	others := slices.Clone(logits)
	others[not] = float32(math.Inf(-1))
	return likeliest(others)
}

// likeliest returns the index of the highest logit and its probability.
func likeliest(logits []float32) (best int, p float64) {
	if len(logits) == 0 {
		return endToken, 0
	}
	top := slices.Max(logits)
	best = slices.Index(logits, top)
	if best < 0 { // not a number
		return endToken, 0
	}
	// Whatever is 15 below the top adds less than 1 % with all 32768 of it.
	sum, floor := 0.0, top-15
	for _, l := range logits {
		if l > floor {
			sum += math.Exp(float64(l - top))
		}
	}
	return best, 1 / sum
}

// loop reports whether the tokens end in a phrase said over and over, and how
// many of them are the repetitions after the first. Card numbers repeat one
// digit up to 16 times and a group of them three times; nobody says anything
// else as often as that.
func loop(ids []int64) int {
	const longest, total, least = 12, 24, 5
	for n := 1; n <= longest; n++ {
		times := max(least, (total+n-1)/n)
		if repeats(ids, n, times) {
			return n * (times - 1)
		}
	}
	return 0
}

// repeats reports whether ids ends in the same n tokens so many times.
func repeats(ids []int64, n, times int) bool {
	if len(ids) < n*times {
		return false
	}
	tail := ids[len(ids)-n*times:]
	for i := n; i < len(tail); i++ {
		if tail[i] != tail[i-n] {
			return false
		}
	}
	return true
}
