package summarize

import (
	"strconv"
	"strings"

	"earshot"
	"earshot/spoken"
)

// dates finds days: "March the third", "next Tuesday", "two weeks ago".
func dates(t *turn) []span {
	var out []span
	for i := 0; i < len(t.words); i++ {
		value, to, ok := readDate(t.words, i)
		if !ok || !t.free(i, to) || value == "today" && isCourtesy(t.words, i) {
			continue
		}
		out = append(out, span{kind: earshot.FactDate, value: value, from: i, to: to})
		i = to - 1
	}
	return out
}

// isCourtesy reports whether "today" is only how people greet and part: "how
// can I help you today", "anything else today", "thanks for calling today".
func isCourtesy(words []spoken.Word, i int) bool {
	for k := i - 1; k >= max(0, i-9) && !words[k].Stop; k-- {
		switch spoken.Stem(words[k].Norm) {
		case "help", "assist", "anything", "els", "thank", "how", "do", "nice", "good", "great":
			return true
		}
	}
	return i == len(words)-1 && i < 2
}

// readDate reads the date that begins at words[i]. Its value is a form in which
// the same date said in another way is the same.
func readDate(words []spoken.Word, i int) (value string, to int, ok bool) {
	for _, read := range []func([]spoken.Word, int) (string, int, bool){
		numericDate, monthDay, dayMonth, weekdayDate, relativeDay, modified, ago, bareMonth, bareOrdinal,
	} {
		if value, to, ok := read(words, i); ok {
			return value, to, true
		}
	}
	return "", 0, false
}

// numericDate reads "3/14/2026", "14.03.2026" and "2026-03-14".
func numericDate(words []spoken.Word, i int) (string, int, bool) {
	w := words[i].Norm
	for _, sep := range [...]string{"/", "-", "."} {
		f := strings.Split(w, sep)
		if len(f) < 2 || len(f) > 3 || len(f) == 2 && sep != "/" {
			continue
		}
		ok := true
		for _, s := range f {
			n, err := strconv.Atoi(s)
			ok = ok && err == nil && n > 0 && (n <= 31 || len(s) == 4) && len(s) <= 4
		}
		if ok && (len(f) == 3 || len(f[0]) <= 2 && len(f[1]) <= 2) && w != "24/7" {
			return w, i + 1, true
		}
	}
	return "", 0, false
}

// monthDay reads "March 3rd", "March the third 2026".
func monthDay(words []spoken.Word, i int) (string, int, bool) {
	m, ok := month(words[i].Norm)
	if !ok || words[i].Stop {
		return "", 0, false
	}
	k := i + 1
	if normAt(words, k) == "the" {
		k++
	}
	day, to, ok := readDay(words, k)
	if !ok || isUnit(normAt(words, to)) || isClockTail(normAt(words, to)) {
		return "", 0, false
	}
	year, to := readYear(words, to)
	return m + " " + strconv.Itoa(day) + year, to, true
}

// dayMonth reads "the third of March", "3rd March", "14 March 2026".
func dayMonth(words []spoken.Word, i int) (string, int, bool) {
	k := i
	if words[k].Norm == "the" {
		k++
	}
	day, to, ok := readDay(words, k)
	if !ok {
		return "", 0, false
	}
	of := normAt(words, to) == "of"
	if of {
		to++
	}
	if which := normAt(words, to); of && normAt(words, to+1) == "month" {
		switch which {
		case "this", "the":
			return "the " + spoken.Ordinal(day), to + 2, true
		case "next", "last":
			return "the " + spoken.Ordinal(day) + " of " + which + " month", to + 2, true
		}
	}
	m, ok := month(normAt(words, to))
	if !ok || !of && (m == "May" || m == "March") && !isCapital(words[to]) {
		return "", 0, false
	}
	year, to := readYear(words, to+1)
	return m + " " + strconv.Itoa(day) + year, to, true
}

// readDay reads a day of the month, as an ordinal or a number.
func readDay(words []spoken.Word, i int) (int, int, bool) {
	if n, to, ok := spoken.ReadOrdinal(words, i); ok {
		return n, to, true
	}
	n, ok := spoken.ReadNumber(words, i)
	if !ok || n.Magnitude || n.Int() < 1 || n.Int() > 31 {
		return 0, 0, false
	}
	return n.Int(), n.To, true
}

// readYear reads a year after a date, with a blank before it, or nothing.
func readYear(words []spoken.Word, i int) (string, int) {
	if i >= len(words) || words[i-1].Stop {
		return "", i
	}
	if n, ok := spoken.ReadNumber(words, i); ok && n.Int() >= 1900 && n.Int() < 2100 {
		return " " + n.Value, n.To
	}
	c, ok := spoken.ReadCode(words, i)
	if ok && len(c.Groups) == 2 && c.Digits == 4 && (strings.HasPrefix(c.Value, "20") || strings.HasPrefix(c.Value, "19")) {
		return " " + c.Value, c.To
	}
	return "", i
}

// weekdayDate reads "Tuesday", "Friday the 14th", "Tuesday March 3rd".
func weekdayDate(words []spoken.Word, i int) (string, int, bool) {
	day, ok := weekday(words[i].Norm)
	if !ok {
		return "", 0, false
	}
	if i+1 < len(words) && !words[i].Stop {
		if v, to, ok := monthDay(words, i+1); ok {
			return day + " " + v, to, true
		}
		if v, to, ok := dayMonth(words, i+1); ok {
			return day + " " + v, to, true
		}
		if normAt(words, i+1) == "the" {
			if n, to, ok := spoken.ReadOrdinal(words, i+2); ok {
				return day + " the " + spoken.Ordinal(n), to, true
			}
		}
		if n := normAt(words, i+1); n == "week" {
			return day + " week", i + 2, true
		}
	}
	return day, i + 1, true
}

// relativeDay reads "tomorrow", "the day after tomorrow", "this morning".
func relativeDay(words []spoken.Word, i int) (string, int, bool) {
	switch w := words[i].Norm; w {
	case "tomorrow", "yesterday", "tonight", "today":
		return w, i + 1, true
	case "day":
		if b := normAt(words, i+1); (b == "after" || b == "before") && (normAt(words, i+2) == "tomorrow" || normAt(words, i+2) == "yesterday") {
			return "day " + b + " " + words[i+2].Norm, i + 3, true
		}
	case "this":
		switch n := normAt(words, i+1); n {
		case "morning", "afternoon", "evening":
			return "this " + n, i + 2, true
		}
	}
	return "", 0, false
}

// modified reads "next Tuesday", "last month", "this coming Friday".
func modified(words []spoken.Word, i int) (string, int, bool) {
	mod := words[i].Norm
	k := i + 1
	switch mod {
	case "next", "last", "this", "past":
		if c := normAt(words, k); c == "coming" || c == "past" {
			k++
		}
	case "coming", "following":
		mod = "next"
	default:
		return "", 0, false
	}
	w := normAt(words, k)
	if day, ok := weekday(w); ok {
		return mod + " " + day, k + 1, true
	}
	if m, ok := month(w); ok && (m != "May" && m != "March" || isCapital(words[k])) {
		return mod + " " + m, k + 1, true
	}
	switch w {
	case "night":
		return mod + " night", k + 1, mod == "last"
	case "week", "month", "year", "weekend":
		often := mod == "this" && normAt(words, i-1) == "time" // "the second time this year"
		return mod + " " + w, k + 1, mod != "past" && !often
	case "week's", "month's", "year's":
		return mod + " " + strings.TrimSuffix(w, "'s"), k + 1, true
	}
	return "", 0, false
}

// ago reads "two weeks ago", "a month ago".
func ago(words []spoken.Word, i int) (string, int, bool) {
	var count string
	var k int
	if words[i].Norm == "a" || words[i].Norm == "an" {
		count, k = "1", i+1
	} else if n, ok := spoken.ReadNumber(words, i); ok {
		count, k = n.Value, n.To
	} else {
		return "", 0, false
	}
	unit := normAt(words, k)
	if !isSpan(unit) || normAt(words, k+1) != "ago" {
		return "", 0, false
	}
	return count + " " + unit + " ago", k + 2, true
}

func isSpan(w string) bool {
	switch strings.TrimSuffix(w, "s") {
	case "day", "week", "month", "year":
		return true
	}
	return false
}

// bareMonth reads a month without a day after a word that asks for a time.
func bareMonth(words []spoken.Word, i int) (string, int, bool) {
	m, ok := month(words[i].Norm)
	if !ok || i == 0 {
		return "", 0, false
	}
	if prev := words[i-1].Norm; (m == "May" || m == "March") && !isCapital(words[i]) && prev != "in" && prev != "since" {
		return "", 0, false
	}
	switch words[i-1].Norm {
	case "in", "since", "until", "till", "by", "from", "of", "for", "through", "before", "after", "early", "late", "mid":
		year, to := readYear(words, i+1)
		return m + year, to, true
	}
	return "", 0, false
}

// bareOrdinal reads "on the 14th".
func bareOrdinal(words []spoken.Word, i int) (string, int, bool) {
	if words[i].Norm != "the" || i == 0 {
		return "", 0, false
	}
	switch words[i-1].Norm {
	case "on", "by", "until", "till", "since", "from", "before", "for", "after":
	default:
		return "", 0, false
	}
	n, to, ok := spoken.ReadOrdinal(words, i+1)
	if !ok {
		return "", 0, false
	}
	if last := words[to-1]; to < len(words) && !last.Stop && !last.Comma {
		switch words[to].Norm {
		case "at", "and", "or", "but", "so", "in", "because", "i", "we", "that", "is", "was", "it", "between", "around", "of", "to", "if", "then", "got", "has", "had", "which", "as", "with":
		default:
			return "", 0, false
		}
	}
	return "the " + spoken.Ordinal(n), to, true
}

func weekday(w string) (string, bool) {
	w = strings.TrimSuffix(w, "'s")
	switch w {
	case "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday":
		return strings.ToUpper(w[:1]) + w[1:], true
	}
	return "", false
}

func month(w string) (string, bool) {
	w = strings.TrimSuffix(w, "'s")
	switch w {
	case "january", "february", "march", "april", "may", "june", "july",
		"august", "september", "october", "november", "december":
		return strings.ToUpper(w[:1]) + w[1:], true
	}
	return "", false
}

func isCapital(w spoken.Word) bool { return w.Text != "" && w.Text[0] >= 'A' && w.Text[0] <= 'Z' }
