package moonshine

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"earshot/transcribe/models"
	"earshot/transcribe/transcribetest"
	"earshot/transcribe/vad"
)

// base is the shape of Moonshine Base.
var base = shape{layers: 8, heads: 8, headDim: 52}

// following says which token follows one, in a vocabulary of eight.
var following = []int{0, 5, 2, 2, 2, 6, 2, 2}

const (
	testTokens = "<unk>\n<s>\n</s>\n.\n,\n\u2581hello\n\u2581there\n!"
	testText   = "hello there"
)

// encoderOf is a model that gives the same for all audio.
func encoderOf(s shape) *graph {
	g := newGraph()
	size := s.heads * s.headDim
	g.input(encoderInput, float32Type, -1, -1)
	g.floats("hidden", make([]float32, size), 1, 1, size)
	g.node("Identity", "hidden", encoderOutput)
	g.output(encoderOutput, float32Type, -1, -1, size)
	return g
}

// decoderOf is a model that says testText and takes no cache but one of its
// shape.
func decoderOf(s shape) *graph {
	g := newGraph()
	g.input(tokenInput, int64Type, -1, -1)
	g.input(hiddenInput, float32Type, -1, -1, s.heads*s.headDim)
	g.input(cachedInput, boolType, 1)
	table := make([]float32, 0, len(following)*len(following))
	for _, next := range following {
		row := make([]float32, len(following))
		row[next] = 20
		table = append(table, row...)
	}
	g.floats("table", table, int64(len(following)), int64(len(following)))
	g.node("Gather", "table", tokenOutput, tokenInput)
	g.output(tokenOutput, float32Type, -1, -1, int64(len(following)))
	g.ints("cache", 1, s.heads, -1, s.headDim)
	g.node("Reshape", hiddenInput, "kept", "cache")
	inputs, outputs := s.names()
	for i := range s.layers * perLayer {
		g.input(inputs[3+i], float32Type, -1, s.heads, -1, s.headDim)
		g.node("Identity", "kept", outputs[1+i])
		g.output(outputs[1+i], float32Type, -1, s.heads, -1, s.headDim)
	}
	return g
}

// own makes a folder with models of its own.
func own(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir, sums := t.TempDir(), ""
	for name, raw := range files {
		sums += fmt.Sprintf("%x  %s\n", sha256.Sum256(raw), name)
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, models.Sums), []byte(sums), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestShapeOfModels has models of other sizes than the built-in one's say
// something: layers, heads and values come from the models.
func TestShapeOfModels(t *testing.T) {
	for _, s := range []shape{base, {layers: 6, heads: 8, headDim: 36}, {layers: 1, heads: 2, headDim: 3}} {
		dir := own(t, map[string][]byte{
			models.Encoder: encoderOf(s).model(), models.Decoder: decoderOf(s).model(), models.Tokens: []byte(testTokens),
		})
		if err := models.Verify(dir); err != nil {
			t.Fatal(err)
		}
		r, err := New(dir)
		if err != nil {
			t.Fatal(err)
		}
		if r.shape != s {
			t.Errorf("shape %+v, want %+v", r.shape, s)
		}
		heard, err := r.Recognise(t.Context(), transcribetest.Agent().PCM[:2*transcribetest.Rate], transcribetest.Rate)
		if err != nil || heard.Text != testText {
			t.Errorf("%+v: %q, %v", s, heard.Text, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestShapeOfBuiltIn reads it from the models that are shipped.
func TestShapeOfBuiltIn(t *testing.T) {
	if got, want := load(t).shape, (shape{layers: 6, heads: 8, headDim: 36}); got != want {
		t.Errorf("shape %+v, want %+v", got, want)
	}
}

// TestUnfitModels says what does not fit.
func TestUnfitModels(t *testing.T) {
	odd := decoderOf(shape{layers: 2, heads: 8, headDim: 36})
	odd.input("past_key_values.2.decoder.key", float32Type, -1, 8, -1, 52)
	gap := decoderOf(shape{layers: 1, heads: 8, headDim: 36})
	gap.input("past_key_values.2.decoder.key", float32Type, -1, 8, -1, 36)
	high := decoderOf(shape{layers: 1, heads: 8, headDim: 36})
	high.input("past_key_values.2000000000.decoder.key", float32Type, -1, 8, -1, 36)
	masked := encoderOf(base)
	masked.input("attention_mask", int64Type, -1, -1)
	none := newGraph()
	none.input(tokenInput, int64Type, -1, -1)
	none.node("Identity", tokenInput, tokenOutput)
	none.output(tokenOutput, int64Type, -1, -1)
	for name, c := range map[string]struct {
		encoder, decoder *graph
		want             string
	}{
		"of two sizes":      {encoderOf(base), decoderOf(shape{layers: 6, heads: 8, headDim: 36}), "gives 416 values where decoder.onnx takes 288"},
		"odd layer":         {encoderOf(base), odd, "not like the others"},
		"gap in the layers": {encoderOf(base), gap, "no input past_key_values.1.decoder.key"},
		"a number too high": {encoderOf(base), high, "past_key_values.2000000000.decoder.key"},
		"not merged":        {encoderOf(base), none, "no input past_key_values."},
		"swapped":           {decoderOf(base), encoderOf(base), "encoder.onnx has no input input_values"},
		"needs a mask":      {masked, decoderOf(base), "attention_mask"},
	} {
		dir := own(t, map[string][]byte{models.Encoder: c.encoder.model(), models.Decoder: c.decoder.model()})
		_, err := New(dir)
		if !errors.Is(err, ErrUnfit) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOwnFolderHasTheRestBuiltIn needs no more than the two models: tokens,
// voice detection and the library are the built-in ones.
func TestOwnFolderHasTheRestBuiltIn(t *testing.T) {
	from, err := models.Find("")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, name := range []string{models.Encoder, models.Decoder} {
		if files[name], err = os.ReadFile(filepath.Join(from, name)); err != nil {
			t.Fatal(err)
		}
	}
	dir := own(t, files)
	detector, err := vad.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer detector.Close()
	r, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	pcm := turns(transcribetest.Agent().PCM)[0]
	got, err := r.Recognise(t.Context(), pcm, transcribetest.Rate)
	want, wantErr := load(t).Recognise(t.Context(), pcm, transcribetest.Rate)
	if err := errors.Join(err, wantErr); err != nil || got.Text == "" || got.Text != want.Text {
		t.Errorf("%q, want %q: %v", got.Text, want.Text, err)
	}
}
