package crm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"runtime/debug"
	"strconv"

	"earshot"
	"earshot/crm/phone"
)

// MatchPayload is the payload of a [earshot.JobMatch] job.
type MatchPayload struct {
	Connector string `json:"connector"`
	// Address is the customer's address of record.
	Address string `json:"address"`
}

// MatchJob makes the job to look the customer of a call up. There is one for
// each address that the customer is known under.
func MatchJob(call earshot.CallID, connector, address string) earshot.Job {
	h := fnv.New64a()
	h.Write([]byte(address))
	key := string(call) + "-" + connector + "-" + strconv.FormatUint(h.Sum64(), 36)
	j := earshot.NewJob(earshot.JobMatch, call, key, MatchPayload{connector, address})
	j.Lane = "match:" + connector + ":" + strconv.FormatUint(h.Sum64()%deliverLanes, 10)
	return j
}

// Matcher finds out whose number the customer's is. It is the worker of
// [earshot.JobMatch] jobs, which run while the call does, so that the agent sees
// who it is. It never makes a lead.
type Matcher struct {
	store   DeliveryStore
	finders map[string]Finder
	limits  limits
	mapping *Mapping
	// region is where a number without a country code is from.
	region string
	log    *slog.Logger
}

// NewMatcher makes the matcher for those of the connectors that are a [Finder].
// The region is an ISO 3166-1 code, or "" when national numbers mean nothing;
// mapping may be nil.
func NewMatcher(store DeliveryStore, connectors []Connector, mapping *Mapping, region string, log *slog.Logger) (*Matcher, error) {
	if region != "" && !phone.ValidRegion(region) {
		return nil, fmt.Errorf("crm.region: %q is no country like DE", region)
	}
	m := &Matcher{
		store: store, finders: map[string]Finder{}, limits: newLimits(connectors, mapping), mapping: mapping, region: region, log: log,
	}
	for _, c := range connectors {
		if f, ok := c.(Finder); ok {
			m.finders[c.Name()] = f
		}
	}
	return m, nil
}

// Jobs returns the jobs to look the customer of a call up, none while it is not
// certain who that is.
func (m *Matcher) Jobs(c *earshot.Call) []earshot.Job {
	customer := CustomerOf(c.Participants)
	if customer == nil {
		return nil
	}
	var jobs []earshot.Job
	for name := range m.finders {
		jobs = append(jobs, MatchJob(c.ID, name, customer.AOR))
	}
	return jobs
}

// maxLookUps is how often a system is asked during the call. After that it is
// asked again when the note is delivered.
const maxLookUps = 5

// Handle looks one up. That the system could not be asked is stored as well,
// before Handle returns the error.
func (m *Matcher) Handle(ctx context.Context, j earshot.Job) (earshot.Commit, error) {
	var p MatchPayload
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return earshot.Commit{}, earshot.Permanent(fmt.Errorf("decode match job: %w", err))
	}
	if m.finders[p.Connector] == nil {
		return earshot.Commit{}, earshot.Permanent(fmt.Errorf("no connector %.50q that can look numbers up is configured", p.Connector))
	}
	found, err := m.find(ctx, p.Connector, p.Address)
	c := matchCommit(j.CallID, found)
	if err == nil || j.Attempts+1 >= maxLookUps {
		return c, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	if _, storeErr := m.store.Apply(ctx, c); storeErr != nil {
		return earshot.Commit{}, errors.Join(err, storeErr)
	}
	return earshot.Commit{}, err
}

func matchCommit(call earshot.CallID, m earshot.Match) earshot.Commit {
	v := earshot.CallMatch{CallID: call, Match: m}
	return earshot.Commit{
		Matches: []earshot.CallMatch{v},
		Events:  []earshot.Event{earshot.NewEvent(earshot.EventCallMatched, call, v)},
	}
}

// find looks an address up in one system. With an error the match is a failed
// one.
func (m *Matcher) find(ctx context.Context, connector, address string) (earshot.Match, error) {
	out := earshot.Match{Connector: connector, State: earshot.MatchNone, At: now()}
	n, ok := phone.Parse(address, m.region)
	if !ok {
		if phone.Anonymous(address) {
			out.State = earshot.MatchAnonymous
		}
		return out, nil
	}
	out.Number = n.Raw
	if n.E164 != "" {
		out.Number = n.E164
	}
	list, err := m.ask(ctx, connector, n)
	out.At = now()
	if err != nil {
		out.State = earshot.MatchFailed
		return out, fmt.Errorf("look a number up in %s: %w", connector, err)
	}
	contacts := having(list, n)
	out.Candidates = len(contacts)
	switch len(contacts) {
	case 0:
	case 1:
		out.State, out.Contact = earshot.MatchMatched, &contacts[0]
	default:
		out.State = earshot.MatchSeveral
	}
	return out, nil
}

func (m *Matcher) ask(ctx context.Context, connector string, n phone.Number) (list []Candidate, err error) {
	if err := m.limits.wait(ctx, connector); err != nil {
		return nil, err
	}
	defer recovered(m.log, connector, &err)
	return m.finders[connector].Find(ctx, n)
}

// recovered makes a panic of a connector an error.
func recovered(log *slog.Logger, connector string, err *error) {
	if p := recover(); p != nil {
		log.Error("connector panicked", "connector", connector, "stack", string(debug.Stack()))
		*err = errPanicked
	}
}

var errPanicked = errors.New("connector panicked")

// having returns the contacts that really have the number, each once: searches
// find what looks alike, and some systems return everybody when they do not
// understand the question.
func having(list []Candidate, n phone.Number) []earshot.Contact {
	var out []earshot.Contact
	seen := map[string]bool{}
	for _, c := range list {
		for _, written := range c.Numbers {
			if !seen[c.ID] && n.Same(written) {
				seen[c.ID] = true
				out = append(out, c.Contact)
			}
		}
	}
	return out
}

// settle returns the match that a note is written with. What is certain stays,
// or a note could move to another contact; the rest is looked up once more, and
// with leads a lead is made where the mapping wants it. An error is one of the
// system.
func (m *Matcher) settle(ctx context.Context, n earshot.Note, leads bool) (*earshot.Match, error) {
	f := m.finders[n.Connector]
	if f == nil {
		return n.Match, nil
	}
	if n.Match != nil && (n.Match.Contact != nil || n.Match.State == earshot.MatchAnonymous) {
		return n.Match, nil
	}
	customer := CustomerOf(n.Participants)
	if customer == nil {
		return &earshot.Match{Connector: n.Connector, State: earshot.MatchNone, At: now()}, nil
	}
	found, err := m.find(ctx, n.Connector, customer.AOR)
	if err != nil {
		return nil, err
	}
	maker, makes := f.(LeadMaker)
	number, isNumber := phone.Parse(customer.AOR, m.region)
	if found.State != earshot.MatchNone || !leads || !m.mapping.MakesLeads(n.Connector) || !makes || !isNumber || number.E164 == "" {
		return &found, nil
	}
	lead, err := m.makeLead(ctx, n.Connector, maker, number)
	if err != nil {
		return nil, fmt.Errorf("make a lead in %s: %w", n.Connector, err)
	}
	found.State, found.Contact = earshot.MatchMade, &lead
	return &found, nil
}

func (m *Matcher) makeLead(ctx context.Context, connector string, maker LeadMaker, n phone.Number) (lead earshot.Contact, err error) {
	defer recovered(m.log, connector, &err)
	return maker.MakeLead(ctx, n)
}

// Preview returns the note as it would be delivered now, without making a lead.
// When the system can't be asked it comes with the error.
func (m *Matcher) Preview(ctx context.Context, n earshot.Note) (earshot.Note, error) {
	match, err := m.settle(ctx, n, false)
	if err != nil {
		match = &earshot.Match{Connector: n.Connector, State: earshot.MatchFailed, At: now()}
	}
	return m.addressed(n, match), err
}

// addressed returns the note as it is written on a match: where it has no
// contact, for the queue of those nobody knows.
func (m *Matcher) addressed(n earshot.Note, match *earshot.Match) earshot.Note {
	n.Match = match
	queue := m.mapping.Unassigned(n.Connector)
	if n.Writing == nil || queue == "" || match == nil || match.Contact != nil {
		return n
	}
	w := *n.Writing
	w.Queue = queue
	n.Writing = &w
	return n
}
