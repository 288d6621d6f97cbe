package assist

import (
	"earshot/spoken"
)

// maxGap is how many words may stand between two words of a phrase: "cancel my
// contract" is in "cancel, um, my old contract".
const maxGap = 2

// phrase is words in canonical form, to be said in this order.
type phrase []string

func newPhrase(text string) phrase { return spoken.Terms(spoken.Words(text)) }

// in reports whether the phrase was said in the terms and ended at term from or
// later.
func (p phrase) in(terms []string, from int) bool {
	for i := range terms {
		if end, ok := p.matchAt(terms, i); ok && end > from && !p.deniedAt(terms, i) {
			return true
		}
	}
	return false
}

// matchAt reports whether the phrase begins at terms[i] and where it ends.
func (p phrase) matchAt(terms []string, i int) (end int, ok bool) {
	end, used := matchWord(terms, i, p)
	if used == 0 {
		return 0, false
	}
	for rest := p[used:]; len(rest) > 0; rest = rest[used:] {
		found := false
		for gap := 0; gap <= maxGap && end+gap < len(terms); gap++ {
			if gap > 0 && isDenial(terms[end+gap-1]) {
				break
			}
			if next, n := matchWord(terms, end+gap, rest); n > 0 {
				end, used, found = next, n, true
				break
			}
		}
		if !found {
			return 0, false
		}
	}
	return end, true
}

// matchWord matches the first word of p at terms[i]; words written together in
// one and apart in the other are the same: "wi fi" and "wifi". It returns where
// the match ends and how many words of p it took, 0 for none.
func matchWord(terms []string, i int, p phrase) (end, used int) {
	if i >= len(terms) {
		return 0, 0
	}
	if spoken.Alike(terms[i], p[0]) {
		return i + 1, 1
	}
	if i+1 < len(terms) && len(p[0]) >= 4 && terms[i]+terms[i+1] == p[0] {
		return i + 2, 1
	}
	if len(p) > 1 && len(terms[i]) >= 4 && terms[i] == p[0]+p[1] {
		return i + 1, 2
	}
	return 0, 0
}

// deniedAt reports whether the phrase at terms[i] is denied: "I do not want to
// cancel" does not say "want to cancel". What cannot be done is still meant,
// and a phrase may begin with the denial itself.
func (p phrase) deniedAt(terms []string, i int) bool {
	if isDenial(p[0]) {
		return false
	}
	for k := i - 1; k >= max(0, i-2); k-- {
		if isDenial(terms[k]) && (k == 0 || terms[k-1] != "can" && terms[k-1] != "could") {
			return true
		}
		if terms[k] != "do" && terms[k] != "even" && terms[k] != "really" && terms[k] != "want" && terms[k] != "to" {
			break
		}
	}
	return false
}

func isDenial(w string) bool { return w == "not" || w == "never" }
