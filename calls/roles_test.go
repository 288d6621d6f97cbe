package calls

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
)

// phoneBook is a directory of one agent and one queue.
type phoneBook struct{}

func (phoneBook) Agent(address string) (earshot.Agent, bool) {
	user, _, _ := earshot.SplitAOR(address)
	a := earshot.Agent{ID: "agent-mira", Name: "Mira Holt", Team: "desk"}
	return a, user == "2001" || user == "mira" || address == "agent-mira"
}

func (phoneBook) Queue(address string) (earshot.Queue, bool) {
	user, _, _ := earshot.SplitAOR(address)
	return earshot.Queue{ID: "support"}, user == "+15550199" || user == "support"
}

func ext(name, value string) earshot.Extension {
	return earshot.Extension{Space: "urn:vendor.example", Name: name, Value: value}
}

// parties makes a session in which each participant sends the stream of their
// place. An address may be followed by extension data.
func parties(list ...earshot.MetaParticipant) earshot.SessionOffer {
	o := earshot.SessionOffer{DialogID: "d", SIPCallID: "d@src.example", From: "sip:192.0.2.7", To: "sip:192.0.2.9"}
	md := &earshot.Metadata{Sessions: []earshot.MetaSession{{ID: "cs"}}}
	for i, p := range list {
		label := fmt.Sprint(i + 1)
		if p.ID == "" {
			p.ID = p.AORs[0]
		}
		md.Participants = append(md.Participants, p)
		md.Streams = append(md.Streams, earshot.MetaStream{ID: "s" + label, Label: label})
		md.ParticipantStreams = append(md.ParticipantStreams, earshot.MetaParticipantStream{ParticipantID: p.ID, Send: []string{"s" + label}})
		o.Media = append(o.Media, audio(label))
	}
	o.Metadata = md
	return o
}

func who(aor string, data ...earshot.Extension) earshot.MetaParticipant {
	return earshot.MetaParticipant{AORs: []string{aor}, Extensions: data}
}

// session adds extension data to the communication session.
func session(o earshot.SessionOffer, data ...earshot.Extension) earshot.SessionOffer {
	o.Metadata.Sessions[0].Extensions = data
	return o
}

// reversed has the other participant first in the document and on the wire.
func reversed(o earshot.SessionOffer) earshot.SessionOffer {
	md := *o.Metadata
	md.Participants, md.ParticipantStreams, md.Streams = slices.Clone(md.Participants), slices.Clone(md.ParticipantStreams), slices.Clone(md.Streams)
	slices.Reverse(md.Participants)
	slices.Reverse(md.ParticipantStreams)
	slices.Reverse(md.Streams)
	o.Media = slices.Clone(o.Media)
	slices.Reverse(o.Media)
	o.Metadata = &md
	return o
}

func ours(name, value string) earshot.Extension {
	return earshot.Extension{Space: ExtensionSpace, Name: name, Value: value}
}

// roleCases are sessions as the reader of metadata hands them on, in the
// shapes of vendors. Agent is the address of the agent.
var roleCases = []struct {
	name   string
	offer  earshot.SessionOffer
	agent  string
	sure   [2]float64 // of the agent and of the customer
	source [2]earshot.RoleSource
}{
	{
		"our own word beats the directory",
		parties(who("sip:2001@desk.example", ours("role", "customer")), who("sip:2002@desk.example", ours("role", "agent"))),
		"sip:2002@desk.example",
		[2]float64{1, 1},
		[2]earshot.RoleSource{"extension", "extension"},
	},
	{
		"directory by extension", parties(who("sip:+15550100@gw.example"), who("sip:2001@10.0.0.2")), "sip:2001@10.0.0.2",
		[2]float64{0.95, 0.81},
		[2]earshot.RoleSource{"directory", "other"},
	},
	{
		"directory by extension data",
		parties(who("sip:4711@10.0.0.2", ext("crm/agentId", "agent-mira")), who("sip:4712@10.0.0.2")), "sip:4711@10.0.0.2",
		[2]float64{0.95, 0.81},
		[2]earshot.RoleSource{"directory", "other"},
	},
	{
		"pattern", parties(who("sip:7101@10.0.0.2"), who("sip:7900@10.0.0.3")), "sip:7101@10.0.0.2",
		[2]float64{0.9, 0.77},
		[2]earshot.RoleSource{"pattern", "other"},
	},
	{
		"Oracle: calling party of an inbound call",
		session(parties(who("sip:8801@10.1.0.2", ext("callingParty", "true")), who("sip:8802@10.1.0.3", ext("callingParty", "false"))),
			ext("callDirection", "inbound")),
		"sip:8802@10.1.0.3",
		[2]float64{0.8, 0.8},
		[2]earshot.RoleSource{"vendor", "vendor"},
	},
	{
		"Oracle: calling party of an outbound call",
		session(parties(who("sip:8801@10.1.0.2", ext("callingParty", "true")), who("sip:8802@10.1.0.3", ext("callingParty", "false"))),
			ext("callDirection", "outgoing")),
		"sip:8801@10.1.0.2",
		[2]float64{0.8, 0.8},
		[2]earshot.RoleSource{"vendor", "vendor"},
	},
	{
		"BroadWorks: the recorded user of a terminated call",
		session(parties(who("sip:8635550001"), who("sip:+19015550002@voip.example;user=phone")),
			ext("broadWorksRecordingMetadata/userID", "8635550001@voip.example"),
			ext("broadWorksRecordingMetadata/callType/termCall/callingPartyNumber", "sip:+19015550002@voip.example;user=phone")),
		"sip:8635550001",
		[2]float64{0.8, 0.8},
		[2]earshot.RoleSource{"vendor", "vendor"},
	},
	{
		"NetSapiens: the user, whose device has another name",
		session(parties(earshot.MetaParticipant{ID: "1103@tenant.example", AORs: []string{"sip:1103@tenant.example"}},
			earshot.MetaParticipant{ID: "1101@tenant.example", AORs: []string{"sip:1101w@tenant.example"}}),
			ext("netsapiensExtension/user/userID", "1101@tenant.example"), ext("netsapiensExtension/user/callType", "origCall")),
		"sip:1101w@tenant.example",
		[2]float64{0.8, 0.68},
		[2]earshot.RoleSource{"vendor", "other"},
	},
	{
		"Webex: the user by another name, found by the half of the call",
		session(parties(who("sip:+441155550003@voip.example"), who("sip:+441155550004@voip.example")),
			ext("broadWorksRecordingMetadata/userID", "qxv77@int.example"),
			ext("broadWorksRecordingMetadata/callType/origCall/callingPartyNumber", "sip:+441155550004@voip.example"),
			ext("broadWorksRecordingMetadata/callType/origCall/calledPartyNumber", "sip:01155550003@voip.example")),
		"sip:+441155550004@voip.example",
		[2]float64{0.8, 0.8},
		[2]earshot.RoleSource{"vendor", "vendor"},
	},
	{
		"Metaswitch: recorded party with a prefix more",
		session(parties(who("7605550011"), who("7605550012")),
			ext("metaswitchRecordingMetadata/callType", "terminating"), ext("metaswitchRecordingMetadata/recordedParty", "+17605550012"),
			ext("metaswitchRecordingMetadata/callingPartyNumber", "7605550011")),
		"7605550012",
		[2]float64{0.8, 0.8},
		[2]earshot.RoleSource{"vendor", "vendor"},
	},
	{
		"CUCM: the near end is the phone",
		parties(who("sip:4171", ext("x-nearenddevice", "SEP001")), who("sip:4173", ext("x-farenddevice", "192.0.2.3"))),
		"sip:4171",
		[2]float64{0.8, 0.8},
		[2]earshot.RoleSource{"vendor", "vendor"},
	},
	{
		"Ribbon: From of the call, and its direction",
		session(parties(who("5555558500@10.2.0.5"), who("5555558012@10.2.0.6")), ours("direction", "outbound"),
			ext("callData/fromhdr", `"Night desk" <sip:5555558500@10.2.0.5>;tag=1`)),
		"5555558500@10.2.0.5",
		[2]float64{0.8, 0.8},
		[2]earshot.RoleSource{"vendor", "vendor"},
	},
	{
		"the domain of the recording server",
		func() earshot.SessionOffer {
			o := parties(who("sip:ida@office.acme.example"), who("sip:bo@elsewhere.example.net"))
			o.To = "sip:recorder@srs.acme.example"
			return o
		}(),
		"sip:ida@office.acme.example",
		[2]float64{0.5, 0.5},
		[2]earshot.RoleSource{"domain", "domain"},
	},
	{
		"AudioCodes: a short number beside a whole one", parties(who("+15550100@gw.example"), who("616@gw.example")), "616@gw.example",
		[2]float64{0.4, 0.4},
		[2]earshot.RoleSource{"number", "number"},
	},
}

func TestRoles(t *testing.T) {
	for _, tc := range roleCases {
		for order, offer := range map[string]earshot.SessionOffer{"as it is": tc.offer, "reversed": reversed(tc.offer)} {
			t.Run(tc.name+" "+order, func(t *testing.T) {
				r := newRig(t, Config{Agents: []string{"7100-7199", "*@none.example"}, Directory: phoneBook{}})
				r.begin(t, offer)
				c := r.store.only(t)
				for i := range c.Participants {
					p, at, role := &c.Participants[i], 1, earshot.RoleCustomer
					if p.AOR == tc.agent {
						at, role = 0, earshot.RoleAgent
					}
					if p.Role != role || p.RoleConfidence != tc.sure[at] || p.RoleSource != tc.source[at] {
						t.Errorf("%s is %s (%v by %q), want %s (%v by %q)", p.AOR, p.Role, p.RoleConfidence, p.RoleSource, role, tc.sure[at], tc.source[at])
					}
				}
				for _, s := range c.Streams { // who sends what is not ours to change
					want := offer.Metadata.ParticipantStreams[slices.IndexFunc(offer.Metadata.Streams, func(m earshot.MetaStream) bool { return m.Label == s.Label })]
					if p := c.Speaker(s.ID); p == nil || p.SourceID != want.ParticipantID {
						t.Errorf("stream %s is sent by %+v, want %s", s.Label, p, want.ParticipantID)
					}
				}
			})
		}
	}
}

// TestRolesByOrder are the cases in which the order of the streams counts.
func TestRolesByOrder(t *testing.T) {
	plain := func() earshot.SessionOffer { return parties(who("sip:8801@10.1.0.2"), who("sip:8802@10.1.0.3")) }
	crossed := plain()
	crossed.Metadata.ParticipantStreams[0].Send, crossed.Metadata.ParticipantStreams[1].Send = []string{"s2"}, []string{"s1"}
	silent := plain()
	silent.Metadata.ParticipantStreams = nil
	caller := parties(who("sip:8801@10.1.0.2"), who("sip:8802@10.1.0.3", ext("callingParty", "true")))
	for _, tc := range []struct {
		name     string
		offer    earshot.SessionOffer
		customer string
		sure     float64
		source   earshot.RoleSource
	}{
		{"the first is the customer", plain(), "sip:8801@10.1.0.2", 0.2, earshot.RoleFromOrder},
		{"the first on the wire, not in the document", crossed, "sip:8802@10.1.0.3", 0.2, earshot.RoleFromOrder},
		{"nobody sends", silent, "sip:8801@10.1.0.2", 0.2, earshot.RoleFromOrder},
		{"the caller, when it is known", caller, "sip:8802@10.1.0.3", 0.2, earshot.RoleFromOrder},
		{"outbound", session(plain(), ours("direction", "outbound")), "sip:8802@10.1.0.3", 0.6, earshot.RoleFromDirection},
		{
			"jambonz has its numbers the wrong way round",
			session(plain(), ext("direction", "inbound"), ext("callednumber", "8801"), ext("callingnumber", "8802")), "sip:8801@10.1.0.2", 0.6, earshot.RoleFromDirection,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, Config{})
			r.begin(t, tc.offer)
			for _, p := range r.store.only(t).Participants {
				if want := p.AOR == tc.customer; (p.Role == earshot.RoleCustomer) != want || p.Role == earshot.RoleUnknown || p.RoleConfidence != tc.sure || p.RoleSource != tc.source {
					t.Errorf("%s is %s (%v by %q), the customer is %s", p.AOR, p.Role, p.RoleConfidence, p.RoleSource, tc.customer)
				}
			}
		})
	}
	t.Run("internal", func(t *testing.T) {
		r := newRig(t, Config{})
		r.begin(t, session(plain(), ours("direction", "internal")))
		for _, p := range r.store.only(t).Participants {
			if p.Role != earshot.RoleAgent {
				t.Errorf("%s is %s in an internal call", p.AOR, p.Role)
			}
		}
	})
	t.Run("one of many is not guessed by order", func(t *testing.T) {
		r := newRig(t, Config{})
		r.begin(t, parties(who("sip:8801@10.1.0.2"), who("sip:8802@10.1.0.3"), who("sip:8803@10.1.0.3")))
		for _, p := range r.store.only(t).Participants {
			if p.Role != earshot.RoleUnknown || p.RoleConfidence != 0 {
				t.Errorf("%s is %s", p.AOR, p.Role)
			}
		}
	})
}

// TestRolesAreStable says what a later document changes: what is surer.
func TestRolesAreStable(t *testing.T) {
	r := newRig(t, Config{Directory: phoneBook{}})
	offer := parties(who("sip:8801@10.1.0.2"), who("sip:8802@10.1.0.3"))
	answer := r.begin(t, offer)
	roles := func() (out [4]string) {
		for i, p := range r.store.only(t).Participants {
			out[i] = fmt.Sprintf("%s %v %s", p.Role, p.RoleConfidence, p.RoleSource)
		}
		return out
	}
	update := func(o earshot.SessionOffer) {
		t.Helper()
		o.Media = nil
		if _, err := r.Update(t.Context(), answer.SegmentID, o); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string, want ...string) {
		t.Helper()
		if got := roles(); !slices.Equal(got[:len(want)], want) {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	check("at first", "customer 0.2 order", "agent 0.2 order")
	update(reversed(offer))
	check("the other way round", "customer 0.2 order", "agent 0.2 order")

	better := parties(who("sip:8801@10.1.0.2", ours("role", "agent")), who("sip:8802@10.1.0.3"))
	update(better)
	check("told", "agent 1 extension", "customer 0.85 other")
	update(session(offer, ours("direction", "inbound")))
	check("less sure", "agent 1 extension", "customer 0.85 other")

	// A transfer: one leaves, and who comes is what the first one was.
	transfer := parties(who("sip:8801@10.1.0.2"), who("sip:8802@10.1.0.3"), who("sip:2001@10.1.0.4"))
	transfer.Metadata.SessionParticipants = []earshot.MetaSessionParticipant{
		{ParticipantID: "sip:8801@10.1.0.2", SessionID: "cs", Disassociate: time.Now()},
	}
	update(transfer)
	check("transferred", "agent 1 extension", "customer 0.85 other", "agent 0.95 directory")
	p := r.store.only(t).Participants[2]
	if p.AgentID != "agent-mira" || p.Team != "desk" || p.Name != "Mira Holt" {
		t.Errorf("participant %+v", p)
	}
}

// TestWhoComesByTransferIsTheOther: nothing speaks for the new agent but that
// the customer stayed.
func TestWhoComesByTransferIsTheOther(t *testing.T) {
	r := newRig(t, Config{Directory: phoneBook{}})
	answer := r.begin(t, parties(who("sip:2001@10.1.0.2"), who("sip:8802@10.1.0.3")))
	transfer := parties(who("sip:2001@10.1.0.2"), who("sip:8802@10.1.0.3"), who("sip:8803@10.1.0.4"))
	transfer.Metadata.SessionParticipants = []earshot.MetaSessionParticipant{
		{ParticipantID: "sip:2001@10.1.0.2", SessionID: "cs", Disassociate: time.Now()},
	}
	transfer.Media = nil
	if _, err := r.Update(t.Context(), answer.SegmentID, transfer); err != nil {
		t.Fatal(err)
	}
	for i, want := range []earshot.Role{earshot.RoleAgent, earshot.RoleCustomer, earshot.RoleAgent} {
		if p := r.store.only(t).Participants[i]; p.Role != want || p.RoleConfidence < 0.6 {
			t.Errorf("%s is %s (%v by %q), want %s", p.AOR, p.Role, p.RoleConfidence, p.RoleSource, want)
		}
	}
}

func TestDirectoryNamesWhoHasNone(t *testing.T) {
	for given, want := range map[string]string{"": "Mira Holt", "2001": "Mira Holt", "+1 555 0101": "Mira Holt", "M. Holt": "M. Holt"} {
		r := newRig(t, Config{Directory: phoneBook{}})
		o := parties(who("sip:2001@10.0.0.2"), who("sip:+15550100@gw.example"))
		o.Metadata.Participants[0].Names = []string{given}
		r.begin(t, o)
		if p := r.store.only(t).Participants[0]; p.Name != want || p.AgentID != "agent-mira" {
			t.Errorf("name %q becomes %q of %q, want %q", given, p.Name, p.AgentID, want)
		}
	}
}

func TestDialledQueue(t *testing.T) {
	plain := func() earshot.SessionOffer { return parties(who("sip:+15550100@gw.example"), who("sip:2001@10.0.0.2")) }
	header := plain()
	header.Headers = []earshot.Extension{{Space: "sip", Name: "Diversion", Value: "<sip:+15550199@gw.example>;reason=unconditional"}}
	to := plain()
	to.To = "sip:+15550199@recorder.example"
	for name, o := range map[string]earshot.SessionOffer{
		"called party": session(plain(), ext("x/calledPartyNumber", "tel:+15550199")), "Diversion": header, "To": to,
		"To of the call": session(plain(), ext("callData/tohdr", "<sip:+15550199@gw.example>")), "our own": session(plain(), ours("queue", "support")),
		"request URI": parties(who("sip:+15550100@gw.example", ext("request-uri", "sip:+15550199@192.0.2.1:5060")), who("sip:2001@10.0.0.2")),
	} {
		r := newRig(t, Config{Directory: phoneBook{}})
		r.begin(t, o)
		if c := r.store.only(t); c.Queue != "support" || c.Direction != earshot.DirectionInbound {
			t.Errorf("%s: queue %q, direction %s", name, c.Queue, c.Direction)
		}
	}
	r := newRig(t, Config{Directory: phoneBook{}})
	r.begin(t, plain())
	if c := r.store.only(t); c.Queue != "" || c.Direction != earshot.DirectionUnknown {
		t.Errorf("queue %q, direction %s of a call that dialled none", c.Queue, c.Direction)
	}
}

// TestPlaceholderHasNoRole plays Avaya's way: the callee is named later.
func TestPlaceholderHasNoRole(t *testing.T) {
	r := newRig(t, Config{})
	offer := parties(who("sip:13035550101@10.3.0.1"), who("sip:ASBCE@asbce.com"))
	answer := r.begin(t, offer)
	c := r.store.only(t)
	if c.Participants[0].Role != earshot.RoleCustomer || c.Participants[1].Role != earshot.RoleUnknown {
		t.Errorf("participants %+v", c.Participants)
	}
	offer = parties(who("sip:13035550101@10.3.0.1"), who("sip:5321@10.3.0.1"))
	offer.Media = nil
	if _, err := r.Update(t.Context(), answer.SegmentID, offer); err != nil {
		t.Fatal(err)
	}
	c = r.store.only(t)
	if i := slices.IndexFunc(c.Participants, func(p earshot.Participant) bool { return p.AOR == "sip:5321@10.3.0.1" }); c.Participants[i].Role != earshot.RoleAgent {
		t.Errorf("participants %+v", c.Participants)
	}
}

func TestRolesWithoutMetadata(t *testing.T) {
	for from, want := range map[string]earshot.Role{
		"sip:+15550100@gw.example": earshot.RoleCustomer, "sip:2001@10.0.0.2": earshot.RoleAgent, "sip:anonymous@anonymous.invalid": earshot.RoleUnknown,
		"sip:616@10.0.0.2": earshot.RoleAgent, "sip:recorder@10.0.0.2": earshot.RoleUnknown,
	} {
		r := newRig(t, Config{Directory: phoneBook{}})
		r.begin(t, earshot.SessionOffer{DialogID: "d", From: from, Media: []earshot.MediaOffer{audio("")}})
		if p := r.store.only(t).Participants[0]; p.Role != want {
			t.Errorf("%s is %s (%v by %q), want %s", from, p.Role, p.RoleConfidence, p.RoleSource, want)
		}
	}
}

func TestAgentPatterns(t *testing.T) {
	for pattern, cases := range map[string]map[string]bool{
		"2??":             {"sip:201@a.example": true, "sip:2001@a.example": false, "sip:301@a.example": false},
		"*@pbx.example":   {"sip:x@PBX.example:5060;a=b": true, "sip:x@pbx.example.net": false},
		"+4930*":          {"sip:+49301234@a": true, "sip:004930 1234@a": true, "sip:+49401234@a": false},
		"2000-2099":       {"sip:2000@a": true, "sip:2099": true, "sip:2100@a": false, "sip:mira@a": false, "02050": false},
		"front-desk":      {"sip:front-desk@a": true, "sip:front@a": false},
		"*@*.pbx.example": {"sip:x@b.pbx.example": true, "sip:x@pbx.example": false},
		"[":               {"sip:[@a": false},
	} {
		for aor, want := range cases {
			if got := matches(pattern, aor); got != want {
				t.Errorf("matches(%q, %q) = %t", pattern, aor, got)
			}
		}
	}
}

// TestRolesPage keeps docs/roles.md in line with the rules.
func TestRolesPage(t *testing.T) {
	page, err := os.ReadFile("../docs/roles.md")
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, row := range []string{
		fmt.Sprintf("| `%s` | %v |", earshot.RoleFromExtension, sureExtension),
		fmt.Sprintf("| `%s` | %v |", earshot.RoleFromDirectory, sureDirectory),
		fmt.Sprintf("| `%s` | %v |", earshot.RoleFromPattern, surePattern),
		fmt.Sprintf("| `%s` | %v |", earshot.RoleFromVendor, sureVendor),
		fmt.Sprintf("| `%s` | %v |", earshot.RoleFromDirection, sureDirection),
		fmt.Sprintf("| `%s` | %v |", earshot.RoleFromDomain, sureDomain),
		fmt.Sprintf("| `%s` | %v |", earshot.RoleFromNumber, sureNumber),
		fmt.Sprintf("%v for a party alone", sureAlone),
		fmt.Sprintf("| `%s` | %v |", earshot.RoleFromOrder, sureOrder),
		fmt.Sprintf("| `%s` | %v of the other's |", earshot.RoleFromOther, remaining),
		fmt.Sprintf("(%v and more)", told),
	} {
		i := strings.Index(string(page)[at:], row)
		if i < 0 {
			t.Fatalf("docs/roles.md does not say %q at its place", row)
		}
		at += i
	}
}
