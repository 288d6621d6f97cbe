package summarize

import (
	"slices"
	"strings"
	"unicode/utf8"

	"earshot"
	"earshot/spoken"
)

// amounts finds sums of money: "$49.99", "forty nine dollars and ninety nine
// cents", "twelve fifty" after a word such as "charged".
func amounts(t *turn) []span {
	var out []span
	for i := 0; i < len(t.words); i++ {
		value, to, ok := t.readAmount(i)
		if !ok && len(out) > 0 {
			value, to, ok = t.likeBefore(out[len(out)-1], i)
		}
		if !ok || !t.free(i, to) {
			continue
		}
		out = append(out, span{kind: earshot.FactAmount, value: value, from: i, to: to})
		i = to - 1
	}
	return out
}

func (t *turn) readAmount(i int) (string, int, bool) {
	words := t.words
	if value, to, ok := signedAmount(words, i); ok {
		return value, to, true
	}
	if code, ok := currencyBefore(words[i].Norm); ok {
		if n, ok := spoken.ReadNumber(words, i+1); ok {
			return money(code, n.Value, ""), n.To, true
		}
		return "", 0, false
	}
	if value, to, ok := t.pricePair(i); ok {
		return value, to, true
	}
	n, ok := spoken.ReadNumber(words, i)
	if !ok || n.To >= len(words) {
		return "", 0, false
	}
	unit := words[n.To].Norm
	sign, ok := currency(unit)
	if !ok {
		return "", 0, false
	}
	if sign == "£" && unit == "pounds" && isWeight(words, i, n.To) {
		return "", 0, false
	}
	if isSmallCoin(unit) {
		return n.Value + " " + sign, n.To + 1, true
	}
	coins, to := readCoins(words, n.To+1, words[n.To].Stop)
	return money(sign, n.Value, coins), to, true
}

// likeBefore reads an amount whose currency is said only with the one before
// it: "Basic is twenty dollars a month, Plus is thirty."
func (t *turn) likeBefore(one span, i int) (string, int, bool) {
	const apart = 12 // words between the two
	n, ok := spoken.ReadNumber(t.words, i)
	if !ok || n.Int() < 2 || one.from == 0 || i == 0 || i-one.to > apart || t.norm(i-1) != "is" || t.norm(one.from-1) != "is" {
		return "", 0, false
	}
	for k := one.to - 1; k < i; k++ {
		if t.words[k].Stop {
			return "", 0, false
		}
	}
	if last := t.words[n.To-1]; n.To < len(t.words) && !last.Stop && !last.Comma {
		return "", 0, false
	}
	_, size := utf8.DecodeRuneInString(one.value)
	if sign := one.value[:size]; !strings.ContainsAny(sign, "0123456789") {
		return money(sign, n.Value, ""), n.To, true
	}
	return "", 0, false
}

// signedAmount reads an amount written with its sign: "$49.99", "20€".
func signedAmount(words []spoken.Word, i int) (string, int, bool) {
	w := words[i].Text
	for _, sign := range [...]string{"$", "€", "£", "¥", "₹"} {
		body := strings.ReplaceAll(w, sign, "")
		if body == w {
			continue
		}
		if body == "" && i+1 < len(words) {
			n, ok := spoken.ReadNumber(words, i+1)
			return money(sign, n.Value, ""), n.To, ok
		}
		one := append(spoken.Words(body), words[i+1:]...)
		if len(one) == 0 {
			return "", 0, false
		}
		n, ok := spoken.ReadNumber(one, 0)
		if !ok {
			return "", 0, false
		}
		coins, to := "", i+n.To
		if !strings.Contains(n.Value, ".") {
			coins, to = readCoins(words, to, words[to-1].Stop)
		}
		return money(sign, n.Value, coins), to, true
	}
	return "", 0, false
}

// pricePair reads an amount whose decimals are said as a number of their own:
// "nineteen ninety nine dollars", and without a currency after words of paying.
func (t *turn) pricePair(i int) (string, int, bool) {
	words := t.words
	c, ok := spoken.ReadCode(words, i)
	if !ok || len(c.Groups) != 2 || c.Letters > 0 || c.Magnitude || c.Groups[0] > 2 || c.Groups[1] != 2 || words[i].Glued {
		return "", 0, false
	}
	value := c.Value[:c.Groups[0]] + "." + c.Value[c.Groups[0]:]
	if sign, ok := currency(normAt(words, c.To)); ok && !isSmallCoin(words[c.To].Norm) {
		return money(sign, value, ""), c.To + 1, true
	}
	if isUnit(normAt(words, c.To)) || !t.paidBefore(i) && !t.feeBehind(c.To) {
		return "", 0, false
	}
	return value, c.To, true
}

// paidBefore reports whether the words shortly before i, or the question that
// the turn answers, speak of a price.
func (t *turn) paidBefore(i int) bool {
	for k := i - 1; k >= max(0, i-4) && !t.words[k].Stop; k-- {
		if isPrice(t.words[k]) {
			return true
		}
	}
	return i < 4 && slices.ContainsFunc(t.asked[max(0, len(t.asked)-8):], isPrice)
}

// feeBehind reports whether what was counted is a fee: "the twelve fifty booking
// fee".
func (t *turn) feeBehind(i int) bool {
	return !t.words[i-1].Stop && !t.words[i-1].Comma && (spoken.Stem(t.norm(i)) == "fee" || spoken.Stem(t.norm(i+1)) == "fee")
}

func isPrice(w spoken.Word) bool {
	switch spoken.Stem(w.Norm) {
	case "charg", "cost", "pay", "pric", "fee":
		return true
	}
	return false
}

// readCoins reads "and ninety nine cents" or, at the end of a phrase, "fifty".
// Recognisers put a full stop between dollars and cents: after one, only what is
// called cents is.
func readCoins(words []spoken.Word, i int, stopped bool) (coins string, to int) {
	k := i
	if normAt(words, k) == "and" {
		k++
	}
	n, ok := spoken.ReadNumber(words, k)
	v := n.Int()
	if !ok || v < 0 || v > 99 {
		return "", i
	}
	if isSmallCoin(normAt(words, n.To)) {
		return twoDigits(v), n.To + 1
	}
	if stopped || k > i || v < 10 {
		return "", i
	}
	if last := words[n.To-1]; n.To == len(words) || last.Stop || last.Comma {
		return twoDigits(v), n.To
	}
	switch words[n.To].Norm {
	case "a", "per", "each", "for", "and", "every":
		return twoDigits(v), n.To
	}
	return "", i
}

func twoDigits(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }

// money writes an amount with its sign; decimals have two digits.
func money(sign, value, coins string) string {
	if whole, frac, ok := strings.Cut(value, "."); ok {
		value, coins = whole, (frac + "0")[:max(2, len(frac))]
	}
	if coins != "" {
		value += "." + coins
	}
	if len(sign) == 3 && sign[0] >= 'A' && sign[0] <= 'Z' {
		return value + " " + sign
	}
	return sign + value
}

func currency(w string) (string, bool) {
	switch w {
	case "dollar", "dollars", "buck", "bucks", "usd":
		return "$", true
	case "euro", "euros", "eur":
		return "€", true
	case "pound", "pounds", "quid", "gbp", "sterling":
		return "£", true
	case "yen":
		return "¥", true
	case "rupee", "rupees":
		return "₹", true
	case "franc", "francs", "chf":
		return "CHF", true
	case "cent", "cents":
		return "cents", true
	case "pence":
		return "pence", true
	}
	return "", false
}

func currencyBefore(w string) (string, bool) {
	switch w {
	case "usd", "eur", "gbp", "chf":
		return currency(w)
	}
	return "", false
}

func isSmallCoin(w string) bool { return w == "cent" || w == "cents" || w == "pence" }

// isWeight tells pounds of weight from pounds of money.
func isWeight(words []spoken.Word, i, unit int) bool {
	for k := max(0, i-3); k < i; k++ {
		if spoken.Stem(words[k].Norm) == "weigh" {
			return true
		}
	}
	switch normAt(words, unit+1) {
	case "of", "heavier", "lighter", "overweight":
		return true
	}
	return false
}

// isUnit reports whether a word after a number says what is counted.
func isUnit(w string) bool {
	switch spoken.Stem(w) {
	case "dai", "day", "week", "month", "year", "hour", "minut", "second", "percent", "gig", "gigabyt", "megabyt", "megabit", "gigabit", "meg",
		"mile", "mil", "kilometer", "kilometr", "people", "peopl", "person", "tim", "item", "piec", "unit", "degre", "foot", "feet", "inch", "meter", "metr",
		"squar", "kilo", "kilogram", "gram", "point", "user", "seat", "licens", "licenc", "box", "parcel", "packag", "copi", "mb", "gb", "mbps", "kwh", "watt",
		"thousand", "hundr", "million", "employe", "custom", "pair", "star", "litr", "liter", "gallon":
		return true
	}
	return strings.HasPrefix(w, "%")
}
