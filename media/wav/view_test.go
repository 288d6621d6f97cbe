package wav

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/iotest"
)

// threeChannels is a file whose channels tell their number and the frame.
func threeChannels(frames int) ([]byte, [][]int16) {
	channels := make([][]int16, 3)
	var pcm []int16
	for i := range frames {
		for c := range channels {
			s := int16((c+1)*3000 + i%1000)
			channels[c] = append(channels[c], s)
			pcm = append(pcm, s)
		}
	}
	return AppendPCM(Header(Format{Rate: 8000, Channels: 3}, int64(frames)), pcm), channels
}

func readView(t *testing.T, file []byte, channel int) ([]byte, []int16) {
	t.Helper()
	v, err := NewView(bytes.NewReader(file), int64(len(file)), channel)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := io.ReadAll(iotest.OneByteReader(v))
	if err != nil || int64(len(whole)) != v.Size() {
		t.Fatalf("%d octets of %d, %v", len(whole), v.Size(), err)
	}
	r, err := NewReader(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	pcm, err := r.ReadAll()
	if err != nil || r.Channels != 1 || r.Rate != 8000 {
		t.Fatalf("%+v %v", r.Format, err)
	}
	return whole, pcm[0]
}

func TestViewOfOneChannel(t *testing.T) {
	file, channels := threeChannels(10_001)
	for c, want := range channels {
		if _, got := readView(t, file, c); !slices.Equal(got, want) {
			t.Errorf("channel %d differs", c)
		}
	}
	for _, c := range []int{3, -2} {
		if _, err := NewView(bytes.NewReader(file), int64(len(file)), c); !errors.Is(err, ErrChannel) {
			t.Errorf("channel %d: %v", c, err)
		}
	}
}

func TestViewFromAnywhere(t *testing.T) {
	file, _ := threeChannels(10_000)
	whole, _ := readView(t, file, Mix)
	v, err := NewView(bytes.NewReader(file), int64(len(file)), Mix)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{0, 1, 43, 44, 45, 8237, 20_043} {
		if _, err := v.Seek(at, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(v)
		if err != nil || !bytes.Equal(got, whole[at:]) {
			t.Errorf("from %d: %d octets, %v", at, len(got), err)
		}
	}
	if end, err := v.Seek(0, io.SeekEnd); err != nil || end != v.Size() {
		t.Errorf("end %d, %v", end, err)
	}
}

func TestMixNeitherWrapsNorClips(t *testing.T) {
	for _, c := range []struct{ sum, low, high int }{
		{1000, 1000, 1000}, {-24_576, -24_576, -24_576}, {30_000, 28_000, 30_000},
		{65_534, 32_700, math.MaxInt16}, {-65_536, -math.MaxInt16, -32_700}, {64 * 32_767, 32_767, 32_767},
	} {
		if got := int(limit(c.sum)); got < c.low || got > c.high {
			t.Errorf("limit(%d) = %d", c.sum, got)
		}
	}
	last := int16(math.MinInt16)
	for sum := -70_000; sum <= 70_000; sum++ {
		got := limit(sum)
		if got < last {
			t.Fatalf("limit(%d) = %d after %d", sum, got, last)
		}
		last = got
	}
	file := AppendPCM(Header(Format{Rate: 8000, Channels: 2}, 2), []int16{32_767, 32_767, 100, -30})
	if _, got := readView(t, file, Mix); got[0] < 32_000 || got[1] != 70 {
		t.Errorf("mixed %v", got)
	}
}

func TestViewOfAFileCutShort(t *testing.T) {
	file, channels := threeChannels(100)
	_, got := readView(t, file[:44+50*6+3], 1)
	if !slices.Equal(got, channels[1][:50]) {
		t.Errorf("%d samples", len(got))
	}
}

// A file over 4 GiB, most of it a hole: its last frame is still found, and
// what is left of it in one channel needs no RF64.
func TestViewOfALongFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "long.wav")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const frames = 1_100_000_000
	header := Header(Format{Rate: 48_000, Channels: 2}, frames)
	if _, err := f.Write(header); err != nil {
		t.Fatal(err)
	}
	last := binary.LittleEndian.AppendUint32(nil, 0x1234_4321)
	if _, err := f.WriteAt(last, int64(len(header))+4*(frames-1)); err != nil {
		t.Fatal(err)
	}
	v, err := NewView(f, int64(len(header))+4*frames, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Seek(-4, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(v)
	if err != nil || !bytes.Equal(got, []byte{0, 0, 0x34, 0x12}) || v.Size() != 44+2*frames {
		t.Errorf("% x of %d octets, %v", got, v.Size(), err)
	}
}
