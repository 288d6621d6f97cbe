package summarize

import (
	"strings"

	"earshot/spoken"
)

// due reads when the promise in terms [from, end) is to be kept: "by Friday",
// "within 24 hours", "tomorrow at 3:00". It is empty if nothing was said.
func (s *sentence) due(from, end int) string {
	first, last := s.at[from], s.to
	if end < len(s.terms) {
		last = s.at[end]
	}
	words := s.t.words[:last]
	for i := first; i < last; i++ {
		if text, to, ok := readDue(words, i); ok {
			return withRest(words, text, to)
		}
	}
	return ""
}

// withRest appends a time of day, or a day, that follows at once.
func withRest(words []spoken.Word, text string, to int) string {
	if to >= len(words) {
		return text
	}
	switch words[to].Norm {
	case "morning", "afternoon", "evening", "night":
		text += " " + words[to].Norm
		to++
	}
	k := to
	link := " "
	switch w := normAt(words, to); w {
	case "at", "by", "before", "after", "around", "on":
		k, link = to+1, " "+w+" "
	}
	if k >= len(words) {
		return text
	}
	if v, _, ok := readClock(words, k); ok {
		return text + link + v
	}
	if v, _, ok := readDate(words, k); ok {
		return text + link + v
	}
	if link != " on " && link != " " {
		if h, m, _, _, ok := readHour(words, k); ok {
			return text + link + clockText(h, m, "")
		}
	}
	return text
}

// readDue reads a date, a time or a length of time, with the word before it
// that makes it a deadline.
func readDue(words []spoken.Word, i int) (string, int, bool) {
	lead, k := "", i
	switch w := words[i].Norm; w {
	case "by", "before", "within", "in", "until", "after", "over", "for", "on", "at", "during":
		lead, k = w+" ", i+1
	}
	if k >= len(words) {
		return "", 0, false
	}
	if lead == "on " || lead == "for " || lead == "during " {
		lead = ""
	}
	if v, to, ok := endOf(words, k); ok {
		return lead + v, to, true
	}
	if v, to, ok := readClock(words, k); ok {
		return strings.TrimPrefix(lead, "at ") + v, to, true
	}
	if v, to, ok := readDate(words, k); ok && !strings.HasPrefix(v, "last ") && !strings.HasSuffix(v, " ago") && v != "yesterday" {
		return strings.TrimPrefix(lead, "over ") + v, to, true
	}
	if lead == "" && !isRangeOfDays(words, k) {
		return "", 0, false
	}
	if v, to, ok := length(words, k); ok {
		return lead + v, to, true
	}
	return "", 0, false
}

// endOf reads "the end of the day", "end of this week".
func endOf(words []spoken.Word, i int) (string, int, bool) {
	k := i
	if words[k].Norm == "the" {
		k++
	}
	if normAt(words, k) != "end" || normAt(words, k+1) != "of" {
		return "", 0, false
	}
	k += 2
	which := ""
	switch w := normAt(words, k); w {
	case "the", "this", "next":
		which = w + " "
		k++
	case "business", "today", "tomorrow":
	}
	if w := normAt(words, k); w == "business" || w == "working" {
		which += w + " "
		k++
	}
	switch w := normAt(words, k); w {
	case "day", "week", "month", "today", "tomorrow", "year":
		return "the end of " + which + w, k + 1, true
	}
	if strings.HasSuffix(which, "business ") {
		return "the end of " + strings.TrimSpace(which), k, true
	}
	return "", 0, false
}

// isRangeOfDays reports whether a length of time stands without a word before
// it: "five to seven business days".
func isRangeOfDays(words []spoken.Word, i int) bool {
	n, ok := spoken.ReadNumber(words, i)
	if !ok {
		return false
	}
	switch normAt(words, n.To) {
	case "to", "or", "business", "working":
		_, _, ok := length(words, i)
		return ok
	}
	return false
}

// isNext reports whether words[k] is the unit of "the next hour".
func isNext(words []spoken.Word, k int) bool {
	if normAt(words, k-1) != "next" {
		return false
	}
	switch normAt(words, k) {
	case "hour", "minutes", "hours", "days", "weeks":
		return true
	}
	return false
}

// length reads "24 hours", "the next five to seven business days", "a week".
func length(words []spoken.Word, i int) (string, int, bool) {
	k := i
	for {
		switch normAt(words, k) {
		case "the", "next", "about", "around", "roughly", "approximately", "maximum", "up":
			k++
			continue
		}
		break
	}
	var b strings.Builder
	switch normAt(words, k) {
	case "a", "an":
		if normAt(words, k+1) == "couple" {
			b.WriteString("a couple of ")
			k++
			if normAt(words, k+1) == "of" {
				k++
			}
		} else if normAt(words, k+1) == "few" {
			b.WriteString("a few ")
			k++
		} else {
			b.WriteString("1 ")
		}
		k++
	default:
		if isNext(words, k) {
			return "the next " + normAt(words, k), k + 1, true
		}
		n, ok := spoken.ReadNumber(words, k)
		if !ok {
			return "", 0, false
		}
		b.WriteString(n.Value + " ")
		k = n.To
		if link := normAt(words, k); link == "to" || link == "or" {
			if m, ok := spoken.ReadNumber(words, k+1); ok {
				b.WriteString(link + " " + m.Value + " ")
				k = m.To
			}
		}
	}
	if w := normAt(words, k); w == "business" || w == "working" || w == "calendar" || w == "full" {
		b.WriteString(w + " ")
		k++
	}
	unit := normAt(words, k)
	switch strings.TrimSuffix(strings.TrimSuffix(unit, "'"), "s") {
	case "minute", "hour", "day", "week", "month":
		b.WriteString(unit)
		return b.String(), k + 1, true
	}
	return "", 0, false
}
