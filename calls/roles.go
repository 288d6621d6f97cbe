package calls

import (
	"path"
	"slices"
	"strings"

	"earshot"
)

// How sure each rule for the role of a participant is; docs/roles.md tells
// them to users. A guess never replaces one that is surer.
const (
	sureExtension = 1.0
	surePattern   = 0.9
	sureVendor    = 0.8
	sureDirection = 0.7
	sureDomain    = 0.6
	sureNumber    = 0.5
	sureOrder     = 0.2
	// otherParty is how much less sure the role is that is left for the second
	// of two.
	otherParty = 0.9
)

// guess is a role, how sure it is (0 to 1), and the rule that says so.
type guess struct {
	role   earshot.Role
	sure   float64
	source string
}

// assume takes a guess over unless a surer one is known.
func assume(p *earshot.Participant, g guess) {
	if g.role != "" && g.role != earshot.RoleUnknown && g.sure >= p.RoleConfidence {
		p.Role, p.RoleConfidence, p.RoleSource = g.role, g.sure, g.source
	}
}

// castings are the participants that the metadata of a session names, and what
// is known of the session.
type castings struct {
	offer  earshot.SessionOffer
	people []casting
	// caller and callee are indexes of people, -1 where that is not known.
	caller, callee int
	facts          facts
}

type casting struct {
	p    *earshot.Participant
	meta earshot.MetaParticipant
}

// assignRoles applies the rules to the participants of a session, each on its
// own: the surest one that says anything counts.
func (c *call) assignRoles(offer earshot.SessionOffer) {
	cs := c.castings(offer)
	if d := cs.facts.direction; d != "" {
		c.rec.Direction = d
	}
	for i := range cs.people {
		for _, g := range []guess{
			c.m.byExtension(cs.people[i]), c.m.byPattern(cs.people[i]), cs.bySubscriber(i),
			cs.byDirection(i, c.rec.Direction), cs.byDomain(i), cs.byNumber(i),
		} {
			assume(cs.people[i].p, g)
		}
	}
	if len(cs.people) == 2 {
		complement(cs.people[0].p, cs.people[1].p)
		c.byOrder(cs)
	}
}

func (c *call) castings(offer earshot.SessionOffer) castings {
	cs := castings{offer: offer, facts: factsOf(offer), caller: -1, callee: -1}
	for _, meta := range offer.Metadata.Participants {
		if i := c.participantBySource(meta.ID); i >= 0 {
			cs.people = append(cs.people, casting{&c.rec.Participants[i], meta})
		}
	}
	for i, who := range cs.people {
		calling := extensionValue(who.meta.Extensions, "callingparty")
		switch {
		case strings.EqualFold(calling, "true") || sameNumber(who.p.AOR, cs.facts.caller):
			cs.caller = i
		case strings.EqualFold(calling, "false") || sameNumber(who.p.AOR, cs.facts.callee):
			cs.callee = i
		}
	}
	if len(cs.people) == 2 && cs.caller != cs.callee {
		switch {
		case cs.caller < 0:
			cs.caller = 1 - cs.callee
		case cs.callee < 0:
			cs.callee = 1 - cs.caller
		}
	}
	return cs
}

// byExtension reads our own extension data.
func (m *Manager) byExtension(who casting) guess {
	for _, e := range who.meta.Extensions {
		if e.Space == ExtensionSpace && e.Name == "role" {
			switch r := earshot.Role(strings.ToLower(strings.TrimSpace(e.Value))); r {
			case earshot.RoleAgent, earshot.RoleCustomer:
				return guess{r, sureExtension, "extension"}
			}
		}
	}
	return guess{}
}

// byPattern matches the configured addresses of agents.
func (m *Manager) byPattern(who casting) guess {
	if m.isAgent(who.p.AOR) {
		return guess{earshot.RoleAgent, surePattern, "pattern"}
	}
	return guess{}
}

func (m *Manager) isAgent(aor string) bool {
	address := stripScheme(aor)
	user, _, _ := strings.Cut(address, "@")
	return slices.ContainsFunc(m.cfg.Agents, func(pattern string) bool {
		subject := user
		if strings.Contains(pattern, "@") {
			subject = address
		}
		ok, err := path.Match(pattern, subject)
		return err == nil && ok
	})
}

// bySubscriber: some say whose line is recorded, that of the caller or that of
// the callee; it is the agent's.
func (cs castings) bySubscriber(i int) guess {
	subscriber := -1
	switch cs.facts.subscriber {
	case "caller":
		subscriber = cs.caller
	case "callee":
		subscriber = cs.callee
	}
	switch {
	case subscriber < 0:
		return guess{}
	case subscriber == i:
		return guess{earshot.RoleAgent, sureVendor, "vendor"}
	case len(cs.people) == 2:
		return guess{earshot.RoleCustomer, sureVendor, "vendor"}
	}
	return guess{}
}

// byDirection: who calls in is a customer, who is called by an agent too.
func (cs castings) byDirection(i int, d earshot.Direction) guess {
	outside := -1
	switch d {
	case earshot.DirectionInbound:
		outside = cs.caller
	case earshot.DirectionOutbound:
		outside = cs.callee
	}
	switch {
	case outside < 0:
		return guess{}
	case outside == i:
		return guess{earshot.RoleCustomer, sureDirection, "direction"}
	case len(cs.people) == 2:
		return guess{earshot.RoleAgent, sureDirection, "direction"}
	}
	return guess{}
}

// byDomain: the one whose address is of the domain that forks the call.
func (cs castings) byDomain(i int) guess {
	home := func(p *earshot.Participant) bool {
		host := hostOf(p.AOR)
		return host != "" && (host == hostOf(cs.offer.From) || host == hostOf(cs.offer.To))
	}
	at := 0
	for _, who := range cs.people {
		if home(who.p) {
			at++
		}
	}
	if at == 1 && len(cs.people) > 1 && home(cs.people[i].p) {
		return guess{earshot.RoleAgent, sureDomain, "domain"}
	}
	return guess{}
}

// byNumber: short numbers are extensions, long ones are outside, where there
// are both.
func (cs castings) byNumber(i int) guess {
	short, long := false, false
	for _, who := range cs.people {
		n := len(digitsOf(who.p.AOR))
		short, long = short || n >= 2 && n <= 6, long || n >= 9
	}
	if !short || !long {
		return guess{}
	}
	switch n := len(digitsOf(cs.people[i].p.AOR)); {
	case n >= 2 && n <= 6:
		return guess{earshot.RoleAgent, sureNumber, "number"}
	case n >= 9:
		return guess{earshot.RoleCustomer, sureNumber, "number"}
	}
	return guess{}
}

// complement gives the less sure of two parties the role that the other one
// leaves, unless it is about as sure itself.
func complement(a, b *earshot.Participant) {
	if a.RoleConfidence < b.RoleConfidence {
		a, b = b, a
	}
	left := map[earshot.Role]earshot.Role{
		earshot.RoleAgent: earshot.RoleCustomer, earshot.RoleCustomer: earshot.RoleAgent,
	}[a.Role]
	if sure := a.RoleConfidence * otherParty; sure > b.RoleConfidence {
		assume(b, guess{left, sure, "other party"})
	}
}

// byOrder is the last resort for two parties of whom nothing is known: the
// first stream is the agent's.
func (c *call) byOrder(cs castings) {
	if cs.people[0].p.RoleConfidence > 0 || cs.people[1].p.RoleConfidence > 0 {
		return
	}
	for _, s := range c.rec.Streams {
		if len(s.ParticipantIDs) != 1 {
			continue
		}
		for i, who := range cs.people {
			if who.p.ID == s.ParticipantIDs[0] {
				assume(who.p, guess{earshot.RoleAgent, sureOrder, "order"})
				assume(cs.people[1-i].p, guess{earshot.RoleCustomer, sureOrder, "order"})
				return
			}
		}
	}
}
