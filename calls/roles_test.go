package calls

import (
	"testing"

	"earshot"
)

// someone is a participant of the metadata with a line of extension data.
func someone(id, name, aor string, ext ...string) earshot.MetaParticipant {
	p := earshot.MetaParticipant{ID: id, AORs: []string{aor}}
	if name != "" {
		p.Names = []string{name}
	}
	for i := 0; i+2 < len(ext); i += 3 {
		p.Extensions = append(p.Extensions, earshot.Extension{Space: ext[i], Name: ext[i+1], Value: ext[i+2]})
	}
	return p
}

// TestWhoIsTheAgent has sessions in the shapes that vendors give them. The
// first participant always sends the stream labelled 1, the second label 2.
func TestWhoIsTheAgent(t *testing.T) {
	const agent, customer = earshot.RoleAgent, earshot.RoleCustomer
	for _, tc := range []struct {
		name     string
		people   [2]earshot.MetaParticipant
		session  []earshot.Extension
		from, to string
		agents   []string
		roles    [2]earshot.Role
		sources  [2]string
	}{
		{
			"our own extension data",
			[2]earshot.MetaParticipant{someone("a", "Mira", "sip:x@a.example", ExtensionSpace, "role", "customer"), someone("b", "Jon", "sip:y@a.example")},
			nil, "", "", nil,
			[2]earshot.Role{customer, agent},
			[2]string{"extension", "other party"},
		},
		{
			"a configured pattern, customer first",
			[2]earshot.MetaParticipant{someone("a", "", "tel:+15550123"), someone("b", "", "sip:4711@pbx.example")},
			nil, "", "",
			[]string{"47??"},
			[2]earshot.Role{customer, agent},
			[2]string{"other party", "pattern"},
		},
		{
			"BroadWorks, a call to the recorded line",
			[2]earshot.MetaParticipant{someone("a", "", "sip:+15550177"), someone("b", "", "sip:user-93@as.example")},
			[]earshot.Extension{
				{Name: "broadWorksRecordingMetadata/callType/termCall/callingPartyNumber", Value: "sip:+15550177@as.example"},
				{Name: "broadWorksRecordingMetadata/callType/termCall/calledPartyNumber", Value: "sip:7700@as.example"},
			},
			"", "", nil,
			[2]earshot.Role{customer, agent},
			[2]string{"vendor", "vendor"},
		},
		{
			"BroadWorks, a call from the recorded line",
			[2]earshot.MetaParticipant{someone("a", "", "sip:+15550177"), someone("b", "", "sip:+15550911")},
			[]earshot.Extension{
				{Name: "broadWorksRecordingMetadata/callType/origCall/callingPartyNumber", Value: "sip:+15550177@as.example"},
				{Name: "broadWorksRecordingMetadata/callType/origCall/calledPartyNumber", Value: "sip:+15550911@as.example"},
			},
			"", "", nil,
			[2]earshot.Role{agent, customer},
			[2]string{"vendor", "vendor"},
		},
		{
			"Metaswitch, terminating",
			[2]earshot.MetaParticipant{someone("a", "", "15550188"), someone("b", "", "15550199")},
			[]earshot.Extension{{Name: "metaswitchRecordingMetadata/callType", Value: "terminating"}, {Name: "metaswitchRecordingMetadata/callingPartyNumber", Value: "15550188"}},
			"", "", nil,
			[2]earshot.Role{customer, agent},
			[2]string{"vendor", "vendor"},
		},
		{
			"jambonz, whose numbers are swapped",
			[2]earshot.MetaParticipant{someone("a", "", "sip:+15550144@c.example"), someone("b", "", "sip:+15550155@c.example")},
			[]earshot.Extension{
				{Space: jambonzSpace, Name: "direction", Value: "inbound"},
				{Space: jambonzSpace, Name: "callednumber", Value: "+15550144"},
				{Space: jambonzSpace, Name: "callingnumber", Value: "+15550155"},
			},
			"", "", nil,
			[2]earshot.Role{customer, agent},
			[2]string{"direction", "direction"},
		},
		{
			"Oracle, with a direction from elsewhere",
			[2]earshot.MetaParticipant{
				someone("a", "", "sip:line@a.example", "http://acmepacket.com/x", "callingParty", "true"),
				someone("b", "", "sip:desk@b.example", "http://acmepacket.com/x", "callingParty", "false"),
			},
			[]earshot.Extension{{Space: ExtensionSpace, Name: "direction", Value: "inbound"}},
			"", "", nil,
			[2]earshot.Role{customer, agent},
			[2]string{"direction", "direction"},
		},
		{
			"one of the forking domain",
			[2]earshot.MetaParticipant{someone("a", "", "sip:ann@carrier.example"), someone("b", "", "sip:bob@pbx.example")},
			nil, "sip:sbc@pbx.example:5060", "sip:srs@rec.example", nil,
			[2]earshot.Role{customer, agent},
			[2]string{"other party", "domain"},
		},
		{
			"an extension and a number",
			[2]earshot.MetaParticipant{someone("a", "", "tel:+49-30-5550166"), someone("b", "", "sip:612@192.0.2.7")},
			nil, "", "", nil,
			[2]earshot.Role{customer, agent},
			[2]string{"number", "number"},
		},
		{
			"nothing to go by",
			[2]earshot.MetaParticipant{someone("a", "Ann", "sip:ann@a.example"), someone("b", "Bob", "sip:bob@b.example")},
			nil, "", "", nil,
			[2]earshot.Role{agent, customer},
			[2]string{"order", "order"},
		},
		{
			"two extensions",
			[2]earshot.MetaParticipant{someone("a", "", "sip:611@192.0.2.7"), someone("b", "", "sip:612@192.0.2.7")},
			nil, "", "",
			[]string{"6??"},
			[2]earshot.Role{agent, agent},
			[2]string{"pattern", "pattern"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, Config{Agents: tc.agents})
			offer := twoParty("d1")
			offer.From, offer.To = tc.from, tc.to
			offer.Metadata.Participants = tc.people[:]
			offer.Metadata.Sessions[0].Extensions = tc.session
			offer.Metadata.ParticipantStreams[0].ParticipantID, offer.Metadata.ParticipantStreams[1].ParticipantID = "a", "b"
			r.begin(t, offer)
			for i, p := range r.store.only(t).Participants {
				if p.Role != tc.roles[i] || p.RoleSource != tc.sources[i] || p.RoleConfidence <= 0 || p.RoleConfidence > 1 {
					t.Errorf("participant %d is %s by %q (%.2f), want %s by %q", i, p.Role, p.RoleSource, p.RoleConfidence, tc.roles[i], tc.sources[i])
				}
			}
		})
	}
}

// TestRolesAreStable: what is known for sure is not given up for a guess.
func TestRolesAreStable(t *testing.T) {
	r := newRig(t, Config{})
	offer := twoParty("d1")
	answer := r.begin(t, offer)
	later := twoParty("d1")
	later.Metadata.Participants[0].Extensions = nil
	later.Metadata.Participants[0].AORs = []string{"tel:+15550100200"}
	later.Metadata.Participants[1].AORs = []string{"sip:201@pbx.example"}
	if _, err := r.Update(t.Context(), answer.SegmentID, later); err != nil {
		t.Fatal(err)
	}
	c := r.store.only(t)
	if c.Participants[0].Role != earshot.RoleAgent || c.Participants[1].Role != earshot.RoleCustomer {
		t.Errorf("participants %+v", c.Participants)
	}
}

func TestSameNumber(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"sip:+49305550166@a.example", "tel:+49-30-5550166", true},
		{"sip:0305550166@a.example", "+49305550166", true},
		{"sip:612@a.example", "sip:612@b.example", true},
		{"sip:612@a.example", "tel:+493055506612", false},
		{"", "", false},
		{"sip:ann@a.example", "sip:Ann@b.example", true},
		{"+49305550166", "+49305550167", false},
	} {
		if got := sameNumber(tc.a, tc.b); got != tc.want {
			t.Errorf("sameNumber(%q, %q) = %v", tc.a, tc.b, got)
		}
	}
}
