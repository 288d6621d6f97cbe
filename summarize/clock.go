package summarize

import (
	"fmt"
	"strconv"
	"strings"

	"earshot"
	"earshot/spoken"
)

// clocks finds times of day: "3:30 p.m.", "half past three", "between nine and
// eleven tomorrow". A bare number is a time only where the words around it
// leave nothing else.
func clocks(t *turn) []span {
	var out []span
	for i := 0; i < len(t.words); i++ {
		if t.used[i] {
			continue
		}
		if pair := hourRange(t, i); pair != nil {
			out = append(out, pair...)
			i = pair[1].to - 1
			continue
		}
		value, to, ok := readClock(t.words, i)
		if !ok {
			value, to, ok = bareHour(t, i)
		}
		if !ok || !t.free(i, to) {
			continue
		}
		out = append(out, span{kind: earshot.FactTime, value: value, from: i, to: to})
		i = to - 1
	}
	return out
}

// readClock reads a time that can be nothing else.
func readClock(words []spoken.Word, i int) (string, int, bool) {
	switch w := words[i].Norm; w {
	case "noon", "midday", "midnight":
		return w, i + 1, true
	}
	if value, to, ok := pastHour(words, i); ok {
		return value, to, true
	}
	hour, minute, to, written, ok := readHour(words, i)
	if !ok {
		return "", 0, false
	}
	if half, end, ok := dayHalf(words, to); ok {
		return clockText(hour, minute, half), end, true
	}
	if isOClock(words, to) {
		end := to + 1
		half, next, ok := dayHalf(words, end)
		if ok {
			end = next
		}
		return clockText(hour, minute, half), end, true
	}
	if written {
		return clockText(hour, minute, ""), to, true
	}
	return "", 0, false
}

// readHour reads an hour with its minutes: "3", "three thirty", "3:30", "330pm".
// written says that it had a colon or a half of the day.
func readHour(words []spoken.Word, i int) (hour, minute, to int, written, ok bool) {
	w := words[i].Norm
	body := w
	if _, _, joined := dayHalf(words, i); joined || strings.HasSuffix(w, "am") || strings.HasSuffix(w, "pm") {
		body = strings.TrimSuffix(strings.TrimSuffix(w, "am"), "pm")
	}
	h, m, colon := strings.Cut(body, ":")
	if !colon && strings.Count(body, ".") == 1 && len(body)-strings.Index(body, ".") == 3 {
		if _, _, half := dayHalf(words, i+1); half || body != w || isDotted(words, i) {
			h, m, colon = strings.Cut(body, ".")
		}
	}
	to = i + 1
	if body != w {
		to = i // the half of the day is read again from this word
	}
	if colon {
		hour, errH := strconv.Atoi(h)
		minute, errM := strconv.Atoi(m)
		return hour, minute, to, true, errH == nil && errM == nil && hour < 24 && minute < 60 && len(m) == 2
	}
	if n, err := strconv.Atoi(body); err == nil {
		if n > 99 && n < 1260 && n%100 < 60 {
			_, _, half := dayHalf(words, to)
			return n / 100, n % 100, to, false, half
		}
		if body != w {
			return n, 0, to, false, n >= 1 && n <= 12
		}
	}
	n, isNumber := spoken.ReadNumber(words, i)
	if !isNumber || n.Magnitude || n.Int() < 1 || n.Int() > 12 {
		return 0, 0, 0, false, false
	}
	minute, to = readMinutes(words, n.To)
	return n.Int(), minute, to, false, true
}

// isDotted reports whether "10.15" is a time for the words around it: "at 10.15
// last night".
func isDotted(words []spoken.Word, i int) bool {
	if normAt(words, i-1) != "at" {
		return false
	}
	switch next := normAt(words, i+1); next {
	case "last", "this", "tomorrow", "today", "tonight", "yesterday", "on":
		return true
	default:
		_, day := weekday(next)
		return day
	}
}

// readMinutes reads "thirty", "oh five" or "15" after an hour.
func readMinutes(words []spoken.Word, i int) (int, int) {
	if i >= len(words) || words[i-1].Stop || words[i-1].Comma {
		return 0, i
	}
	if w := words[i].Norm; w == "oh" || w == "o" {
		if n, ok := spoken.ReadNumber(words, i+1); ok && n.Int() > 0 && n.Int() < 10 {
			return n.Int(), n.To
		}
		return 0, i
	}
	if n, ok := spoken.ReadNumber(words, i); ok && n.Int() >= 10 && n.Int() < 60 && !isUnit(normAt(words, n.To)) {
		return n.Int(), n.To
	}
	return 0, i
}

// dayHalf reads "am", "p m", "in the morning", or the end of a word "3pm".
func dayHalf(words []spoken.Word, i int) (string, int, bool) {
	w := normAt(words, i)
	switch w {
	case "am":
		// "I am": a half of the day has a number before it.
		return "AM", i + 1, true
	case "pm":
		return "PM", i + 1, true
	case "a", "p":
		if normAt(words, i+1) == "m" {
			return strings.ToUpper(w) + "M", i + 2, true
		}
	case "in":
		if normAt(words, i+1) != "the" {
			return "", 0, false
		}
		switch normAt(words, i+2) {
		case "morning":
			return "AM", i + 3, true
		case "afternoon", "evening":
			return "PM", i + 3, true
		}
	case "at":
		if normAt(words, i+1) == "night" {
			return "PM", i + 2, true
		}
	}
	if len(w) > 2 && w[0] >= '0' && w[0] <= '9' {
		if strings.HasSuffix(w, "am") {
			return "AM", i + 1, true
		}
		if strings.HasSuffix(w, "pm") {
			return "PM", i + 1, true
		}
	}
	return "", 0, false
}

func isClockTail(w string) bool { return w == "am" || w == "pm" || w == "o'clock" || w == "oclock" }

func isOClock(words []spoken.Word, i int) bool {
	w := normAt(words, i)
	return w == "o'clock" || w == "oclock"
}

// pastHour reads "half past three", "quarter to four pm".
func pastHour(words []spoken.Word, i int) (string, int, bool) {
	k := i
	if words[k].Norm == "a" {
		k++
	}
	minutes, to := 0, k+1
	switch normAt(words, k) {
	case "half":
		minutes = 30
	case "quarter":
		minutes = 15
	default:
		n, ok := spoken.ReadNumber(words, k)
		if !ok || n.Int() != 5 && n.Int() != 10 && n.Int() != 20 && n.Int() != 25 {
			return "", 0, false
		}
		minutes, to = n.Int(), n.To
	}
	direction := normAt(words, to)
	n, ok := spoken.ReadNumber(words, to+1)
	if !ok || n.Int() < 1 || n.Int() > 12 {
		return "", 0, false
	}
	hour := n.Int()
	switch {
	case direction == "past" || direction == "after" && minutes != 30:
	case (direction == "to" || direction == "till") && (minutes == 15 || isOClock(words, n.To)):
		hour, minutes = (hour+10)%12+1, 60-minutes
	default:
		return "", 0, false
	}
	half, end, ok := dayHalf(words, n.To)
	if !ok {
		end = n.To
	}
	return clockText(hour, minutes, half), end, true
}

// bareHour reads an hour that the words before it make one: "tomorrow at
// three", "at nine fifteen".
func bareHour(t *turn, i int) (string, int, bool) {
	switch t.norm(i - 1) {
	case "at", "around", "about", "by", "before", "after", "until":
	default:
		return "", 0, false
	}
	hour, minute, to, _, ok := readHour(t.words, i)
	if !ok || isUnit(t.norm(to)) || to < len(t.words) && isSign(t.words, to) || !t.free(i, to) {
		return "", 0, false
	}
	if _, money := currency(t.norm(to)); money || strings.HasSuffix(t.norm(to), "%") {
		return "", 0, false
	}
	if minute == 0 && !t.dateNear(i-2, to) && !t.endsOnHour(i, to) || minute > 0 && t.norm(i-1) != "at" && !t.dateNear(i-2, to) {
		return "", 0, false
	}
	return clockText(hour, minute, ""), to, true
}

// endsOnHour reports whether a clause ends on the hour in words [i, to): "best
// after four.", "a meeting at nine, so".
func (t *turn) endsOnHour(i, to int) bool {
	switch t.norm(i - 1) {
	case "at", "before", "after", "until":
		last := t.words[to-1]
		return last.Stop || last.Comma
	}
	return false
}

// dateNear reports whether a date stands right before or behind a time.
func (t *turn) dateNear(before, behind int) bool {
	isDate := func(i int) bool {
		if i < 0 || i >= len(t.words) {
			return false
		}
		w := t.words[i].Norm
		_, day := weekday(w)
		switch w {
		case "tomorrow", "today", "tonight", "morning", "afternoon", "evening":
			return true
		}
		return day || t.used[i]
	}
	return isDate(before) || isDate(behind) || normAt(t.words, behind) == "on" && isDate(behind+1)
}

// hourRange reads the two ends of "between nine and eleven", "from 9 to 5 pm".
func hourRange(t *turn, i int) []span {
	first := t.norm(i)
	if first != "between" && first != "from" {
		return nil
	}
	if i+1 >= len(t.words) {
		return nil
	}
	h1, m1, to1, w1, ok := readHour(t.words, i+1)
	if !ok {
		return nil
	}
	half1, end1, has1 := dayHalf(t.words, to1)
	if !has1 {
		end1 = to1
	}
	if link := t.norm(end1); link != "and" && link != "to" && link != "till" && link != "until" {
		return nil
	}
	if end1+1 >= len(t.words) {
		return nil
	}
	h2, m2, to2, w2, ok := readHour(t.words, end1+1)
	if !ok {
		return nil
	}
	half2, end2, has2 := dayHalf(t.words, to2)
	if !has2 {
		end2 = to2
	}
	if !has1 && !has2 && !w1 && !w2 && (!t.hasDate() && !t.hasClock() || isUnit(t.norm(end2)) || h1 == h2) {
		return nil
	}
	if half1 == "" && h1 < h2 && h2 != 12 {
		half1 = half2
	}
	if !t.free(i+1, end2) {
		return nil
	}
	return []span{
		{kind: earshot.FactTime, value: clockText(h1, m1, half1), from: i + 1, to: end1},
		{kind: earshot.FactTime, value: clockText(h2, m2, half2), from: end1 + 1, to: end2},
	}
}

// hasDate reports whether a day is named in the turn or in what was asked.
func (t *turn) hasDate() bool {
	for i := range t.words {
		if _, _, ok := readDate(t.words, i); ok {
			return true
		}
	}
	return false
}

// hasClock reports whether the turn names a time that can be nothing else.
func (t *turn) hasClock() bool {
	for i := range t.words {
		if _, _, ok := readClock(t.words, i); ok {
			return true
		}
	}
	return false
}

func clockText(hour, minute int, half string) string {
	s := fmt.Sprintf("%d:%02d", hour, minute)
	if half != "" && hour <= 12 {
		s += " " + half
	}
	return s
}
