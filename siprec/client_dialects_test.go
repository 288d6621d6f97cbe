package siprec

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"earshot"
)

// twoParties is a call of an agent and a customer, each with a stream.
func twoParties() earshot.Metadata {
	now := time.Date(2026, 5, 4, 9, 30, 0, 0, time.UTC)
	md := earshot.Metadata{
		Groups:   []earshot.MetaGroup{{ID: "group-1", Associate: now}},
		Sessions: []earshot.MetaSession{{ID: "session-1", GroupID: "group-1", Start: now}},
	}
	for i, p := range []struct{ name, aor, role string }{
		{"Nora Winter", "sip:610@pbx.example", "agent"}, {"Paul Becker", "sip:+4930555@trunk.example", "customer"},
	} {
		n := fmt.Sprint(i + 1)
		md.Participants = append(md.Participants, earshot.MetaParticipant{
			ID: "p" + n, Names: []string{p.name}, AORs: []string{p.aor},
			Extensions: []earshot.Extension{{Space: "urn:earshot:call:1", Name: "role", Value: p.role}},
		})
		md.Streams = append(md.Streams, earshot.MetaStream{ID: "s" + n, SessionID: "session-1", Label: n})
		md.SessionParticipants = append(md.SessionParticipants, earshot.MetaSessionParticipant{ParticipantID: "p" + n, SessionID: "session-1", Associate: now})
		md.ParticipantStreams = append(md.ParticipantStreams, earshot.MetaParticipantStream{
			ParticipantID: "p" + n, Send: []string{"s" + n}, Recv: []string{fmt.Sprintf("s%d", 2-i)},
		})
	}
	return md
}

func clientMedia(n int) []ClientMedia {
	out := make([]ClientMedia, n)
	for i := range out {
		out[i] = ClientMedia{Label: fmt.Sprint(i + 1), Port: 4000 + 2*i, Formats: pcmu}
	}
	return out
}

// sendsTo says who sends each m-line, by the user part of the address. With
// media that has not changed it goes by the streams.
func sendsTo(o earshot.SessionOffer) string {
	var labels, lines []string
	for _, m := range o.Media {
		labels = append(labels, m.Label)
	}
	for i := 0; i < len(o.Metadata.Streams) && o.Media == nil; i++ {
		labels = append(labels, o.Metadata.Streams[i].Label)
	}
	for _, label := range labels {
		var who []string
		for _, s := range o.Metadata.Streams {
			if s.Label != label {
				continue
			}
			for _, a := range o.Metadata.ParticipantStreams {
				for _, p := range o.Metadata.Participants {
					if a.ParticipantID == p.ID && strings.Contains(strings.Join(a.Send, " "), s.ID) {
						who = append(who, userOf(firstAOR(p)))
					}
				}
			}
		}
		lines = append(lines, strings.Join(who, "+"))
	}
	return strings.Join(lines, " ")
}

// meant is what each dialect is to be read as: who sends each m-line. Empty
// where the dialect does not say.
var meant = map[string]string{"metaswitch": "610++4930555", "netsapiens": " ", "cucm": "610"}

func TestDialectsOfTheClient(t *testing.T) {
	for _, name := range DialectNames() {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(name+"/"+network, func(t *testing.T) {
				r := newRig(t, Config{})
				d, err := DialectOf(name)
				if err != nil {
					t.Fatal(err)
				}
				s, md := dial(t, r, network, CallSpec{Dialect: d}), twoParties()
				offer := r.sessions.last(t)
				want, special := meant[name]
				if !special {
					want = "610 +4930555"
				}
				same(t, "senders", sendsTo(offer), want)
				if len(offer.Problems) > map[bool]int{true: 1}[name == "sonus"] {
					t.Errorf("problems %q", offer.Problems)
				}
				if n := len(offer.Metadata.Participants); n != 2 {
					t.Errorf("%d participants", n)
				}
				checkHold(t, r, s)
				if d.HasMetadata() && name != "twilio" {
					checkPartial(t, r, s, md)
				}
				if err := s.Bye(t.Context()); err != nil {
					t.Error(err)
				}
				if left := leftAt(r.sessions.last(t).Metadata); d.byeMetadata && left != 3 {
					t.Errorf("%d participants have left with the BYE", left)
				}
			})
		}
	}
}

// dial places a call of two parties.
func dial(t *testing.T, r *rig, network string, spec CallSpec) *ClientSession {
	t.Helper()
	c, err := NewClient(ClientConfig{Transport: network})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	n := 2
	if d := spec.Dialect; d != nil && (d.Mixed || d.LegPerStream) {
		n = 1
	}
	spec.To, spec.Media, spec.Metadata = "sip:"+r.Addr().String(), clientMedia(n), twoParties()
	if spec.Dialect != nil && spec.Dialect.Mixed {
		spec.Metadata.Streams = spec.Metadata.Streams[:1]
		spec.Metadata.ParticipantStreams[1].Send = []string{"s1"}
	}
	s, err := c.Call(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// checkHold puts the first stream on hold and takes it back.
func checkHold(t *testing.T, r *rig, s *ClientSession) {
	t.Helper()
	media := append([]ClientMedia(nil), s.media...)
	for _, direction := range []earshot.MediaDirection{earshot.Inactive, earshot.SendOnly} {
		media[0].Direction = direction
		if err := s.Reinvite(t.Context(), media, nil, false); err != nil {
			t.Fatal(err)
		}
		held := direction == earshot.Inactive
		if o := r.sessions.last(t); (o.Media[0].Direction == earshot.Inactive) != held || (s.Answer()[0].Direction == earshot.Inactive) != held {
			t.Errorf("held %t: offered %s, answered %s", held, o.Media[0].Direction, s.Answer()[0].Direction)
		}
	}
}

// checkPartial lets a third party join with a partial update.
func checkPartial(t *testing.T, r *rig, s *ClientSession, md earshot.Metadata) {
	t.Helper()
	part := earshot.Metadata{
		Participants:        []earshot.MetaParticipant{{ID: "p3", Names: []string{"Ida Kern"}, AORs: []string{"sip:612@pbx.example"}}},
		SessionParticipants: []earshot.MetaSessionParticipant{{ParticipantID: "p3", SessionID: "session-1"}},
	}
	if err := s.Update(t.Context(), part, true); err != nil {
		t.Fatal(err)
	}
	if got := r.sessions.last(t).Metadata.Participants; len(got) != len(md.Participants)+1 || userOf(firstAOR(got[2])) != "612" {
		t.Errorf("participants %+v", got)
	}
}

func leftAt(md *earshot.Metadata) int {
	n := 0
	for _, a := range md.SessionParticipants {
		if !a.Disassociate.IsZero() {
			n++
		}
	}
	return n
}
