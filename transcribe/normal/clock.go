package normal

import (
	"fmt"
	"strconv"
	"strings"

	"earshot/spoken"
)

// clock writes a time of the day: "three thirty p m" as "3:30 p.m.", "three
// o'clock" as "3 o'clock". Without such a mark a time may as well be a price
// or a number of a house, unless a day or a part of it follows.
func (r *reader) clock(i int) int {
	hour, to, ok := r.readHour(i)
	if !ok || r.isNumeral(i-1) && r.joined(i) {
		return i
	}
	value, end := strconv.Itoa(hour), to
	if minute, t, ok := r.readMinute(to); ok {
		value, end = fmt.Sprintf("%d:%02d", hour, minute), t
	}
	half, behind := r.readHalf(end)
	switch {
	case half != "" && behind > end+1:
		r.write(i, behind, value+" "+half)
		return behind
	case half != "", r.norm(end) == "o'clock" && end == to, end > to && (r.isDay(end) || r.isDayBefore(i)):
		r.write(i, end, value)
		return end
	}
	return i
}

// readHour reads one to twelve.
func (r *reader) readHour(i int) (hour, to int, ok bool) {
	hour, to, ok = spoken.ReadBelowHundred(r.words, i)
	return hour, to, ok && hour >= 1 && hour <= 12 && r.joined(to)
}

// readMinute reads "fifteen" or "oh five".
func (r *reader) readMinute(i int) (minute, to int, ok bool) {
	if w := r.norm(i); w == "oh" || w == "o" {
		d, ok := spoken.Digit(r.norm(i + 1))
		return d, i + 2, ok && d > 0 && r.joined(i+1)
	}
	minute, to, ok = spoken.ReadBelowHundred(r.words, i)
	return minute, to, ok && minute >= 10 && minute < 60
}

// readHalf reads "p.m.", "pm" or "p m".
func (r *reader) readHalf(i int) (half string, to int) {
	if !r.joined(i) {
		return "", i
	}
	switch w := r.norm(i); {
	case w == "am" && r.norm(i+1) != "i" || w == "pm":
		return strings.ToLower(w[:1]) + ".m.", i + 1
	case (w == "a" || w == "p") && r.norm(i+1) == "m" && !r.words[i].Comma: // also "p. M."
		return w + ".m.", i + 2
	}
	return "", i
}

// isDay reports whether a day or a part of it follows a time.
func (r *reader) isDay(i int) bool {
	if !r.joined(i) {
		return false
	}
	if r.norm(i) == "on" || r.norm(i) == "this" {
		i++
	}
	if r.norm(i) == "in" && r.norm(i+1) == "the" {
		i += 2
	}
	return isDayWord(r.norm(i))
}

// isDayBefore reports whether a time at i follows a day: "tomorrow at".
func (r *reader) isDayBefore(i int) bool {
	return leadsToTime(r.norm(i-1)) && r.joined(i-1) && isDayWord(r.norm(i-2))
}

func leadsToTime(w string) bool {
	switch w {
	case "at", "by", "around", "before", "after", "until", "till", "from", "about":
		return true
	}
	return false
}

func isDayWord(w string) bool {
	switch w {
	case "today", "tomorrow", "tonight", "morning", "afternoon", "evening",
		"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday":
		return true
	}
	return false
}

func month(w string) bool {
	switch w {
	case "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december":
		return true
	}
	return false
}

// date writes the day and the year of a date in digits: "March 3rd, 2026", "the
// 3rd of March".
func (r *reader) date(i int) int {
	if month(r.norm(i)) {
		return r.monthFirst(i)
	}
	if n, to, ok := r.readDay(i); ok && r.norm(to) == "of" && month(r.norm(to+1)) && r.norm(i-1) == "the" {
		r.write(i, to, spoken.Ordinal(n))
		return r.year(to + 2)
	}
	if year, to, ok := r.readYear(i); ok && r.leadsToYear(i-1) {
		r.write(i, to, year)
		return to
	}
	return i
}

// monthFirst reads "march third" and a year behind it, or "march twenty twenty
// six".
func (r *reader) monthFirst(i int) int {
	if !r.joined(i + 1) {
		return i
	}
	n, to, ok := r.readDay(i + 1)
	if !ok || r.norm(i) == "may" && r.norm(i+1) == "second" { // "you may second that"
		if year := r.year(i + 1); year > i+1 {
			return year
		}
		return i
	}
	r.write(i+1, to, spoken.Ordinal(n))
	if w := r.words[i]; w.Text == w.Norm {
		r.replace(i, i+1, strings.ToUpper(w.Norm[:1])+w.Norm[1:])
	}
	return r.year(to)
}

// readDay reads the ordinal of a day.
func (r *reader) readDay(i int) (n, to int, ok bool) {
	n, to, ok = spoken.ReadOrdinal(r.words, i)
	return n, to, ok && !r.broken(i, to)
}

// year writes a year behind a date, and returns the word behind it.
func (r *reader) year(i int) int {
	if value, to, ok := r.readYear(i); ok && !r.words[i-1].Stop {
		r.write(i, to, value)
		return to
	}
	return i
}

// readYear reads "nineteen ninety nine", "twenty oh four", "two thousand six".
func (r *reader) readYear(i int) (value string, to int, ok bool) {
	if century, at, ok := spoken.ReadBelowHundred(r.words, i); ok && at == i+1 && century >= 18 && century <= 20 && r.joined(at) {
		rest, end, ok := r.readMinute(at)
		if !ok {
			rest, end, ok = spoken.ReadBelowHundred(r.words, at)
			ok = ok && rest >= 10
		}
		return strconv.Itoa(100*century + rest), end, ok && !r.broken(i, end) && !r.isNumeral(end)
	}
	n, ok := r.readNumber(i)
	v := n.Int()
	return n.Value, n.To, ok && v >= 2000 && v < 2100 && !r.isNumeral(n.To)
}

// leadsToYear reports whether a year follows the word at i.
func (r *reader) leadsToYear(i int) bool {
	switch r.norm(i) {
	case "in", "since", "until", "year", "spring", "summer", "fall", "autumn", "winter", "during":
		return !r.words[i].Stop && !r.words[i].Comma
	}
	return false
}
