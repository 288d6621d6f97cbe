package ogg

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"earshot/media/wav"
)

// voices returns channels that have nothing in common: tones that come and go,
// each at pitches of its own.
func voices(channels, rate, frames int) [][]int16 {
	out := make([][]int16, channels)
	for c := range out {
		pitch := 430 + 97*float64(c) // above what the encoder takes for hum
		pcm := make([]int16, frames)
		for i := range pcm {
			at := float64(i) / float64(rate)
			loud := 3500 * (1 + math.Sin(2*math.Pi*(0.7+0.2*float64(c))*at))
			pcm[i] = int16(loud * (math.Sin(2*math.Pi*pitch*at) + 0.5*math.Sin(2*math.Pi*2.1*pitch*at)))
		}
		out[c] = pcm
	}
	return out
}

// likeness is the correlation of two signals, 1 for the same.
func likeness(a, b []int16) float64 {
	var ab, aa, bb float64
	for i := range min(len(a), len(b)) {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}

// late returns by how many samples, at most 0.4 ms (less than half a period), a must be moved to
// be most like b.
func late(a, b []int16, rate int) int {
	best, at := 0.0, 0
	for lag := -rate / 2500; lag <= rate/2500; lag++ {
		if like := likeness(a[max(0, lag):], b[max(0, -lag):]); like > best {
			best, at = like, lag
		}
	}
	return at
}

// decode has the file checked and decoded by the tools of Xiph.Org.
func decode(t *testing.T, path string, rate int) [][]int16 {
	t.Helper()
	report, err := exec.CommandContext(t.Context(), "opusinfo", path).CombinedOutput()
	if err != nil || strings.Contains(string(report), "WARNING") || strings.Contains(string(report), "ERROR") {
		t.Errorf("opusinfo: %v\n%s", err, report)
	}
	to := path + ".wav"
	if out, err := exec.CommandContext(t.Context(), "opusdec", "--quiet", "--no-dither", "--rate", fmt.Sprint(rate), path, to).CombinedOutput(); err != nil {
		t.Fatalf("opusdec: %v\n%s", err, out)
	}
	f, err := os.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := wav.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	channels, err := r.ReadAll()
	if err != nil || r.Rate != rate {
		t.Fatalf("rate %d, %v", r.Rate, err)
	}
	return channels
}

// order is where opusdec puts the channels of a file into a WAV file: Vorbis
// has the centre between left and right (RFC 7845 5.1.1.2), WAV behind them.
var order = map[int][]int{3: {0, 2, 1}, 8: {0, 2, 1, 7, 5, 6, 3, 4}}

func TestOthersReadWhatWeWrite(t *testing.T) {
	for _, c := range []struct{ channels, rate, frames int }{
		{1, 8000, 24_123}, {2, 8000, 40_000}, {3, 16_000, 48_001}, {8, 8000, 24_000}, {2, 48_000, 100_000}, {1, 44_100, 100_001},
	} {
		t.Run(fmt.Sprintf("%d channels at %d", c.channels, c.rate), func(t *testing.T) {
			dir := t.TempDir()
			from, to := filepath.Join(dir, "a.wav"), filepath.Join(dir, "a.opus")
			want := voices(c.channels, c.rate, c.frames)
			if err := wav.WriteFile(from, c.rate, want...); err != nil {
				t.Fatal(err)
			}
			made, err := EncodeFile(t.Context(), from, to, "a")
			if err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(to); err != nil || info.Size() != made.Bytes || len(made.SHA256) != 64 {
				t.Errorf("%+v %v", made, err)
			}
			got := decode(t, to, c.rate)
			if len(got) != c.channels || max(len(got[0])-c.frames, c.frames-len(got[0])) > 1 {
				t.Fatalf("%d channels of %d samples", len(got), len(got[0]))
			}
			for i := range got {
				from := i
				if o := order[c.channels]; o != nil {
					from = o[i]
				}
				if lag := late(got[i], want[from], c.rate); 5000*max(lag, -lag) > c.rate {
					t.Errorf("decoded channel %d is %d samples late", i, lag)
				}
				for j, w := range want {
					like := likeness(got[i], w)
					if j == from && like < 0.88 || j != from && math.Abs(like-likeness(want[from], w)) > 0.1 {
						t.Errorf("decoded channel %d is like channel %d by %.3f", i, j, like)
					}
				}
			}
		})
	}
}

func TestPagesOfManyChannels(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.wav")
	if err := wav.WriteFile(path, 8000, voices(40, 8000, 9000)...); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := wav.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Encode(t.Context(), &out, r, 7); err != nil {
		t.Fatal(err)
	}
	file, sequence, granule := out.Bytes(), uint32(0), uint64(0)
	if file[28+18] != 255 || file[28+19] != 40 || file[28+20] != 0 {
		t.Errorf("head % x", file[28:60])
	}
	var flags byte
	for len(file) > 0 {
		size := pageHeaderSize + int(file[26])
		for _, n := range file[pageHeaderSize:size] {
			size += int(n)
		}
		page := file[:size]
		crc := binary.LittleEndian.Uint32(page[22:])
		binary.LittleEndian.PutUint32(page[22:], 0)
		if crc != checksum(page) || binary.LittleEndian.Uint32(page[18:]) != sequence || binary.LittleEndian.Uint32(page[14:]) != 7 {
			t.Fatalf("page %d: % x", sequence, page[:27])
		}
		next := binary.LittleEndian.Uint64(page[6:])
		if next < granule {
			t.Errorf("granule %d after %d", next, granule)
		}
		file, granule, flags = file[size:], next, page[5]
		sequence++
	}
	if want := uint64(preSkip + 9000*6); granule != want || flags != endOfStream {
		t.Errorf("ends at %d with %d, not %d", granule, flags, want)
	}
}

// The check value of this CRC is the one of its catalogue entry with no
// reflection, no initial value and no final one.
func TestChecksum(t *testing.T) {
	if got := checksum([]byte("123456789")); got != 0x89a1897f {
		t.Errorf("%08x", got)
	}
}

func TestDelimitedPackets(t *testing.T) {
	for _, n := range []int{0, 1, 251, 252, 255, 256, 1275} {
		packet := append([]byte{0x48}, bytes.Repeat([]byte{9}, n)...)
		got, err := appendDelimited(nil, packet)
		if err != nil {
			t.Fatal(err)
		}
		length, rest := int(got[1]), got[2:]
		if length >= 252 {
			length, rest = 4*int(got[2])+length, got[3:]
		}
		if got[0] != 0x48 || length != n || len(rest) != n {
			t.Errorf("%d octets: %d, %d", n, length, len(rest))
		}
	}
	if _, err := appendDelimited(nil, []byte{0x49, 1}); !errors.Is(err, errFraming) {
		t.Errorf("two frames: %v", err)
	}
}

func TestEncodeFileLeavesNothingHalf(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "a.wav"), filepath.Join(dir, "a.opus")
	if err := wav.WriteFile(from, 8000, voices(2, 8000, 16_000)...); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := EncodeFile(ctx, from, to, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("left: %v", files)
	}
}
