package calls

import (
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
)

// said is a final of a stream, from and to in seconds.
func said(stream earshot.StreamID, from, to int) (earshot.Utterance, earshot.Watermark) {
	u := earshot.Utterance{
		StreamID: stream, From: earshot.PositionOf(time.Duration(from) * time.Second), To: earshot.PositionOf(time.Duration(to) * time.Second),
		Text: "words", Final: true,
	}
	u.ID = earshot.UtteranceIDFor(stream, u.From)
	return u, earshot.Watermark{StreamID: stream, Position: u.To}
}

// TestWordsBelongToWhoSentThem: the agent changes in mid-call, words said
// before belong to the one before, also those recognised later.
func TestWordsBelongToWhoSentThem(t *testing.T) {
	r := newRig(t, Config{})
	answer := r.begin(t, twoParty("d1"))
	c := r.store.only(t)
	stream := c.Streams[0].ID
	// As if the call had begun a minute ago, and the transfer were now.
	live := r.calls[c.ID]
	live.rec.StartedAt = live.rec.StartedAt.Add(-time.Minute)
	live.rec.Streams[0].Senders[0].From = live.rec.StartedAt
	r.media.open[stream].packet(live.rec.StartedAt)
	transfer := twoParty("d1")
	transfer.Media = nil
	transfer.Metadata.Participants[0] = earshot.MetaParticipant{ID: "pc", Names: []string{"Cora Nyman"}, AORs: []string{"sip:202@pbx.example"}}
	transfer.Metadata.ParticipantStreams[0].ParticipantID = "pc"
	if _, err := r.Update(t.Context(), answer.SegmentID, transfer); err != nil {
		t.Fatal(err)
	}
	for i, tc := range []struct {
		from, to int
		name     string
	}{{10, 14, "Mira Holt"}, {57, 60, "Mira Holt"}, {70, 75, "Cora Nyman"}} {
		u, mark := said(stream, tc.from, tc.to)
		if err := r.Final(t.Context(), []earshot.Utterance{u}, mark); err != nil {
			t.Fatal(err)
		}
		c = r.store.only(t)
		if p := c.Participant(r.store.us[u.ID].ParticipantID); p == nil || p.Name != tc.name {
			t.Errorf("words %d are of %+v, want %s", i, p, tc.name)
		}
	}
	names, left := namesOf(c), 0
	for _, p := range c.Participants {
		if p.JoinedAt == nil {
			t.Errorf("%s never joined", p.Name)
		}
		if p.LeftAt != nil {
			left++
		}
	}
	if !slices.Equal(names, []string{"Mira Holt", "Jon Reyes", "Cora Nyman"}) || left != 1 || c.Participants[0].LeftAt == nil {
		t.Errorf("participants %+v", c.Participants)
	}
}

func namesOf(c earshot.Call) []string {
	var out []string
	for _, p := range c.Participants {
		out = append(out, p.Name)
	}
	return out
}

// TestPlaceholderBecomesTheParty: the client did not know the callee at first.
func TestPlaceholderBecomesTheParty(t *testing.T) {
	r := newRig(t, Config{})
	offer := twoParty("d1")
	offer.Metadata.Participants[1] = earshot.MetaParticipant{ID: "dummy", AORs: []string{"sip:SBC@sbc.example"}}
	offer.Metadata.ParticipantStreams[1].ParticipantID = "dummy"
	answer := r.begin(t, offer)
	before := r.store.only(t).Participants[1].ID
	if _, err := r.Update(t.Context(), answer.SegmentID, twoParty("d1")); err != nil {
		t.Fatal(err)
	}
	c := r.store.only(t)
	if p := c.Participants; len(p) != 2 || p[1].ID != before || p[1].Name != "Jon Reyes" || p[1].LeftAt != nil {
		t.Errorf("participants %+v", p)
	}
	if p := c.Speaker(c.Streams[1].ID); p == nil || p.ID != before {
		t.Errorf("the second stream is spoken by %+v", p)
	}
}

// TestOneAddressIsOneParty: sessions of one call may call the same party by
// other IDs.
func TestOneAddressIsOneParty(t *testing.T) {
	r := newRig(t, Config{WrapUp: time.Minute})
	first := r.begin(t, twoParty("d1"))
	if err := r.End(t.Context(), first.SegmentID, "bye"); err != nil {
		t.Fatal(err)
	}
	if c := r.store.only(t); c.Participants[0].LeftAt == nil {
		t.Errorf("after the end nobody has left: %+v", c.Participants)
	}
	again := twoParty("d2")
	again.Metadata.Participants[0].ID, again.Metadata.ParticipantStreams[0].ParticipantID = "pa-2", "pa-2"
	r.begin(t, again)
	c := r.store.only(t)
	if len(c.Participants) != 2 || !slices.Equal(c.Participants[0].Aliases, []string{"pa-2"}) || c.Participants[0].LeftAt != nil {
		t.Errorf("participants %+v", c.Participants)
	}
	if p := c.Speaker(c.Streams[2].ID); p == nil || p.Name != "Mira Holt" {
		t.Errorf("the stream of the second session is spoken by %+v", p)
	}
}

func TestConferenceOnOneStream(t *testing.T) {
	r := newRig(t, Config{})
	offer := twoParty("d1")
	offer.Media = offer.Media[:1]
	md := offer.Metadata
	md.Participants = append(md.Participants, earshot.MetaParticipant{ID: "pc", Names: []string{"Cora Nyman"}, AORs: []string{"sip:202@pbx.example"}})
	md.ParticipantStreams = []earshot.MetaParticipantStream{
		{ParticipantID: "pa", Send: []string{"sa"}}, {ParticipantID: "pb", Send: []string{"sa"}}, {ParticipantID: "pc"},
	}
	answer := r.begin(t, offer)
	c := r.store.only(t)
	if s := c.Streams[0]; len(s.ParticipantIDs) != 2 || c.Speaker(s.ID) != nil || c.SpeakerAt(s.ID, time.Now()) != nil {
		t.Errorf("stream %+v", s)
	}
	// One leaves, and comes back.
	md.SessionParticipants = []earshot.MetaSessionParticipant{{ParticipantID: "pc", SessionID: "session-1", Disassociate: time.Now()}}
	for _, want := range []bool{true, false} {
		if _, err := r.Update(t.Context(), answer.SegmentID, offer); err != nil {
			t.Fatal(err)
		}
		if p := r.store.only(t).Participants[2]; (p.LeftAt != nil) != want {
			t.Errorf("left: %v, want %v", p.LeftAt, want)
		}
		md.SessionParticipants = nil
	}
}

func TestNamesThatStitch(t *testing.T) {
	base := func(change func(*earshot.SessionOffer)) earshot.SessionOffer {
		o := twoParty("d2")
		o.Metadata.Groups, o.Metadata.Sessions = nil, nil
		if change != nil {
			change(&o)
		}
		return o
	}
	ucid := func(value string) func(*earshot.SessionOffer) {
		return func(o *earshot.SessionOffer) {
			o.Metadata.Sessions = []earshot.MetaSession{{ID: earshot.NewID(), Extensions: []earshot.Extension{{Name: "ucid", Value: value}}}}
		}
	}
	header := func(name, value string) func(*earshot.SessionOffer) {
		return func(o *earshot.SessionOffer) {
			o.Headers = []earshot.Extension{{Space: "sip", Name: name, Value: value}}
		}
	}
	session := func(id string) func(*earshot.SessionOffer) {
		return func(o *earshot.SessionOffer) { o.Metadata.Sessions = []earshot.MetaSession{{ID: id}} }
	}
	group := func(id, from string) func(*earshot.SessionOffer) {
		return func(o *earshot.SessionOffer) {
			o.Metadata.Groups = []earshot.MetaGroup{{ID: id}}
			o.Metadata.Sessions = []earshot.MetaSession{{ID: "s" + id, GroupID: id}}
			if from != "" {
				o.Metadata.Sessions[0].Extensions = []earshot.Extension{{Name: "vendorExtension/xferredGroupID", Value: from}}
			}
		}
	}
	for _, tc := range []struct {
		name          string
		first, second func(*earshot.SessionOffer)
		one           bool
	}{
		{"nothing in common", nil, nil, false},
		{"the same group", group("7f3a@x", ""), group("7f3a@x", ""), true},
		{"a group that differs by a character", group("7f3a@x", ""), group("7f3b@x", ""), false},
		{"a transfer from the group", group("7f3a@x", ""), group("9c21@x", "7f3a@x"), true},
		{"the same session of no group", session("5bd2-01"), session("5bd2-01"), true},
		{"the same session of two groups", func(o *earshot.SessionOffer) {
			group("7f3a@x", "")(o)
			o.Metadata.Sessions[0].ID = "ses-1"
		}, func(o *earshot.SessionOffer) {
			group("9c21@x", "")(o)
			o.Metadata.Sessions[0].ID = "ses-1"
		}, false},
		{"the same UCID, in two ways of writing", ucid("00FA080001000758A20EFB;encoding=hex"), header("User-to-User", "00FA080001000758A20EFB;encoding=hex"), true},
		{"UCIDs that differ by a digit", ucid("00FA080001000758A20EFB"), ucid("00FA080001000758A20EFC"), false},
		{"an ID that everybody has", session("00000000-0000"), session("00000000-0000"), false},
		{"a row of characters", header("Cisco-Gucid", "1234567890"), header("Cisco-Gucid", "1234567890"), false},
		{"Cisco's ID of the call", header("Cisco-Gucid", "00144536801698"), header("Cisco-Gucid", "00144536801698"), true},
		{"a SIP session ID", header("Session-ID", "ab30317f1a784dc4"), header("Session-ID", "ab30317f1a784dc4"), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, Config{})
			first, second := r.begin(t, base(tc.first)), r.begin(t, base(tc.second))
			if one := first.CallID == second.CallID; one != tc.one {
				t.Errorf("one call: %v, want %v (%v)", one, tc.one, r.store.calls[first.CallID].CorrelationIDs)
			}
		})
	}
}

func TestTags(t *testing.T) {
	r := newRig(t, Config{})
	offer := twoParty("d1")
	offer.Metadata.Sessions[0].Extensions = []earshot.Extension{
		{Space: "http://broadsoft.example", Name: "broadWorksRecordingMetadata/callType/termCall/callingPartyNumber", Value: "sip:+15550177@as.example;user=phone"},
		{Space: "http://broadsoft.example", Name: "broadWorksRecordingMetadata/callType/termCall/calledPartyNumber", Value: "7700"},
		{Name: "queue", Value: "billing\nline"},
		{Name: "ac/GenesysUUID", Value: "4BOKXYA3"},
	}
	offer.Headers = []earshot.Extension{{Space: "sip", Name: "Diversion", Value: `"Desk" <sip:7001@as.example>;reason=no-answer`}}
	r.begin(t, offer)
	c := r.store.only(t)
	want := []string{"genesys:4bokxya3", "queue:billing line", "diverted:7001", "caller:+15550177", "callee:7700"}
	if !slices.Equal(c.Tags, want) || c.Direction != earshot.DirectionInbound {
		t.Errorf("tags %q, direction %s, want %q", c.Tags, c.Direction, want)
	}
	if got := strings.Join(c.CorrelationIDs, " "); got != "group:group-1 session:session-1 genesys:4bokxya3" {
		t.Errorf("correlation IDs %s", got)
	}
}

// The key of a conversation is made of names alone: it does not depend on the
// server, nor on what comes later.
func TestConversation(t *testing.T) {
	keys := map[string]bool{}
	for range 2 {
		r := newRig(t, Config{})
		s := twoParty("d1")
		answer := r.begin(t, s)
		first := r.store.only(t).Conversation
		s.Metadata.Groups = append(s.Metadata.Groups, earshot.MetaGroup{ID: "a-group-that-sorts-before"})
		s.Headers = []earshot.Extension{{Space: "sip", Name: "Cisco-Gucid", Value: "00144536801698"}}
		if _, err := r.Update(t.Context(), answer.SegmentID, s); err != nil {
			t.Fatal(err)
		}
		if again := r.store.only(t).Conversation; len(first) != 32 || again != first {
			t.Errorf("conversation %q, then %q", first, again)
		}
		keys[first] = true
	}
	if len(keys) != 1 {
		t.Errorf("two servers have %v", keys)
	}
	for _, tc := range []struct {
		ids  string
		want bool
	}{{"", false}, {"session-id:ab30317f1a784dc4", false}, {"group:00000000", false}, {"session:5bd2-01", true}} {
		if got := conversation(strings.Fields(tc.ids)); (got != "") != tc.want || keys[got] {
			t.Errorf("%q: %q", tc.ids, got)
		}
	}
}
