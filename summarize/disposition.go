package summarize

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"earshot"
	"earshot/spoken"
)

// disposition is an outcome and the phrases in canonical form that tell it.
type disposition struct {
	name string
	// said by anybody, by the agent, by the customer.
	any, agent, customer []string
}

// The outcomes that are told by more than phrases.
const (
	outcomeFollowUp  = "follow-up"
	outcomeResolved  = "resolved"
	outcomeEscalated = "escalated"
)

// dispositions are the outcomes known, in the order they are looked for: what
// is rarer and surer first.
func dispositions() []disposition {
	return []disposition{
		{name: "wrong number", any: []string{"wrong number", "got the wrong", "dialled wrong", "dialed wrong", "misdialled", "misdialed", "no one by that name", "nobody by that name"}},
		{name: "voicemail", any: []string{"reached the voicemail", "the voicemail of", "voice mail of", "leave a message after", "leave your message after", "after the tone", "after the beep"}},
		{name: "retained", customer: []string{"i will stay", "i will keep it", "i will keep the contract", "i will keep my", "then i stay", "i am staying", "do not cancel it then", "we will stay"}},
		{name: "cancelled", agent: []string{
			"is cancelled", "is canceled", "have cancelled", "have canceled", "has been cancelled", "has been canceled", "is now cancelled", "is now canceled", "cancellation is confirmed", "cancelled your", "canceled your",
			"cancelled it", "canceled it", "cancelled the", "canceled the", "is terminated", "been terminated",
		}},
		{name: "sale", agent: []string{"order is placed", "placed your order", "placed the order", "signed you up", "welcome aboard", "order is confirmed", "order has been placed", "upgraded you"}, customer: []string{"i will take it", "i will take the", "sign me up", "i will order", "we will take it"}},
		{name: "no sale", customer: []string{"not interested", "i will think about it", "think it over", "no thank you i", "i will pass", "maybe later", "not right now", "do not need it", "not buying", "have to think"}},
		{name: outcomeEscalated, agent: []string{
			"transfer you", "put you through", "connect you", "passing your case", "pass your case", "passed your case", "passing this on", "pass this on", "passed this on", "escalate", "escalating", "escalated", "to my supervisor", "to my manager",
			"to a supervisor", "to my team leader", "to the team lead", "my manager will", "my supervisor will", "a supervisor will", "a manager will",
			"have my manager", "have my supervisor", "have a manager", "have a supervisor", "ticket with the", "ticket with our", "case with the", "case with our", "second line", "second level",
		}},
		{name: "appointment", agent: []string{"you are booked", "booked you", "appointment is on", "appointment is confirmed", "appointment is booked", "have you down for", "put you down for", "booked in", "appointment is set", "have booked", "your new appointment", "moved your appointment", "moved it to", "rescheduled"}},
		{name: outcomeResolved, customer: []string{
			"works now", "working now", "it works", "that worked", "that did it", "that fixed it", "it is back", "that solves", "that solved", "it is working", "works again", "working again", "that helps", "that answers",
		}, agent: []string{"glad it works", "glad that worked", "glad it is working", "glad we could", "glad i could"}},
		{name: outcomeFollowUp},
	}
}

// Dispositions returns the names of the outcomes that are known by themselves.
func Dispositions() []string {
	known := dispositions()
	out := make([]string, len(known))
	for i, d := range known {
		out[i] = d.name
	}
	return out
}

// parseDispositions reads the configured list: names of known outcomes, or
// "name: a phrase; another phrase" for others. Those with phrases are looked
// for first. None means all that are known.
func parseDispositions(list []string) ([]disposition, error) {
	known := dispositions()
	if len(list) == 0 {
		return known, nil
	}
	var own, out []disposition
	var names []string
	for _, entry := range list {
		name, phrases, hasPhrases := strings.Cut(entry, ":")
		name = strings.TrimSpace(name)
		if name == "" {
			return nil, errors.New("summary.dispositions: a disposition has no name")
		}
		names = append(names, name)
		if !hasPhrases {
			if !slices.ContainsFunc(known, func(d disposition) bool { return d.name == name }) {
				return nil, fmt.Errorf("summary.dispositions: %q is not known, give it phrases: \"%s: a phrase; another\"", name, name)
			}
			continue
		}
		d := disposition{name: name}
		for p := range strings.SplitSeq(phrases, ";") {
			if c := spoken.Canonical(p); c != "" {
				d.any = append(d.any, c)
			}
		}
		if len(d.any) == 0 {
			return nil, fmt.Errorf("summary.dispositions: %q has no phrases after the colon", name)
		}
		own = append(own, d)
	}
	for _, d := range known {
		isOwn := slices.ContainsFunc(own, func(o disposition) bool { return o.name == d.name })
		if slices.Contains(names, d.name) && !isOwn {
			out = append(out, d)
		}
	}
	return append(own, out...), nil
}

// outcome returns the disposition of a call, "" when nothing tells. What is
// asked is no outcome, nor what is denied.
func outcome(known []disposition, list []*turn, actions []earshot.Action) string {
	promised := slices.ContainsFunc(actions, func(a earshot.Action) bool { return a.Owner == earshot.RoleAgent })
	for _, d := range known {
		if slices.ContainsFunc(list, d.in) || d.name == outcomeFollowUp && promised {
			return d.name
		}
	}
	settled := len(list) > 2 && !promised && len(openQuestions(list)) == 0
	if settled && slices.ContainsFunc(known, func(d disposition) bool { return d.name == outcomeResolved }) {
		return outcomeResolved
	}
	return ""
}

// in reports whether a turn tells the outcome.
func (d *disposition) in(t *turn) bool {
	phrases := d.any
	switch t.role {
	case earshot.RoleAgent:
		phrases = slices.Concat(phrases, d.agent)
	case earshot.RoleCustomer:
		phrases = slices.Concat(phrases, d.customer)
	default:
		phrases = slices.Concat(phrases, d.agent, d.customer)
	}
	for _, s := range t.sentences() {
		if t.words[s.to-1].Question {
			continue
		}
		if d.name == outcomeEscalated && t.role != earshot.RoleCustomer && s.superior() {
			return true
		}
		text := " " + strings.Join(s.terms, " ") + " "
		for _, p := range phrases {
			at := strings.Index(text, " "+p+" ")
			if at >= 0 && !denied(strings.Fields(text[:at])) {
				return true
			}
		}
	}
	return false
}

// superior reports whether a superior is to call: "my manager is out, I'll have
// her call you back".
func (s *sentence) superior() bool {
	return holdsAny(s.terms, "manager", "supervisor", "lead", "leader") && holdsAny(s.terms, "call", "contact", "reach", "ring") && holdsAny(s.terms, "will", "have") && !denied(s.terms)
}

// denied reports whether the words before a phrase deny it or make it depend on
// something.
func denied(before []string) bool {
	for _, w := range before[max(0, len(before)-4):] {
		switch w {
		case "not", "never", "if", "unless", "would", "could", "can", "until", "before":
			return true
		}
	}
	return false
}
