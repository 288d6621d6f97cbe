// Package redact masks payment cards in what people say: card numbers, written
// or spoken, whole or in pieces over several utterances, and the security code
// and expiry date near them.
//
// A number of 13 to 19 digits with a right check digit is a card number, in
// any grouping. After talk of a card a number of that length is one even with
// a wrong check digit, for the recogniser may have misheard a digit. Longer
// numbers are searched for card numbers within. Other numbers stay: phone
// numbers, order numbers, dates, amounts.
package redact

import (
	"slices"
	"strings"

	"earshot/transcribe/line"
)

// What stands in the place of what is masked.
const (
	CardNumber   = "[card number]"
	SecurityCode = "[security code]"
	Expiry       = "[expiry date]"
	// InProgress hides digits of a partial that may become a card number.
	InProgress = "\u2022\u2022\u2022\u2022"
)

// Mask masks cards in one text that stands alone.
func Mask(text string) string { return replace(text, cards([]string{text}, false)[0]) }

// cards finds what to mask in the texts, taken as one piece of speech. talk
// says that a card was spoken of before.
func cards(texts []string, talk bool) [][]line.Edit {
	atoms := scan(texts)
	out := make([][]line.Edit, len(texts))
	card := talk
	for _, r := range runs(atoms) {
		spoken := talk || talkBefore(atoms, r.first)
		switch {
		case hasCard(atoms, r), spoken && r.long(minCard-1, maxCard) && !otherBefore(atoms, r.first):
			cover(out, atoms, r, CardNumber)
			card = true
		case r.long(3, 4) && (askedBefore(atoms, r.first, isSecurityCode) || (card || spoken) && backBefore(atoms, r.first)):
			cover(out, atoms, r, SecurityCode)
		case r.long(2, 6) && (card || spoken) && askedBefore(atoms, r.first, isExpiry):
			cover(out, atoms, r, Expiry)
		}
	}
	return out
}

// cover masks a run, in one piece in each text it touches.
func cover(out [][]line.Edit, atoms []atom, r run, by string) {
	last := -1
	for _, a := range atoms[r.first : r.last+1] {
		if a.digits == "" {
			continue
		}
		edits := out[a.text]
		if a.text == last {
			edits[len(edits)-1].End = a.end
			continue
		}
		last = a.text
		out[a.text] = append(edits, line.Edit{Start: a.start, End: a.end, By: by})
	}
}

// replace returns the text with edits made that are in order.
func replace(text string, edits []line.Edit) string {
	for _, e := range slices.Backward(edits) {
		text = text[:e.Start] + e.By + text[e.End:]
	}
	return text
}

// isCardWord reports whether the word is one that people call a card by.
func isCardWord(word string) bool {
	switch strings.TrimSuffix(word, "s") {
	case "card", "visa", "mastercard", "amex", "maestro", "discover", "credit", "debit":
		return true
	}
	return false
}

// isOtherWord reports whether the word names what has long numbers but is no
// card.
func isOtherWord(word string) bool {
	switch strings.TrimSuffix(word, "s") {
	case "order", "tracking", "reference", "phone", "telephone", "mobile", "invoice", "ticket", "case", "serial",
		"policy", "iban", "call":
		return true
	}
	return false
}

// isPlaceWord reports whether the word names another number that people are
// asked for, near cards too.
func isPlaceWord(word string) bool {
	switch word {
	case "zip", "postcode", "postal", "birth", "address", "extension", "phone", "email":
		return true
	}
	return false
}

// talkBefore reports whether a card is spoken of in the words before atom at.
func talkBefore(atoms []atom, at int) bool {
	return nearest(atoms, at, isCardWord) > nearest(atoms, at, isOtherWord)
}

// otherBefore reports whether another number is spoken of since any card.
func otherBefore(atoms []atom, at int) bool {
	return nearest(atoms, at, isOtherWord) > nearest(atoms, at, isCardWord)
}

// nearest returns the index of the last such atom within twelve before at, or
// -1.
func nearest(atoms []atom, at int, is func(word string) bool) int {
	const reach = 12
	for i := at - 1; i >= max(0, at-reach); i-- {
		if is(atoms[i].word) {
			return i
		}
	}
	return -1
}

// askedBefore reports whether one of the seven atoms before at begins what the
// digits are named by. Digits between belong to the name's own number.
func askedBefore(atoms []atom, at int, named func(word, next string) bool) bool {
	const reach = 7
	for i := at - 1; i >= max(0, at-reach); i-- {
		next := ""
		if i+1 < len(atoms) {
			next = atoms[i+1].word
		}
		if named(atoms[i].word, next) {
			return true
		}
	}
	return false
}

// backBefore reports whether the digits on the back of a card are spoken of in
// the words before atom at.
func backBefore(atoms []atom, at int) bool {
	const reach = 7
	for i := at - 1; i >= max(0, at-reach); i-- {
		if isBack(atoms[:at], i) {
			return true
		}
	}
	return false
}

func isSecurityCode(word, next string) bool {
	switch word {
	case "cvv", "cvc", "cvn", "cid":
		return true
	case "c", "v", "vee": // said letter by letter
		return (word != "c" && next == "v") || next == "vee" || word == "v" && next == "c"
	case "security", "verification", "safety":
		return next == "code" || next == "number" || next == "digits"
	}
	return false
}

func isExpiry(word, next string) bool {
	switch {
	case word == "exp", strings.HasPrefix(word, "expir"), strings.HasPrefix(word, "expia"):
		return true
	case word == "valid" || word == "good":
		return next == "thru" || next == "through" || next == "until" || next == "till" || next == "to"
	}
	return false
}
