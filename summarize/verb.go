package summarize

import (
	"slices"
	"strings"

	"earshot/spoken"
)

// isAct reports whether what an agent says to do outlasts the call. terms
// begin with the verb.
func isAct(terms []string, due string) bool {
	second := at(terms, 1)
	switch terms[0] {
	case "need", "require", "see", "tell", "say", "explain", "read", "repeat", "wait", "hold", "transfer", "connect", "verify", "pull", "bring",
		"walk", "guide", "help", "assist", "try", "think", "guess", "assume", "hope", "start", "begin", "stay", "know", "want",
		"like", "continue", "admit", "not", "never", "miss", "understand", "use", "show", "remember", "mean", "appreciate", "love", "listen", "search", "type", "enter", "run", "test", "load":
		return false
	case "be":
		return isBeing(terms)
	case "have":
		return isHaving(terms)
	case "put", "place":
		return !slices.Contains(terms, "hold") && !slices.Contains(terms, "through")
	case "speak", "talk":
		return isFollowUp(terms)
	case "check", "look", "ask", "find", "go", "do", "come", "review":
		return due != "" || isFollowUp(terms)
	case "take":
		return second != "a" && second != "the" && second != "some" && second != "another" && second != "your" && second != "down"
	case "let":
		return second == "you" && at(terms, 2) == "know" || second == "them" || second == "him" || second == "her"
	case "get":
		return second != "started" && second != "your" && second != "some" && second != "you" || at(terms, 2) == "a" || second == "you" && len(terms) > 3
	case "give":
		return holdsAny(terms, "call", "ring", "refund", "credit", "discount", "callback", "voucher", "month", "update", "answer")
	case "make":
		return second == "sure" || second == "a" || second == "an" || second == "that" || second == "the"
	}
	if due == "" && isAtOnce(terms) && !isSending(terms[0]) {
		return false
	}
	return len(terms) > 1 || due != ""
}

// isAtOnce reports whether an act is done while the call lasts: "I'll block it
// right away".
func isAtOnce(terms []string) bool {
	text := " " + strings.Join(terms, " ") + " "
	return strings.Contains(text, " right away ") || strings.Contains(text, " right now ") || strings.Contains(text, " straight away ") || strings.HasSuffix(text, " for you now ")
}

// isSending reports whether an act reaches its end elsewhere, later.
func isSending(w string) bool {
	switch w {
	case "send", "ship", "mail", "email", "text", "forward", "post", "dispatch", "call", "refund", "credit", "escalate", "order", "file", "open":
		return true
	}
	return isSendingNow(w)
}

// isBeing tells "be sending you a label" from "be happy to help".
func isBeing(terms []string) bool {
	switch w := at(terms, 1); w {
	case "in":
		return at(terms, 2) == "touch"
	case "sent", "contacted", "refunded", "credited", "notified", "charged", "called", "emailed", "reimbursed":
		return true
	case "asking", "putting", "looking", "transferring", "needing", "checking", "going":
		return false
	default:
		return len(w) > 5 && w[len(w)-3:] == "ing"
	}
}

// isHaving tells "have someone call you" from "have a look".
func isHaving(terms []string) bool {
	switch at(terms, 1) {
	case "someone", "somebody", "our", "them", "him", "her", "it", "that", "my", "one":
		return len(terms) > 2 && at(terms, 2) != "look"
	case "a", "an", "the":
		return at(terms, 2) != "look" && at(terms, 2) != "quick" && len(terms) > 4
	}
	return false
}

// isFollowUp reports whether a small act leads to one that outlasts the call.
func isFollowUp(terms []string) bool {
	for i, w := range terms {
		next := at(terms, i+1)
		switch {
		case w == "back" && i > 0, w == "let" && next == "you" && at(terms, i+2) == "know", w == "into" && terms[0] == "look",
			w == "follow" && next == "up", i > 0 && w == "with" && (next == "the" || next == "our" || next == "my"), terms[0] == "ask" && w == "to" && i > 1,
			i > 0 && (w == "email" || w == "send"):
			return true
		}
	}
	return false
}

// isCustomerAct reports whether what a customer says to do is a promise to the
// other party, not a plan of their own.
func isCustomerAct(terms []string, due string) bool {
	switch terms[0] {
	case "send", "call", "email", "mail", "bring", "return", "ship", "upload", "provide", "fill", "sign", "drop", "forward", "reply", "submit",
		"post", "fax", "text", "sending", "mailing", "emailing", "attach", "scan", "confirm", "contact":
		return len(terms) > 1 || due != ""
	case "pay", "check", "do", "reset", "restart", "try", "come", "pick", "transfer", "unplug", "update", "look":
		return due != "" && at(terms, 1) != "happy" && at(terms, 1) != "waiting" || isFollowUp(terms)
	case "take":
		return due != "" && holdsAny(terms, "to", "back")
	case "get":
		return at(terms, 1) == "back" || due != "" && holdsAny(terms, "to", "you")
	case "let":
		return at(terms, 1) == "you" && at(terms, 2) == "know"
	case "give":
		return holdsAny(terms, "call", "ring")
	}
	return false
}

// isReceiving reports whether a party will get something: "receive an e-mail".
func isReceiving(terms []string) bool {
	switch terms[0] {
	case "receive":
		return len(terms) > 1
	case "get":
		return len(terms) > 2 && at(terms, 1) != "to" && at(terms, 1) != "used" && at(terms, 1) != "the" || holdsAny(terms, "email", "text", "refund", "letter", "confirmation", "call", "money", "reimbursement")
	case "hear":
		return at(terms, 1) == "from" || at(terms, 1) == "back"
	case "be":
		switch at(terms, 1) {
		case "contacted", "refunded", "credited", "notified", "called", "emailed", "sent", "reimbursed", "receiving", "getting", "hearing":
			return true
		}
	case "see", "find":
		return holdsAny(terms, "refund", "credit", "credited", "email", "statement", "reimbursement", "confirmation", "contract", "document", "documents", "ticket", "tickets", "invoice", "letter")
	case "have":
		return holdsAny(terms, "refund", "email", "confirmation", "replacement", "money", "label") && len(terms) > 2
	}
	return false
}

// isThirdAct reports whether somebody or something else will do what matters.
func isThirdAct(terms []string) bool {
	w := terms[0]
	if w == "be" {
		switch next := at(terms, 1); next {
		case "sent", "shipped", "delivered", "credited", "refunded", "processed", "posted", "replaced", "emailed", "mailed", "applied", "reversed",
			"removed", "waived", "there", "in", "with", "calling", "contacting", "coming", "reaching", "issued", "returned", "dispatched", "back", "fixed", "repaired", "transferred", "cancelled", "canceled", "activated":
			return next != "with" || at(terms, 2) == "you"
		}
		return false
	}
	switch w {
	case "call", "contact", "come", "visit", "arrive", "reach", "email", "send", "ship", "review", "investigate", "deliver", "fix", "replace", "get", "pick", "appear", "confirm", "ring", "collect", "repair":
		return len(terms) > 1
	case "go":
		return at(terms, 1) == "out"
	case "show":
		return at(terms, 1) == "up"
	}
	return false
}

func holdsAny(terms []string, list ...string) bool {
	return slices.ContainsFunc(terms, func(w string) bool { return slices.Contains(list, w) })
}

func at(terms []string, i int) string {
	if i >= len(terms) {
		return ""
	}
	return terms[i]
}

// contentStems returns the stems of the words that carry meaning.
func contentStems(text string) map[string]bool {
	out := map[string]bool{}
	for _, w := range spoken.Terms(spoken.Words(text)) {
		if !spoken.IsStop(w) {
			out[spoken.Stem(w)] = true
		}
	}
	return out
}
