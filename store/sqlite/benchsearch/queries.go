package main

import (
	"math/rand/v2"
	"slices"
	"time"

	"earshot"
	"earshot/store"
)

// kind is a kind of query: each time a text and a facet of it are drawn.
type kind struct {
	name   string
	texts  []string
	rank   bool
	facets []func(r *rand.Rand, q *store.SearchQuery)
	// goal is what p95 should stay under, 0 for none.
	goal time.Duration
}

// The texts by how many of the utterances have them; the command prints that.
var (
	rare     = []string{"zimepu", "tipugo", "lipozi", "ginemi", "zebra"}
	middle   = []string{"refund", "charge", "gisano", "difugi", "nibalo", "kimofu"}
	common   = []string{"router", "contract", "email", "tuesday", "morning", "anything", "rilide"}
	stop     = []string{"the", "you", "to", "is", "my", "number", "please"}
	phrases  = []string{`"thank you"`, `"is there anything else"`, `"the last name"`, `"how can I help"`, `"your order"`, `"of the"`}
	apart    = []string{`"the the"`, `"to the to"`, `"my order number"`}
	prefixes = []string{"re*", "con*", "th*", "an*", "refun*", "custom*", "speak*", "number*", `"thank yo"*`}
	several  = []string{"the router", "my card number", "please email the contract", "thank you tuesday", "the tipugo", "tuesday lunch"}
	allWords = [][]string{rare, middle, common, stop, phrases, prefixes, several}
)

type facet = func(r *rand.Rand, q *store.SearchQuery)

// since returns a time of the two years.
func since(r *rand.Rand) time.Time { return newest.Add(-time.Duration(r.IntN(days*24)) * time.Hour) }

func pickOne[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func byRole(r *rand.Rand, q *store.SearchQuery) {
	q.Role = pickOne(r, earshot.RoleAgent, earshot.RoleCustomer)
}

func byDirection(r *rand.Rand, q *store.SearchQuery) {
	q.Direction = pickOne(r, earshot.DirectionInbound, earshot.DirectionOutbound, earshot.DirectionInternal, earshot.DirectionUnknown)
}

func byCommonTag(r *rand.Rand, q *store.SearchQuery) {
	q.Tag = pickOne(r, tags[0], tags[1], tags[2], tags[3]).name
}

func byRareTag(r *rand.Rand, q *store.SearchQuery) {
	q.Tag = pickOne(r, tags[4].name, tags[5].name, "nobody:has")
}

func byAgent(r *rand.Rand, q *store.SearchQuery) { q.AgentID = agentID(r.IntN(agents)) }

func byDay(r *rand.Rand, q *store.SearchQuery) { q.From = since(r); q.To = q.From.AddDate(0, 0, 1) }

func byMonths(r *rand.Rand, q *store.SearchQuery) { q.From = since(r); q.To = q.From.AddDate(0, 2, 5) }

func before(r *rand.Rand, q *store.SearchQuery) { q.To = since(r) }

func byLength(r *rand.Rand, q *store.SearchQuery) {
	q.Longer = pickOne(r, 2*time.Minute, 5*time.Minute, 12*time.Minute, 25*time.Minute, 3*time.Hour)
}

func byCall(r *rand.Rand, q *store.SearchQuery) { q.CallID = callID(r.IntN(40_000)) }

func ofAgent(r *rand.Rand, q *store.SearchQuery) { q.Audience.AgentID = agentID(r.IntN(agents)) }

func ofTeam(r *rand.Rand, q *store.SearchQuery) { q.Audience.Team = teamID(r.IntN(teams)) }

// goals of the two orders.
const (
	newestGoal = 30 * time.Millisecond
	rankGoal   = 150 * time.Millisecond
)

// kinds is the mix.
func kinds() []kind {
	all := slices.Concat(allWords...)
	upTo5 := slices.Concat(rare, middle, common)
	list := []kind{
		{name: "rare word", texts: rare},
		{name: "middle word", texts: middle},
		{name: "common word", texts: common},
		{name: "word in up to 55 %", texts: stop},
		{name: "phrase", texts: phrases},
		{name: "beginning", texts: prefixes},
		{name: "several words", texts: several},
		{name: "any text, role", texts: all, facets: []facet{byRole}},
		{name: "any text, direction", texts: all, facets: []facet{byDirection}},
		{name: "any text, common tag", texts: all, facets: []facet{byCommonTag}},
		{name: "any text, rare tag", texts: all, facets: []facet{byRareTag}},
		{name: "any text, agent", texts: all, facets: []facet{byAgent}},
		{name: "any text, one day", texts: all, facets: []facet{byDay}},
		{name: "any text, two months", texts: all, facets: []facet{byMonths}},
		{name: "any text, before a day", texts: all, facets: []facet{before}},
		{name: "any text, longer than", texts: all, facets: []facet{byLength}},
		{name: "any text, one call", texts: all, facets: []facet{byCall}},
		{name: "any text, what an agent may see", texts: all, facets: []facet{ofAgent}},
		{name: "any text, what a team may see", texts: all, facets: []facet{ofTeam}},
		{name: "any text, agent, role, direction", texts: all, facets: []facet{byAgent, byRole, byDirection}},
		{name: "any text, rare tag, agent, two months", texts: all, facets: []facet{byRareTag, byAgent, byMonths}},
		{name: "any text, common tag, role, longer than, two months", texts: all, facets: []facet{byCommonTag, byRole, byLength, byMonths}},
		{name: "any text, all facets, what a team may see", texts: all, facets: []facet{byCommonTag, byAgent, byRole, byDirection, byMonths, byLength, ofTeam}},
	}
	for i := range list {
		list[i].goal = newestGoal
	}
	best := []kind{
		{name: "best first: words of up to 5 %", texts: upTo5, rank: true, goal: rankGoal},
		{name: "best first: the same with a facet", texts: upTo5, rank: true, facets: []facet{anyFacet}, goal: rankGoal},
		{name: "best first: any text", texts: all, rank: true},
		{name: "phrase of common words that is not there", texts: apart},
	}
	return slices.Concat(list, best)
}

func anyFacet(r *rand.Rand, q *store.SearchQuery) {
	pickOne(r, byRole, byDirection, byCommonTag, byRareTag, byAgent, byMonths, byLength, ofTeam)(r, q)
}

// draw makes a query of the kind.
func (k kind) draw(r *rand.Rand) store.SearchQuery {
	q := store.SearchQuery{Text: pickOne(r, k.texts...), Rank: k.rank}
	for _, f := range k.facets {
		f(r, &q)
	}
	return q
}
