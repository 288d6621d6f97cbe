package sqlite

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"earshot"
	"earshot/store/storetest"
)

// BenchmarkApply measures commits of one final each, as live transcription
// makes them, by writers that wait for each answer.
func BenchmarkApply(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := openTest(b)
			c := storetest.NewCall(1, earshot.CallLive)
			if _, err := s.Apply(b.Context(), earshot.Commit{Calls: []earshot.Call{c}}); err != nil {
				b.Fatal(err)
			}
			var next atomic.Int64
			b.SetParallelism(writers)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := int(next.Add(1))
					u := storetest.NewUtterance(c, i%2, i, sentence(uint64(i)))
					_, err := s.Apply(b.Context(), earshot.Commit{
						Utterances: []earshot.Utterance{u},
						Watermarks: []earshot.Watermark{{StreamID: u.StreamID, Position: u.To, Finals: i}},
						Events:     []earshot.Event{earshot.NewEvent(earshot.EventUtteranceFinal, c.ID, u)},
					})
					if err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
		})
	}
}

// BenchmarkSearch measures searches over many utterances: 20,000, or as many
// as EARSHOT_BENCH_UTTERANCES says. The word "the" is in nearly half of them,
// w7 in about 6 %, w900 in one of a thousand.
func BenchmarkSearch(b *testing.B) {
	rows := 20_000
	if n, err := strconv.Atoi(os.Getenv("EARSHOT_BENCH_UTTERANCES")); err == nil {
		rows = n
	}
	s := openTest(b)
	generate(b, s, rows)
	for _, q := range []SearchQuery{
		{Text: "the"},
		{Text: "w900"},
		{Text: "w7 the"},
		{Text: `"the w7"`},
		{Text: "w7*"},
		{Text: "w*"},
		{Text: "the", CallID: storetest.NewCall(0, earshot.CallLive).ID},
		{Text: "w7", Role: earshot.RoleCustomer},
		{Text: "w900", Rank: true},
		{Text: "w7", Rank: true},
		{Text: "the", Rank: true},
	} {
		b.Run(fmt.Sprintf("rows=%d/%s/call=%s/role=%s/rank=%v", rows, q.Text, q.CallID, q.Role, q.Rank), func(b *testing.B) {
			q.Limit = 20
			for b.Loop() {
				if _, _, err := s.Search(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// generate stores utterances of 20 to the call.
func generate(b *testing.B, s *Store, rows int) {
	b.Helper()
	for call := 0; call*20 < rows; call += 50 {
		var commit earshot.Commit
		for i := call; i < call+50 && i*20 < rows; i++ {
			c := storetest.NewCall(i, earshot.CallSettled)
			commit.Calls = append(commit.Calls, c)
			for k := range 20 {
				u := storetest.NewUtterance(c, k%2, k, sentence(uint64(i*20+k)))
				commit.Utterances = append(commit.Utterances, u)
			}
		}
		if _, err := s.Apply(b.Context(), commit); err != nil {
			b.Fatal(err)
		}
	}
}

// sentence returns about twelve words, most of them rare.
func sentence(seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 1))
	words := make([]string, 8+r.IntN(9))
	for i := range words {
		if r.IntN(20) == 0 {
			words[i] = "the"
			continue
		}
		f := r.Float64()
		words[i] = fmt.Sprintf("w%d", int(3000*f*f*f))
	}
	return strings.Join(words, " ")
}
