package vocabulary

import (
	_ "embed"
	"strings"
	"sync"

	"earshot/spoken"
)

// commonText is the words of levels 10 to 35 of SCOWL, the commonest of
// English, one for each stem, and its common names with a capital; see NOTICE.
//
//go:embed common.txt
var commonText string

var common = sync.OnceValue(func() map[string]bool {
	set := make(map[string]bool, 16384)
	for w := range strings.Lines(commonText) {
		w = strings.TrimSpace(w)
		set[w] = true
		if low := strings.ToLower(w); low != w {
			set["\x00"+low] = true
			continue
		}
		set["\x01"+spoken.Stem(w)] = true
	}
	return set
})

// isCommon reports whether a word, in lower case, is one of everyday English,
// in any inflection, or a common name. Numbers, letters and contractions are.
func isCommon(w string) bool {
	return isWord(w) || common()["\x00"+w]
}

// isWord reports the same for words alone: names are none unless they are words
// too.
func isWord(w string) bool {
	if len(w) < 2 || strings.ContainsAny(w, "0123456789'") {
		return true
	}
	set := common()
	return set[w] || set["\x01"+spoken.Stem(w)]
}
