package e2e

import (
	"testing"
	"time"

	"earshot"
	"earshot/transcribe/models"
	"earshot/transcribe/moonshine"
	"earshot/transcribe/wer"
)

// BenchmarkWordErrors compares the engine alone, given each turn by itself as
// the script has it, with the whole path: SIP, RTP, G.711, the recording and
// voice activity. It prints both as percent of words.
func BenchmarkWordErrors(b *testing.B) {
	said := readScript(b, "testdata/support/dialogue.json")
	audio := map[earshot.Role][]byte{
		earshot.RoleAgent:    mulaw(b, "testdata/support/agent.ulaw"),
		earshot.RoleCustomer: mulaw(b, "testdata/support/customer.ulaw"),
	}
	for b.Loop() {
		alone := engineAlone(b, said, audio)
		path := throughPath(b, said, audio)
		b.ReportMetric(100*alone.Rate(), "engine-%")
		b.ReportMetric(100*path.Rate(), "path-%")
		b.ReportMetric(100*(path.Rate()-alone.Rate()), "difference-%")
	}
}

func engineAlone(b *testing.B, said script, audio map[earshot.Role][]byte) wer.Result {
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
	var total wer.Result
	for _, turn := range said.Turns {
		pcm := linear(b, audio[turn.Role][turn.StartMS*8:turn.EndMS*8])
		got, err := engine.Recognise(b.Context(), pcm, 8000)
		if err != nil {
			b.Fatal(err)
		}
		total = total.Add(wer.Compare(turn.Text, got.Text))
	}
	return total
}

func throughPath(b *testing.B, said script, audio map[earshot.Role][]byte) wer.Result {
	b.Helper()
	s := newServer(b)
	c := newSRC(b, s)
	ports := c.invite(b)
	speak(b, ports, audio[earshot.RoleAgent], audio[earshot.RoleCustomer])
	c.bye(b)
	id := s.onlyCall(b).ID
	s.complete(b, id, time.Minute)
	us := s.transcript(b, id)
	var total wer.Result
	for _, role := range []earshot.Role{earshot.RoleAgent, earshot.RoleCustomer} {
		total = total.Add(wer.Compare(said.words(role), spoken(us, role)))
	}
	return total
}
