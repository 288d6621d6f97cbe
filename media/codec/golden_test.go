package codec

import (
	"bytes"
	"encoding/binary"
	"flag"
	"math"
	"os"
	"testing"

	"earshot"
	"earshot/media/resample"
)

var update = flag.Bool("update", false, "write the files of testdata that our own encoders make")

var (
	pcmuFormat = earshot.Format{PayloadType: 0, Encoding: "PCMU", ClockRate: 8000, Channels: 1}
	pcmaFormat = earshot.Format{PayloadType: 8, Encoding: "PCMA", ClockRate: 8000, Channels: 1}
	g722Format = earshot.Format{PayloadType: 9, Encoding: "G722", ClockRate: 8000, Channels: 1}
	g729Format = earshot.Format{PayloadType: 18, Encoding: "G729", ClockRate: 8000, Channels: 1, FMTP: "annexb=no"}
	opusFormat = earshot.Format{PayloadType: 111, Encoding: "opus", ClockRate: 48000, Channels: 2}
	l16Format  = earshot.Format{PayloadType: 97, Encoding: "L16", ClockRate: 16000, Channels: 1}
)

// What other people's encoders made of two seconds of speech (testdata/make.sh)
// decodes to that speech. The ratios are those that the codings leave, less
// some 2 dB.
func TestDecodesWhatOthersEncode(t *testing.T) {
	for _, c := range []struct {
		file   string
		format earshot.Format
		size   int // octets of a packet, 0 for a file that knows its packets
		snr    float64
	}{
		{"speech.ulaw", pcmuFormat, 160, 35},
		{"speech.alaw", pcmaFormat, 160, 35},
		{"speech.g722", g722Format, 160, 30},
		{"silk.opus", opusFormat, 0, 16},
		{"hybrid.opus", opusFormat, 0, 22},
		{"long.opus", opusFormat, 0, 21},
		{"celt.opus", opusFormat, 0, 31},
		{"stereo.opus", opusFormat, 0, 20},
	} {
		t.Run(c.file, func(t *testing.T) {
			packets := oggPackets(t, c.file)
			if c.size > 0 {
				packets = split(read(t, c.file), c.size)
			}
			d, err := New(c.format)
			if err != nil {
				t.Fatal(err)
			}
			got := decodeAll(t, d, packets)
			want := resample.All(speech(t), 16000, d.Rate())
			snr, lag := ratio(want, got, d.Rate()/20)
			t.Logf("%.1f dB, %d samples later", snr, lag)
			if snr < c.snr {
				t.Errorf("%.1f dB of signal to noise, want %.0f", snr, c.snr)
			}
		})
	}
}

// Each encoder is understood by the decoder of its format, also the ones that
// nothing else made a file of.
func TestThereAndBack(t *testing.T) {
	for _, c := range []struct {
		format earshot.Format
		snr    float64
	}{
		{pcmuFormat, 35}, {pcmaFormat, 35}, {g722Format, 30}, {g729Format, 2}, {opusFormat, 8}, {l16Format, 90},
	} {
		for _, ms := range []int{10, 20, 40, 60} {
			e, err := NewEncoder(c.format)
			if err != nil {
				t.Fatal(err)
			}
			d, err := New(c.format)
			if err != nil {
				t.Fatal(err)
			}
			pcm := resample.All(speech(t), 16000, e.Rate())
			var packets [][]byte
			for n := e.Rate() * ms / 1000; len(pcm) >= n; pcm = pcm[n:] {
				packets = append(packets, e.Encode(nil, pcm[:n]))
			}
			got := decodeAll(t, d, packets)
			snr, _ := ratio(resample.All(speech(t), 16000, e.Rate()), got, d.Rate()/20)
			if snr < c.snr {
				t.Errorf("%s in packets of %d ms: %.1f dB, want %.0f", c.format, ms, snr, c.snr)
			}
		}
	}
}

// A decoder of other people's makes the same of our G.729 (speech.g729 is
// written with -update, its PCM by testdata/make.sh).
func TestG729IsWhatOthersDecode(t *testing.T) {
	if *update {
		e, err := NewEncoder(g729Format)
		if err != nil {
			t.Fatal(err)
		}
		bits := e.Encode(nil, resample.All(speech(t), 16000, g729Rate))
		if err := os.WriteFile("testdata/speech.g729", bits, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d, err := New(g729Format)
	if err != nil {
		t.Fatal(err)
	}
	got := decodeAll(t, d, split(read(t, "speech.g729"), 2*g729Octets))
	if snr, lag := ratio(samplesOf(read(t, "speech.g729.s16")), got, 1); snr < 25 || lag != 0 {
		t.Errorf("%.1f dB between two decoders", snr)
	}
}

// ratio returns the signal-to-noise ratio in dB at the delay that fits best,
// with the level that fits best.
func ratio(want, got []int16, longest int) (snr float64, lag int) {
	snr = math.Inf(-1)
	for l := range longest {
		n := min(len(want), len(got)-l)
		var product, energy, power float64
		for i := range n {
			w, g := float64(want[i]), float64(got[i+l])
			product, energy, power = product+w*g, energy+g*g, power+w*w
		}
		if energy == 0 || product <= 0 {
			continue
		}
		noise := power - product*product/energy
		if r := 10 * math.Log10(power/max(noise, 1e-9)); r > snr {
			snr, lag = r, l
		}
	}
	return snr, lag
}

// decodeAll decodes packets, checking that each is as long as foretold. What
// is not sent is concealed.
func decodeAll(t *testing.T, d Decoder, packets [][]byte) []int16 {
	t.Helper()
	var out []int16
	for i, p := range packets {
		n := d.Samples(p)
		pcm := make([]int16, n)
		got, err := d.Decode(pcm, p)
		if err != nil || got != n || n == 0 {
			t.Fatalf("packet %d of %d octets: %d samples, want %d, %v", i, len(p), got, n, err)
		}
		out = append(out, pcm...)
	}
	return out
}

func split(b []byte, size int) [][]byte {
	var out [][]byte
	for ; len(b) >= size; b = b[size:] {
		out = append(out, b[:size])
	}
	return out
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func speech(t *testing.T) []int16 {
	t.Helper()
	return samplesOf(read(t, "speech.s16"))
}

func samplesOf(b []byte) []int16 {
	pcm := make([]int16, len(b)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return pcm
}

// oggPackets returns the audio packets of a file of one Opus stream (RFC 3533,
// RFC 7845): all but the two headers.
func oggPackets(t *testing.T, file string) [][]byte {
	t.Helper()
	var packets [][]byte
	var packet []byte
	for b := read(t, file); bytes.HasPrefix(b, []byte("OggS")); {
		segments := int(b[26])
		lacing, body := b[27:27+segments], b[27+segments:]
		for _, size := range lacing {
			packet, body = append(packet, body[:size]...), body[size:]
			if size < 255 {
				packets, packet = append(packets, packet), nil
			}
		}
		b = body
	}
	if len(packets) < 2 {
		return nil
	}
	return packets[2:]
}
