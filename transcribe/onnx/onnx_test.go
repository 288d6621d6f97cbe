package onnx

import (
	"path/filepath"
	"strings"
	"testing"

	"earshot/transcribe/models"
)

// load loads the library and returns the models folder.
func load(t *testing.T) string {
	t.Helper()
	dir, err := models.Find("")
	if err != nil {
		t.Fatal(err)
	}
	library, err := models.Path(dir, models.Library)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Load(library); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoadOnce(t *testing.T) {
	dir := load(t)
	if err := Load(filepath.Join(dir, models.Tokens)); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("second library: %v", err)
	}
	if err := Load(filepath.Join(dir, "none.so")); err == nil {
		t.Error("missing library: no error")
	}
	if Version() == "" {
		t.Error("no version")
	}
}

func TestBadModelIsAnError(t *testing.T) {
	load(t)
	for _, raw := range [][]byte{nil, []byte("not a model")} {
		if s, err := NewSession(raw, []string{"a"}, []string{"b"}); err == nil {
			s.Close()
			t.Errorf("%q is a model", raw)
		}
	}
}

func TestRun(t *testing.T) {
	raw, err := models.Read(load(t), models.VAD)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSession(raw, []string{"input", "state", "sr"}, []string{"output", "stateN"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	inputs := []Value{value(t, make([]float32, 288), 1, 288), value(t, make([]float32, 256), 2, 1, 128), value(t, []int64{8000})}
	defer ReleaseAll(inputs)
	outputs := make([]Value, 2)
	if err := s.Run(inputs, outputs); err != nil {
		t.Fatal(err)
	}
	defer ReleaseAll(outputs)
	if got := outputs[0].Floats(); len(got) != 1 || got[0] < 0 || got[0] > 0.5 {
		t.Errorf("silence is speech by %v", got)
	}
	if got := outputs[1].Shape(); len(got) != 3 || got[0] != 2 || got[1] != 1 || got[2] != 128 {
		t.Errorf("state of shape %v", got)
	}
	if err := s.Run(inputs[:1], outputs); err == nil {
		t.Error("too few inputs: no error")
	}
	bad := []Value{value(t, make([]float32, 3), 1, 3), inputs[1], inputs[2]}
	defer bad[0].Release()
	if err := s.Run(bad, make([]Value, 2)); err == nil {
		t.Error("input of a wrong shape: no error")
	}
}

func value[T Element](t *testing.T, data []T, shape ...int64) Value {
	t.Helper()
	v, err := NewValue(data, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestValueOfTooLittleData(t *testing.T) {
	load(t)
	if _, err := NewValue([]float32{1}, 2, 2); err == nil {
		t.Error("no error")
	}
	var none Value
	none.Release()
	if none.Shape() != nil || none.Floats() != nil {
		t.Error("the zero Value has content")
	}
}
