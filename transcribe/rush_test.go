package transcribe

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
)

// speaker is a live stream that speaks 45 % of so many times 4.4 s, and begins
// at another moment than the others.
func speaker(k, times int, began time.Time) *tape {
	pcm := make([]int16, 8*(k*137%4400))
	return &tape{rate: 8000, started: began, pcm: append(pcm, bursts(1, slices.Repeat([][2]int{{2000, 2400}}, times)...)...)}
}

// More streams speak than two workers of the speed of the built-in engine can
// follow. When most of them are over, what the others say is in time again
// within ten seconds, and nothing is lost.
func TestFinalsAreInTimeAgainAfterARush(t *testing.T) {
	const (
		steady, steadyTimes = 20, 17
		rush, rushTimes     = 130, 7
		rushLasts           = (4400*rushTimes + 4400) * time.Millisecond
		good, soon          = 800 * time.Millisecond, 10 * time.Second
	)
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		tr := start(t, Config{Workers: 2}, &levels{slow: 40 * time.Millisecond}, sink)
		defer tr.Close()
		began := time.Now()
		var ids []earshot.StreamID
		for k := range steady + rush {
			name, times := "steady", steadyTimes
			if k >= steady {
				name, times = "rush", rushTimes
			}
			ids = append(ids, earshot.StreamID(name+strconv.Itoa(k)))
			add(t, tr, ids[k], speaker(k, times, began), earshot.Watermark{})
		}
		eventually(t, 10*time.Minute, "completed", func() bool { return sink.completed(ids...) })
		late, inTime := 0, time.Duration(0)
		for i, u := range sink.finals {
			if u.Late {
				late++
			}
			endpoint := began.Add(u.To.Duration() + DefaultEndSilence)
			if strings.HasPrefix(string(u.StreamID), "steady") && sink.at[i].Sub(endpoint) > good {
				inTime = max(inTime, endpoint.Sub(began))
			}
		}
		if want := steady*steadyTimes + rush*rushTimes; len(sink.finals) != want {
			t.Errorf("%d finals, want %d", len(sink.finals), want)
		}
		if late < len(sink.finals)/4 {
			t.Errorf("only %d of %d finals are late: that was no rush", late, len(sink.finals))
		}
		if inTime > rushLasts+soon {
			t.Errorf("in time again %v after the rush", inTime-rushLasts)
		}
		t.Logf("%d of %d finals late; in time again %v after the rush", late, len(sink.finals), inTime-rushLasts)
	})
}
