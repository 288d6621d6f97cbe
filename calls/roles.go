package calls

import (
	"math"
	"slices"
	"strings"

	"earshot"
)

// Directory knows who works in the contact centre. It is asked while calls are
// locked, so it must answer from memory. It is safe for concurrent use.
type Directory interface {
	// Agent returns the agent with an address of record, a number or an ID.
	Agent(address string) (earshot.Agent, bool)
	// Queue returns the queue with a number or an ID.
	Queue(address string) (earshot.Queue, bool)
}

// nobody is the directory of who has none.
type nobody struct{}

func (nobody) Agent(string) (earshot.Agent, bool) { return earshot.Agent{}, false }
func (nobody) Queue(string) (earshot.Queue, bool) { return earshot.Queue{}, false }

// How sure a role is by what it was found, see docs/roles.md. What somebody
// said is [told] or more, what was put together from hints is less.
const (
	sureExtension = 1.0
	sureDirectory = 0.95
	surePattern   = 0.9
	told          = surePattern
	sureVendor    = 0.8
	sureDirection = 0.6
	sureDomain    = 0.5
	sureNumber    = 0.4
	sureAlone     = 0.3 // a number with nothing to compare it with
	sureOrder     = 0.2
	// remaining is how much of one's certainty the other of two has.
	remaining = 0.85
)

// guess is a role with what speaks for it. The zero value is none.
type guess struct {
	role   earshot.Role
	sure   float64
	source earshot.RoleSource
}

// assignRoles finds out who of a segment's participants is the agent. Roles
// belong to participants: who sends which stream is the metadata's to say and
// is not touched. An earlier, surer role stays.
func (c *call) assignRoles(id earshot.SegmentID, offer earshot.SessionOffer) {
	ev := c.evidence(id, offer)
	if d := ev.direction; d != "" {
		c.rec.Direction = d
	}
	c.dialled(ev)
	best := make([]guess, len(ev.parties))
	for i, p := range ev.parties {
		c.identify(p)
		best[i] = stronger(guess{p.Role, p.RoleConfidence, p.RoleSource}, c.m.guess(ev, p))
	}
	if len(best) == 2 {
		best[0], best[1] = surer(best[0], best[1].other()), surer(best[1], best[0].other())
	}
	for i, p := range ev.parties {
		p.Role, p.RoleConfidence, p.RoleSource = best[i].role, best[i].sure, best[i].source
	}
}

// stronger returns which of an earlier and a later guess counts.
func stronger(earlier, later guess) guess {
	if earlier.role == "" {
		earlier.role = earshot.RoleUnknown
	}
	if later.role != "" && (later.sure > earlier.sure || later.sure == earlier.sure && later.sure >= told) {
		return later
	}
	return earlier
}

// surer returns the surer of a participant's own role and what is left.
func surer(own, left guess) guess {
	if left.sure > own.sure {
		return left
	}
	return own
}

// other returns the role that is left for the other of two.
func (g guess) other() guess {
	left := map[earshot.Role]earshot.Role{
		earshot.RoleAgent: earshot.RoleCustomer, earshot.RoleCustomer: earshot.RoleAgent,
	}[g.role]
	if left == "" {
		return guess{}
	}
	return guess{left, math.Round(g.sure*remaining*100) / 100, earshot.RoleFromOther}
}

// guess asks the rules, the surest first.
func (m *Manager) guess(ev *evidence, p *party) guess {
	if p.placeholder() {
		return guess{}
	}
	for _, rule := range []func(*evidence, *party) guess{
		byExtension, byDirectory, m.byPattern, byVendor, byDirection, byDomain, byNumber, byOrder,
	} {
		if g := rule(ev, p); g.role != "" {
			return g
		}
	}
	return guess{}
}

// identify takes over what the directory knows of a participant.
func (c *call) identify(p *party) {
	agent, ok := earshot.Agent{}, false
	for _, address := range p.addresses() {
		if agent, ok = c.m.cfg.Directory.Agent(address); ok {
			break
		}
	}
	if !ok {
		return
	}
	p.agent = true
	p.AgentID, p.Team = agent.ID, agent.Team
	user, _, _ := earshot.SplitAOR(p.AOR)
	if agent.Name != "" && (p.Name == "" || p.Name == user || earshot.NumberKey(p.Name) != "") {
		p.Name = agent.Name
	}
}

// dialled notes the queue that was dialled. The first one counts: it is what
// the caller wanted, the next one where they were sent.
func (c *call) dialled(ev *evidence) {
	for _, address := range ev.dialled {
		if q, ok := c.m.cfg.Directory.Queue(address); ok {
			if c.rec.Queue == "" {
				c.rec.Queue = q.ID
			}
			if c.rec.Direction == earshot.DirectionUnknown || c.rec.Direction == "" {
				c.rec.Direction = earshot.DirectionInbound
			}
			break
		}
	}
	ev.direction = c.rec.Direction
}

// byExtension reads the role that our own extension data names.
func byExtension(_ *evidence, p *party) guess {
	for _, e := range p.meta.Extensions {
		if e.Space == ExtensionSpace && e.Name == "role" {
			switch r := earshot.Role(strings.ToLower(strings.TrimSpace(e.Value))); r {
			case earshot.RoleAgent, earshot.RoleCustomer:
				return guess{r, sureExtension, earshot.RoleFromExtension}
			}
		}
	}
	return guess{}
}

func byDirectory(_ *evidence, p *party) guess {
	if p.agent {
		return guess{earshot.RoleAgent, sureDirectory, earshot.RoleFromDirectory}
	}
	return guess{}
}

// byPattern compares with the configured patterns of agents.
func (m *Manager) byPattern(_ *evidence, p *party) guess {
	for _, pattern := range m.cfg.Agents {
		if slices.ContainsFunc(p.meta.AORs, func(aor string) bool { return matches(pattern, aor) }) {
			return guess{earshot.RoleAgent, surePattern, earshot.RoleFromPattern}
		}
	}
	return guess{}
}

// byVendor reads what the recording client's own data says: whose call it
// recorded, or who called, and in which direction.
func byVendor(ev *evidence, p *party) guess {
	agent := guess{earshot.RoleAgent, sureVendor, earshot.RoleFromVendor}
	customer := guess{earshot.RoleCustomer, sureVendor, earshot.RoleFromVendor}
	switch {
	case p.says("x-nearenddevice") != "" || ev.recorded == p:
		return agent
	case p.says("x-farenddevice") != "":
		return customer
	case ev.caller == nil || !ev.directed || len(ev.parties) != 2:
		return guess{}
	case ev.direction == earshot.DirectionInternal:
		return agent
	case (ev.direction == earshot.DirectionInbound) == (ev.caller == p):
		return customer
	}
	return agent
}

// byDirection takes the caller of an inbound call for the customer, the caller
// of an outbound one for the agent. Unless told otherwise, who comes first has
// called.
func byDirection(ev *evidence, p *party) guess {
	caller := ev.caller
	if caller == nil {
		caller = ev.first
	}
	g := guess{earshot.RoleAgent, sureDirection, earshot.RoleFromDirection}
	switch {
	case ev.direction == earshot.DirectionInternal:
		return g
	case ev.direction != earshot.DirectionInbound && ev.direction != earshot.DirectionOutbound, caller == nil, len(ev.parties) != 2:
		return guess{}
	case (ev.direction == earshot.DirectionInbound) == (caller == p):
		g.role = earshot.RoleCustomer
	}
	return g
}

// byDomain takes who is registered under the domain of the recording session
// for the agent, when some are and others are not.
func byDomain(ev *evidence, p *party) guess {
	return split(ev, p, sureDomain, earshot.RoleFromDomain, func(p *party) side {
		_, host, _ := earshot.SplitAOR(p.AOR)
		d := registered(host)
		switch {
		case d == "" || len(ev.domains) == 0:
			return unclear
		case slices.Contains(ev.domains, d):
			return inside
		}
		return outside
	})
}

// byNumber takes a short number or a name for one inside, a whole number (ITU-T
// E.164) for one outside.
func byNumber(ev *evidence, p *party) guess {
	if g := split(ev, p, sureNumber, earshot.RoleFromNumber, shape); g.role != "" || len(ev.parties) != 1 {
		return g
	}
	user, _, _ := earshot.SplitAOR(p.AOR)
	switch {
	case earshot.NumberKey(user) == "": // a name alone may be the recording client's own
		return guess{}
	case shape(p) == outside:
		return guess{earshot.RoleCustomer, sureAlone, earshot.RoleFromNumber}
	}
	return guess{earshot.RoleAgent, sureAlone, earshot.RoleFromNumber}
}

// byOrder is the last resort with two parties: the caller, else who sends the
// first stream, is the customer, as most calls come in.
func byOrder(ev *evidence, p *party) guess {
	caller := ev.caller
	if caller == nil {
		caller = ev.first
	}
	switch {
	case len(ev.parties) != 2 || caller == nil:
		return guess{}
	case p == caller:
		return guess{earshot.RoleCustomer, sureOrder, earshot.RoleFromOrder}
	}
	return guess{earshot.RoleAgent, sureOrder, earshot.RoleFromOrder}
}
