package record

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/media/rtptest"
	"earshot/media/wav"
)

// track is a recording in memory.
type track struct {
	rate int
	pcm  []int16
	fail int // samples after which reading fails; 0 never
}

func (m track) Rate() int               { return m.rate }
func (m track) Start() earshot.Position { return 0 }
func (m track) End() earshot.Position   { return earshot.At(int64(len(m.pcm)), m.rate) }

func (m track) ReadAt(pcm []int16, pos earshot.Position) (int, error) {
	at := int(pos.Samples(m.rate))
	if m.fail > 0 && at >= m.fail {
		return 0, errors.New("stream x: the disk is gone")
	}
	if at >= len(m.pcm) {
		return 0, io.EOF
	}
	return copy(pcm, m.pcm[at:]), nil
}

func render(t *testing.T, tracks []Track, opts RenderOptions) (RenderInfo, *wav.Reader, [][]int16) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "call.wav")
	info, err := Render(t.Context(), path, tracks, opts)
	if err != nil {
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
	channels, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if r.Channels != len(tracks) || r.Frames != info.Frames || len(channels[0]) != int(info.Frames) {
		t.Fatalf("%d channels of %d frames, info %+v", r.Channels, r.Frames, info)
	}
	return info, r, channels
}

func level(v int16, n int) []int16 { return slices.Repeat([]int16{v}, n) }

func TestRenderPlacesTracks(t *testing.T) {
	a, b := track{rate: 8000, pcm: level(100, 20_000)}, track{rate: 8000, pcm: level(200, 8000)}
	info, r, ch := render(t, []Track{{a, 0}, {b, 3 * time.Second}}, RenderOptions{})
	if r.Rate != 8000 || info.Frames != 32_000 || info.Duration() != 4*time.Second || info.Shift != 0 {
		t.Errorf("info %+v", info)
	}
	if !slices.Equal(ch[0], slices.Concat(a.pcm, level(0, 12_000))) || !slices.Equal(ch[1], slices.Concat(level(0, 24_000), b.pcm)) {
		t.Error("samples are not where they belong")
	}
}

func TestRenderIsAsLongAsTheCall(t *testing.T) {
	info, _, ch := render(t, []Track{{track{rate: 8000, pcm: level(1, 80)}, 0}, {nil, 0}}, RenderOptions{MinDuration: 5 * time.Second})
	if info.Frames != 40_000 || ch[0][79] != 1 || ch[0][80] != 0 {
		t.Errorf("info %+v", info)
	}
}

func TestRenderShiftsRatherThanCuts(t *testing.T) {
	a := track{rate: 8000, pcm: level(100, 800)}
	info, _, ch := render(t, []Track{{a, -50 * time.Millisecond}, {a, 0}}, RenderOptions{})
	if info.Shift != 50*time.Millisecond || info.Frames != 1200 {
		t.Errorf("info %+v", info)
	}
	if !slices.Equal(ch[0][:800], a.pcm) || !slices.Equal(ch[1][400:], a.pcm) || ch[1][399] != 0 {
		t.Error("samples are not where they belong")
	}
}

func TestRenderAtTheHighestRate(t *testing.T) {
	tone := func(rate int) []int16 {
		out := make([]int16, rate)
		for i := range out {
			out[i] = int16(10_000 * math.Sin(2*math.Pi*440*float64(i)/float64(rate)))
		}
		return out
	}
	info, _, ch := render(t, []Track{{track{rate: 8000, pcm: tone(8000)}, time.Second}, {track{rate: 16_000, pcm: tone(16_000)}, time.Second}}, RenderOptions{})
	if info.Rate != 16_000 || info.Frames != 32_000 {
		t.Fatalf("info %+v", info)
	}
	for i := 17_000; i < 31_000; i++ {
		if d := int(ch[0][i]) - int(ch[1][i]); d > 40 || d < -40 {
			t.Fatalf("frame %d: %d and %d", i, ch[0][i], ch[1][i])
		}
	}
	if ch[0][15_000] != 0 || ch[1][15_000] != 0 {
		t.Error("sound before the tracks begin")
	}
}

func TestRenderOneBadTrackCostsNoOther(t *testing.T) {
	good := track{rate: 8000, pcm: level(9, 24_000)}
	bad := track{rate: 8000, pcm: level(7, 24_000), fail: 8000}
	info, _, ch := render(t, []Track{{bad, 0}, {good, 0}, {(*Reader)(nil), 0}}, RenderOptions{})
	if len(info.Problems) != 1 || !strings.Contains(info.Problems[0].Error(), "stream x") {
		t.Errorf("problems %v", info.Problems)
	}
	if !slices.Equal(ch[1], good.pcm) || ch[0][7999] != 7 || ch[0][8000] != 0 || ch[2][0] != 0 {
		t.Error("samples")
	}
}

func TestRenderOfARecording(t *testing.T) {
	cfg := config(t)
	record(t, cfg, upTo(500)...)
	r, err := OpenReader(cfg)
	if err != nil {
		t.Fatal(err)
	}
	info, _, ch := render(t, []Track{{r, 0}}, RenderOptions{})
	if len(info.Problems) != 0 {
		t.Errorf("problems %v", info.Problems)
	}
	checkNumbers(t, ch[0], 500)
}

// A packet that the first one overtook lies before position 0 and is kept.
func TestRenderKeepsWhatLiesBeforeTheStart(t *testing.T) {
	cfg := config(t)
	l := NewLog(cfg)
	if err := l.Start(origin, known); err != nil {
		t.Fatal(err)
	}
	for n := range 10 {
		p := numbered(n)
		p.Position -= 960
		l.Append(p)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := l.NewReader()
	info, _, ch := render(t, []Track{{r, 0}}, RenderOptions{})
	if info.Shift != 20*time.Millisecond {
		t.Errorf("shift %v", info.Shift)
	}
	checkNumbers(t, ch[0], 10)
	_, _, ch = render(t, []Track{{r, time.Second}}, RenderOptions{})
	checkNumbers(t, ch[0][8000-160:], 10)
}

func TestRenderNamesDamage(t *testing.T) {
	cfg := config(t)
	cfg.MaxSegment = 40_000
	record(t, cfg, upTo(1000)...)
	if err := os.WriteFile(cfg.path(2), []byte("not a segment at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReader(cfg)
	if err != nil {
		t.Fatal(err)
	}
	info, _, ch := render(t, []Track{{r, 0}}, RenderOptions{})
	if len(info.Problems) != 1 || !strings.Contains(info.Problems[0].Error(), "stream stream: segment 2") {
		t.Errorf("problems %v", info.Problems)
	}
	if ch[0][159_999] != rtptest.Level(rtptest.PCMU, 999) {
		t.Error("what follows the damage is lost")
	}
}

func TestRenderCanBeStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	_, err := Render(ctx, filepath.Join(dir, "a.wav"), []Track{{track{rate: 8000, pcm: level(1, 80)}, 0}}, RenderOptions{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("left: %v", files)
	}
}

func TestRenderTellsExtremesAndChecksum(t *testing.T) {
	loud := level(100, 8000)
	loud[3333], loud[7999] = -30_000, 32_767
	quiet := level(-512, 4000)
	path := filepath.Join(t.TempDir(), "call.wav")
	info, err := Render(t.Context(), path, []Track{{track{rate: 8000, pcm: loud}, 0}, {track{rate: 8000, pcm: quiet}, 10 * time.Millisecond}}, RenderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(file)); info.SHA256 != sum || info.Bytes != int64(len(file)) {
		t.Errorf("%s of %d octets, file has %s of %d", info.SHA256, info.Bytes, sum, len(file))
	}
	at := filepath.Join(t.TempDir(), "call.peaks.json")
	if err := WritePeaks(at, info.Peaks); err != nil {
		t.Fatal(err)
	}
	form, err := ReadPeaks(at)
	if err != nil {
		t.Fatal(err)
	}
	checkPeaks(t, form, file)
	if err := os.WriteFile(at, []byte(`{"version":2,"channels":2,"samples_per_pixel":160,"bits":8,"length":9,"data":[1]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPeaks(at); !errors.Is(err, ErrDamaged) {
		t.Errorf("damaged peaks: %v", err)
	}
}

// checkPeaks compares each point with the samples of the file.
func checkPeaks(t *testing.T, form earshot.Waveform, file []byte) {
	t.Helper()
	r, err := wav.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	channels, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	frames, size := len(channels[0]), form.SamplesPerPixel
	if form.Version != 2 || form.Bits != 8 || form.SampleRate != r.Rate || size != r.Rate/50 || form.Length != (frames+size-1)/size {
		t.Fatalf("waveform %d %d %d %d %d", form.Version, form.Bits, form.SampleRate, size, form.Length)
	}
	for i := range form.Length {
		for c, pcm := range channels {
			span := pcm[i*size : min((i+1)*size, frames)]
			at := 2 * (i*len(channels) + c)
			if form.Data[at] != int8(slices.Min(span)>>8) || form.Data[at+1] != int8(slices.Max(span)>>8) {
				t.Fatalf("point %d of channel %d: %d", i, c, form.Data[at:at+2])
			}
		}
	}
}
