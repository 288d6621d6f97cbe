package vocabulary

import (
	"strings"

	"earshot/spoken"
)

// leastSounds is how many sounds a term has at least that is found by its
// sound: shorter ones are like too many words.
const leastSounds = 4

// entry is a term ready to be looked for.
type entry struct {
	text  string
	words int
	sound string
	// isName says that it is the name of somebody in the call.
	isName bool
	// everyday says that all words of it are everyday words: they are not
	// corrected for their sound, nor is their case.
	everyday bool
	not      map[string]bool
	near     map[string]bool
}

// list is the terms, by how they are found.
type list struct {
	terms []*entry
	// forms are the forms that are always replaced, as key makes them, and the
	// terms themselves.
	forms map[string]*entry
	// most is the most words of a form.
	most int
}

func newList(terms []Term) *list {
	l := &list{forms: map[string]*entry{}}
	for _, t := range terms {
		l.add(t, false)
	}
	return l
}

// nameList makes terms of the names of people: whole, and each word of them.
func nameList(names []string) *list {
	l := newList(nil)
	for _, name := range names {
		words := strings.Fields(name)
		if len(words) > maxWords || strings.ContainsAny(name, "@0123456789") {
			continue
		}
		for _, w := range append(words, name) {
			if len(letters(w)) > 2 {
				l.add(Term{Term: w}, true)
			}
		}
	}
	return l
}

func (l *list) add(t Term, isName bool) {
	e := &entry{
		text: t.Term, words: len(strings.Fields(t.Term)), sound: sound(t.Term), isName: isName, everyday: true,
		not: set(t.Not), near: map[string]bool{},
	}
	for _, w := range t.Near {
		e.near[spoken.Stem(strings.ToLower(w))] = true
	}
	known := isCommon
	if isName {
		known = isWord // a name of the call is likelier than the same of somebody else
	}
	for w := range strings.FieldsSeq(t.Term) {
		e.everyday = e.everyday && known(strings.ToLower(w))
	}
	l.terms = append(l.terms, e)
	if !e.everyday {
		l.forms[key(t.Term)] = e
	}
	l.most = max(l.most, e.words+1)
	for _, s := range t.SoundsLike {
		l.forms[key(s)] = e
		l.most = max(l.most, len(strings.Fields(s)))
	}
}

func set(forms []string) map[string]bool {
	out := map[string]bool{}
	for _, f := range forms {
		out[key(f)] = true
	}
	return out
}

// key is a form in which only the words count.
func key(text string) string {
	words := spoken.Words(text)
	out := make([]string, 0, len(words))
	for _, w := range words {
		out = append(out, w.Norm)
	}
	return strings.Join(out, " ")
}
