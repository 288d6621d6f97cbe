package crm

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	dueLength  = regexp.MustCompile(`\b(?:(\d+) to )?(\d+) (?:(business|working) )?(minute|hour|day|week|month)s?\b`)
	dueWeekday = regexp.MustCompile(`\b(monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b`)
	dueDate    = regexp.MustCompile(`\b(january|february|march|april|may|june|july|august|september|october|november|december) (\d{1,2})(?: (\d{4}))?\b`)
	dueISO     = regexp.MustCompile(`\b(\d{4})-(\d{1,2})-(\d{1,2})\b`)
	dueEnd     = regexp.MustCompile(`\bend of (?:the |this )?(?:business |working )?(day|week|month|today|tomorrow|business)\b`)
	dueThis    = regexp.MustCompile(`\bthis (?:morning|afternoon|evening)\b`)
	dueClock   = regexp.MustCompile(`\b\d{1,2}(?::\d{2})? ?(?:am|pm|o'clock)|\b\d{1,2}:\d{2}\b|\bnoon\b`)
)

// dueDay returns the day that words like "by Friday" or "within 3 business
// days" mean in a call that began then, at midnight in the zone of began; the
// zero time for what names no certain day ("in a few days", "03/04/2026").
func dueDay(words string, began time.Time) time.Time {
	words = strings.ToLower(words)
	today := time.Date(began.Year(), began.Month(), began.Day(), 0, 0, 0, 0, began.Location())
	if m := dueISO.FindStringSubmatch(words); m != nil {
		return dayOf(today, number(m[1]), time.Month(number(m[2])), number(m[3]))
	}
	if m := dueDate.FindStringSubmatch(words); m != nil {
		return nextDate(today, m)
	}
	if m := dueEnd.FindStringSubmatch(words); m != nil {
		return endOfSpan(today, m[1])
	}
	if m := dueLength.FindStringSubmatch(words); m != nil {
		return after(began, number(m[2]), m[3] != "", m[4])
	}
	switch {
	case strings.Contains(words, "day after tomorrow"):
		return today.AddDate(0, 0, 2)
	case strings.Contains(words, "tomorrow"):
		return today.AddDate(0, 0, 1)
	case strings.Contains(words, "today"), strings.Contains(words, "tonight"), dueThis.MatchString(words):
		return today
	}
	if m := dueWeekday.FindString(words); m != "" && !strings.Contains(words, "next ") {
		return weekday(today, m)
	}
	if dueClock.MatchString(words) {
		return today
	}
	return time.Time{}
}

func number(s string) int {
	n, _ := strconv.Atoi(s) // digits only; one too long is no day either
	return n
}

// dayOf returns the zero time for a day that does not exist.
func dayOf(today time.Time, year int, month time.Month, day int) time.Time {
	d := time.Date(year, month, day, 0, 0, 0, 0, today.Location())
	if d.Day() != day || d.Month() != month {
		return time.Time{}
	}
	return d
}

// nextDate returns the day of a month, of the next year if this year's is past.
func nextDate(today time.Time, m []string) time.Time {
	month, err := time.Parse("January", strings.ToUpper(m[1][:1])+m[1][1:])
	if err != nil {
		return time.Time{}
	}
	if m[3] != "" {
		return dayOf(today, number(m[3]), month.Month(), number(m[2]))
	}
	d := dayOf(today, today.Year(), month.Month(), number(m[2]))
	if d.Before(today) {
		d = dayOf(today, today.Year()+1, month.Month(), number(m[2]))
	}
	return d
}

func endOfSpan(today time.Time, span string) time.Time {
	switch span {
	case "tomorrow":
		return today.AddDate(0, 0, 1)
	case "week":
		return weekdayFrom(today, time.Friday)
	case "month":
		return time.Date(today.Year(), today.Month()+1, 0, 0, 0, 0, 0, today.Location())
	default:
		return today
	}
}

func after(began time.Time, n int, business bool, unit string) time.Time {
	if n > 1000 {
		return time.Time{}
	}
	d := began
	switch unit {
	case "minute":
		d = d.Add(time.Duration(n) * time.Minute)
	case "hour":
		d = d.Add(time.Duration(n) * time.Hour)
	case "week":
		d = d.AddDate(0, 0, 7*n)
	case "month":
		d = d.AddDate(0, n, 0)
	default:
		d = days(d, n, business)
	}
	return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, d.Location())
}

// days goes n days on, of which only Monday to Friday count when business is set.
func days(d time.Time, n int, business bool) time.Time {
	for n > 0 {
		d = d.AddDate(0, 0, 1)
		if !business || d.Weekday() != time.Saturday && d.Weekday() != time.Sunday {
			n--
		}
	}
	return d
}

// weekday returns the next day of that name, a week on if today has it.
func weekday(today time.Time, name string) time.Time {
	for d := today.AddDate(0, 0, 1); ; d = d.AddDate(0, 0, 1) {
		if strings.EqualFold(d.Weekday().String(), name) {
			return d
		}
	}
}

// weekdayFrom returns the first such day from today on.
func weekdayFrom(today time.Time, day time.Weekday) time.Time {
	return today.AddDate(0, 0, (int(day)-int(today.Weekday())+7)%7)
}
