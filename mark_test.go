package earshot

import (
	"slices"
	"testing"
)

func TestPutMark(t *testing.T) {
	var list []Mark
	for _, m := range []Mark{
		{ID: "b", AtMS: 200},
		{ID: "a", AtMS: 100},
		{ID: "c", AtMS: 200},
		{ID: "d", AtMS: 300},
		{ID: "b", AtMS: 200, EndMS: 900}, // it has gone on: behind those of the same time
	} {
		before := slices.Clone(list)
		next := PutMark(list, m)
		if !slices.Equal(list, before) {
			t.Fatalf("putting %s changed the list given", m.ID)
		}
		list = next
	}
	want := []Mark{{ID: "a", AtMS: 100}, {ID: "c", AtMS: 200}, {ID: "b", AtMS: 200, EndMS: 900}, {ID: "d", AtMS: 300}}
	if !slices.Equal(list, want) {
		t.Errorf("the list is %+v", list)
	}
}
