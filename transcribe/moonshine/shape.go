package moonshine

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"earshot/transcribe/models"
	"earshot/transcribe/onnx"
)

// The names of what the models take and give.
const (
	encoderInput  = "input_values"
	encoderOutput = "last_hidden_state"
	tokenInput    = "input_ids"
	hiddenInput   = "encoder_hidden_states"
	cachedInput   = "use_cache_branch"
	tokenOutput   = "logits"
	pastPrefix    = "past_key_values."
	presentPrefix = "present."
)

// perLayer is how many tensors of a layer are kept from one token to the next:
// decoder key and value, encoder key and value.
const perLayer = 4

// ErrUnfit says that models are not those of an encoder and a merged decoder of
// Moonshine that belong together.
var ErrUnfit = errors.New("not an encoder and a merged decoder of Moonshine that belong together")

// shape is the size of a decoder. Tiny has 6 layers of 8 heads of 36, Base 8 of
// 8 of 52.
type shape struct{ layers, heads, headDim int64 }

// names returns the names of the merged decoder's inputs and outputs, in the
// order decode uses them.
func (s shape) names() (inputs, outputs []string) {
	inputs = append(make([]string, 0, 3+perLayer*s.layers), tokenInput, hiddenInput, cachedInput)
	outputs = append(make([]string, 0, 1+perLayer*s.layers), tokenOutput)
	for layer := range s.layers {
		for _, kind := range []string{"decoder.key", "decoder.value", "encoder.key", "encoder.value"} {
			name := strconv.FormatInt(layer, 10) + "." + kind
			inputs, outputs = append(inputs, pastPrefix+name), append(outputs, presentPrefix+name)
		}
	}
	return inputs, outputs
}

// shapeOf reads the shape out of the models. What does not fit is [ErrUnfit].
func shapeOf(encoder, decoder []byte) (shape, error) {
	enc, err := onnx.Inspect(encoder)
	if err != nil {
		return shape{}, fmt.Errorf("%s: %w", models.Encoder, err)
	}
	dec, err := onnx.Inspect(decoder)
	if err != nil {
		return shape{}, fmt.Errorf("%s: %w", models.Decoder, err)
	}
	if err := has(models.Encoder, enc, []string{encoderInput}, []string{encoderOutput}); err != nil {
		return shape{}, err
	}
	s, err := decoderShape(dec)
	if err != nil {
		return shape{}, err
	}
	inputs, outputs := s.names()
	if err := has(models.Decoder, dec, inputs, outputs); err != nil {
		return shape{}, err
	}
	gives, _ := enc.Output(encoderOutput)
	takes, _ := dec.Input(hiddenInput)
	if from, to := width(gives), width(takes); from != to {
		return shape{}, fmt.Errorf("%s gives %d values where %s takes %d: %w", models.Encoder, from, models.Decoder, to, ErrUnfit)
	}
	return s, nil
}

// decoderShape reads the shape from the tensors of the cache: as many layers
// as they name, and batch, heads, time and values of a head as dimensions.
func decoderShape(dec onnx.Signature) (shape, error) {
	var s shape
	for _, in := range dec.Inputs {
		name, ok := strings.CutPrefix(in.Name, pastPrefix)
		if !ok {
			continue
		}
		layer, _, _ := strings.Cut(name, ".")
		n, err := strconv.ParseInt(layer, 10, 32)
		if err != nil || n < 0 || n >= int64(len(dec.Inputs)) || len(in.Shape) != 4 || in.Shape[1] <= 0 || in.Shape[3] <= 0 {
			return s, fmt.Errorf("%s: input %s of shape %v: %w", models.Decoder, in.Name, in.Shape, ErrUnfit)
		}
		if s.layers > 0 && (in.Shape[1] != s.heads || in.Shape[3] != s.headDim) {
			return s, fmt.Errorf("%s: input %s of shape %v is not like the others: %w", models.Decoder, in.Name, in.Shape, ErrUnfit)
		}
		s = shape{layers: max(s.layers, n+1), heads: in.Shape[1], headDim: in.Shape[3]}
	}
	if s.layers == 0 {
		return s, fmt.Errorf("%s has no input %s*: %w", models.Decoder, pastPrefix, ErrUnfit)
	}
	return s, nil
}

// has reports as an error what a model has not, or needs beyond what it gets.
func has(file string, sig onnx.Signature, inputs, outputs []string) error {
	for _, name := range inputs {
		if _, ok := sig.Input(name); !ok {
			return fmt.Errorf("%s has no input %s: %w", file, name, ErrUnfit)
		}
	}
	for _, name := range outputs {
		if _, ok := sig.Output(name); !ok {
			return fmt.Errorf("%s has no output %s: %w", file, name, ErrUnfit)
		}
	}
	for _, in := range sig.Inputs {
		if !slices.Contains(inputs, in.Name) {
			return fmt.Errorf("%s needs an input %s that is not known: %w", file, in.Name, ErrUnfit)
		}
	}
	return nil
}

// width is the last dimension.
func width(p onnx.Port) int64 {
	if len(p.Shape) == 0 {
		return -1
	}
	return p.Shape[len(p.Shape)-1]
}
