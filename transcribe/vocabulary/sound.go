package vocabulary

import "strings"

// sound writes English words by how they sound, roughly: one byte for each
// sound, vowels in lower case, consonants in upper case. Words run together,
// since the recogniser may have cut a name anywhere.
func sound(text string) string {
	w := letters(text)
	var b strings.Builder
	for i := 0; i < len(w); {
		s, n := soundAt(w, i)
		for _, c := range []byte(s) {
			if k := b.String(); len(k) == 0 || k[len(k)-1] != c {
				b.WriteByte(c)
			}
		}
		i += n
	}
	return b.String()
}

// letters returns the ASCII letters of a text in lower case.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(fold(text)))
}

// fold writes the letters of European names without their marks.
func fold(text string) string {
	return strings.NewReplacer("ä", "a", "á", "a", "à", "a", "â", "a", "å", "a", "ã", "a", "ą", "a", "ç", "c", "ć", "c", "č", "c",
		"é", "e", "è", "e", "ê", "e", "ë", "e", "ę", "e", "í", "i", "ì", "i", "î", "i", "ï", "i", "ł", "l", "ñ", "n", "ń", "n",
		"ö", "o", "ó", "o", "ò", "o", "ô", "o", "ø", "o", "õ", "o", "ß", "ss", "ś", "s", "š", "s", "ü", "u", "ú", "u", "ù", "u", "û", "u",
		"ý", "y", "ž", "z", "ź", "z", "ż", "z").Replace(strings.ToLower(text))
}

// spellings are letters that sound other than one by one, the longest first.
var spellings = []struct{ letters, sounds string }{
	{"tsch", "C"},
	{"tch", "C"},
	{"sch", "S"},
	{"cz", "C"},
	{"sz", "S"},
	{"ch", "C"},
	{"sh", "S"},
	{"ph", "F"},
	{"th", "0"},
	{"dge", "J"},
	{"dg", "J"},
	{"gh", ""},
	{"ck", "K"},
	{"qu", "KW"},
	{"wr", "R"},
	{"wh", "W"},
	{"kn", "N"},
	{"gn", "N"},
	{"mb", "M"},
	{"tion", "SoN"},
	{"sion", "SoN"},
	{"cia", "Sa"},
	{"ce", "Se"},
	{"ci", "Si"},
	{"cy", "Si"},
	{"ge", "Je"},
	{"gi", "Ji"},
	{"ee", "i"},
	{"ea", "i"},
	{"ie", "i"},
	{"ei", "i"},
	{"ey", "i"},
	{"oo", "u"},
	{"ou", "u"},
	{"ow", "u"},
	{"au", "o"},
	{"aw", "o"},
	{"ai", "e"},
	{"ay", "e"},
	{"oa", "o"},
	{"oe", "o"},
	{"ue", "u"},
	{"ui", "u"},
}

// soundAt returns the sounds at w[i] and how many letters they take.
func soundAt(w string, i int) (string, int) {
	for _, s := range spellings {
		if strings.HasPrefix(w[i:], s.letters) && !(s.letters == "kn" || s.letters == "gn" || s.letters == "wr") || i == 0 && strings.HasPrefix(w, s.letters) {
			return s.sounds, len(s.letters)
		}
	}
	switch c := w[i]; c {
	case 'c', 'k', 'q':
		return "K", 1
	case 'x':
		return "KS", 1
	case 'y':
		if i == 0 {
			return "Y", 1
		}
		return "i", 1
	case 'e':
		if i == len(w)-1 && i > 1 {
			return "", 1
		}
		return "e", 1
	case 'h':
		if i == 0 {
			return "H", 1
		}
		return "", 1
	case 'a', 'i', 'o', 'u':
		return string(c), 1
	default:
		return strings.ToUpper(string(c)), 1
	}
}

// likeness returns how alike two rows of sounds are, from 0 to 1.
func likeness(a, b string) float64 {
	whole := max(mass(a), mass(b))
	if whole == 0 {
		return 0
	}
	return 1 - distance(a, b)/whole
}

func mass(s string) float64 {
	total := 0.0
	for i := range len(s) {
		total += missing(s[i])
	}
	return total
}

// missing is what a sound costs that only one of the rows has.
func missing(c byte) float64 {
	switch {
	case isVowel(c):
		return 0.5
	case c == 'H' || c == 'Y':
		return 0.6
	}
	return 1
}

func isVowel(c byte) bool { return c >= 'a' && c <= 'z' }

// distance is the least cost of edits that make b of a.
func distance(a, b string) float64 {
	row := make([]float64, len(b)+1)
	for j := range len(b) {
		row[j+1] = row[j] + missing(b[j])
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] += missing(a[i])
		for j := range len(b) {
			cost := min(diagonal+swap(a[i], b[j]), row[j]+missing(b[j]), row[j+1]+missing(a[i]))
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// swap is what it costs to take one sound for another.
func swap(a, b byte) float64 {
	switch {
	case a == b:
		return 0
	case isVowel(a) && isVowel(b):
		return 0.2
	case isVowel(a) != isVowel(b):
		return 1.2
	}
	for _, alike := range []string{"PB", "TD", "KG", "FV", "SZ", "SC", "CJ", "SJ", "T0", "D0", "F0", "MN", "GJ", "VW"} {
		if strings.IndexByte(alike, a) >= 0 && strings.IndexByte(alike, b) >= 0 {
			return 0.35
		}
	}
	return 1
}
