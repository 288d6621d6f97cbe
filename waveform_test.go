package earshot_test

import (
	"slices"
	"testing"

	"earshot"
)

func TestFewerPointsKeepTheExtremes(t *testing.T) {
	w := earshot.NewWaveform(2, 8000, 160)
	w.Length, w.Data = 5, []int8{
		-1, 1, -50, 2,
		-9, 3, -1, 4,
		-2, 90, -3, 5,
		-4, 6, -5, 60,
		-7, 8, -100, 7,
	}
	got := w.Fewer(3)
	want := []int8{-9, 3, -50, 4, -4, 90, -5, 60, -7, 8, -100, 7}
	if !got.Whole() || got.Length != 3 || got.SamplesPerPixel != 320 || !slices.Equal(got.Data, want) {
		t.Errorf("%+v", got)
	}
	if same := w.Fewer(5); same.Length != 5 || same.SamplesPerPixel != 160 {
		t.Errorf("%+v", same)
	}
	if one := w.Fewer(1); one.Length != 1 || !slices.Equal(one.Data, []int8{-9, 90, -100, 60}) {
		t.Errorf("%+v", one)
	}
}
