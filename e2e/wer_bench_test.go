package e2e

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/media/codec"
	"earshot/media/resample"
	"earshot/media/wav"
	"earshot/transcribe/models"
	"earshot/transcribe/moonshine"
	"earshot/transcribe/wer"
)

// callsAtOnce is how many calls the benchmark holds: few enough that nothing is
// recognised late on two processors.
const callsAtOnce = 14

// spokenCodecs are the codecs that word errors are counted through.
var spokenCodecs = []struct {
	name   string
	format earshot.Format
}{
	{"PCMU", earshot.Format{Encoding: "PCMU", ClockRate: 8000, Channels: 1}},
	{"G722", earshot.Format{PayloadType: 9, Encoding: "G722", ClockRate: 8000, Channels: 1}},
	{"opus", earshot.Format{PayloadType: 111, Encoding: "opus", ClockRate: 48000, Channels: 2}},
	{"G729", earshot.Format{PayloadType: 18, Encoding: "G729", ClockRate: 8000, Channels: 1}},
}

// wordRow is a line of the table: one set through one codec and network.
type wordRow struct {
	set    *speechSet
	codec  int
	loss   int // percent
	alone  wer.Result
	path   wer.Result
	late   int
	failed error
}

// BenchmarkWordErrors counts the words that the engine by itself gets wrong,
// given each clip as the codec leaves it, and those that the whole path does:
// SIP, RTP with lost packets, the recording and voice activity. It prints both
// as percent of words, for four codecs and speech of many voices.
func BenchmarkWordErrors(b *testing.B) {
	voices := voicesSet(b)
	sets := []speechSet{dialogueSet(b), peopleSet(b), voices, voices.noisy(20), voices.noisy(10)}
	for b.Loop() {
		rows := wordRows(sets)
		engineAlone(b, rows)
		placeAll(b, rows)
		printWords(b, rows)
	}
}

// wordRows lists what is measured: all losses with each codec, but the long
// dialogue without loss, and noise through G.711 without loss.
func wordRows(sets []speechSet) []*wordRow {
	var rows []*wordRow
	for i := range sets {
		for c := range spokenCodecs {
			for _, loss := range []int{0, 1, 3, 5} {
				dialogue, noise := i == 0, i > 2
				if loss > 0 && (dialogue || noise) || c > 0 && noise {
					continue
				}
				rows = append(rows, &wordRow{set: &sets[i], codec: c, loss: loss})
			}
		}
	}
	return rows
}

// placeAll places a call for each row, some at a time.
func placeAll(b *testing.B, rows []*wordRow) {
	b.Helper()
	s := newServer(b, "EARSHOT_CALLS_WRAP_UP=1s")
	files := map[string][2]string{}
	for _, r := range rows {
		if _, ok := files[r.set.name]; ok {
			continue
		}
		var pair [2]string
		for i, p := range r.set.parties {
			pair[i] = filepath.Join(b.TempDir(), strconv.Itoa(i)+".wav")
			if err := wav.WriteFile(pair[i], speechRate, p.pcm); err != nil {
				b.Fatal(err)
			}
		}
		files[r.set.name] = pair
	}
	var wg sync.WaitGroup
	room := make(chan struct{}, callsAtOnce)
	ids := make([]string, len(rows))
	for i, r := range rows {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			ids[i], r.failed = placeRow(b, s, r, files[r.set.name])
		})
	}
	wg.Wait()
	for i, r := range rows {
		if r.failed != nil {
			b.Fatal(r.failed)
		}
		r.hear(b, s, s.callOf(b, ids[i]).ID)
	}
}

// placeRow plays one call and returns what the client printed.
func placeRow(b *testing.B, s *server, r *wordRow, files [2]string) (string, error) {
	out, err := s.earshot(b, "call", "--to", "sip:"+s.sip, "--audio", files[0], "--audio", files[1],
		"--codec", spokenCodecs[r.codec].name, "--loss", strconv.Itoa(r.loss))
	if err != nil {
		return "", fmt.Errorf("%s, %s, loss %d %%: %w: %s", r.set.name, spokenCodecs[r.codec].name, r.loss, err, out)
	}
	return out, nil
}

// hear compares the transcript of the call with what was said.
func (r *wordRow) hear(b *testing.B, s *server, id earshot.CallID) {
	b.Helper()
	s.complete(b, id, 2*time.Minute)
	us := s.transcript(b, id)
	for i, role := range []earshot.Role{earshot.RoleAgent, earshot.RoleCustomer} {
		r.path = r.path.Add(wer.Compare(r.set.parties[i].words(), spoken(us, role)))
	}
	for _, u := range us {
		if u.Late {
			r.late++
		}
	}
}

// engineAlone has the engine recognise each clip through each codec, without
// network and recording. It does not depend on the loss.
func engineAlone(b *testing.B, rows []*wordRow) {
	b.Helper()
	dir, err := models.Find("")
	if err != nil {
		b.Fatal(err)
	}
	engine, err := moonshine.New(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close()
	for i, r := range rows {
		if i > 0 && rows[i-1].set == r.set && rows[i-1].codec == r.codec {
			r.alone = rows[i-1].alone
			continue
		}
		for _, p := range r.set.parties {
			pcm, rate := through(b, p.pcm, spokenCodecs[r.codec].format)
			for _, c := range p.clips {
				from, to := c.from*rate/speechRate, min(c.to*rate/speechRate, len(pcm))
				got, err := engine.Recognise(b.Context(), pcm[from:to], rate)
				if err != nil {
					b.Fatal(err)
				}
				r.alone = r.alone.Add(wer.Compare(c.text, got.Text))
			}
		}
	}
}

// through encodes and decodes speech in packets of 20 ms.
func through(b *testing.B, pcm []int16, format earshot.Format) (out []int16, rate int) {
	b.Helper()
	encoder, err := codec.NewEncoder(format)
	if err != nil {
		b.Fatal(err)
	}
	decoder, err := codec.New(format)
	if err != nil {
		b.Fatal(err)
	}
	pcm = resample.All(pcm, speechRate, encoder.Rate())
	frame := encoder.Rate() / 50
	for ; len(pcm) >= frame; pcm = pcm[frame:] {
		payload := encoder.Encode(nil, pcm[:frame])
		if len(payload) == 0 { // silence suppressed
			out = append(out, make([]int16, decoder.Rate()/50)...)
			continue
		}
		samples := make([]int16, decoder.Samples(payload))
		n, err := decoder.Decode(samples, payload)
		if err != nil {
			b.Fatal(err)
		}
		out = append(out, samples[:n]...)
	}
	return out, decoder.Rate()
}

// printWords prints the table.
func printWords(b *testing.B, rows []*wordRow) {
	b.Helper()
	var out strings.Builder
	fmt.Fprintln(&out, "| Speech | Codec | Loss % | Words | Engine alone % | Whole path % | Difference | Late |")
	fmt.Fprintln(&out, "|---|---|---:|---:|---:|---:|---:|---:|")
	for _, r := range rows {
		fmt.Fprintf(&out, "| %s | %s | %d | %d | %.1f | %.1f | %+.1f | %d |\n", r.set.name, spokenCodecs[r.codec].name, r.loss,
			r.path.Words, 100*r.alone.Rate(), 100*r.path.Rate(), 100*(r.path.Rate()-r.alone.Rate()), r.late)
	}
	fmt.Print(out.String())
	for _, loss := range []int{0, 1, 3, 5} {
		var alone, path wer.Result
		for _, r := range rows {
			if r.loss == loss {
				alone, path = alone.Add(r.alone), path.Add(r.path)
			}
		}
		b.ReportMetric(100*(path.Rate()-alone.Rate()), fmt.Sprintf("points-at-%d%%-loss", loss))
	}
}
