package summarize

import (
	"earshot"
	"earshot/spoken"
)

// emails finds addresses written or said: "john dot smith at example dot com".
func emails(t *turn) []span {
	var out []span
	for i := range t.words {
		if e, ok := spoken.ReadEmail(t.words, i); ok {
			out = append(out, span{kind: earshot.FactEmail, value: e.Value, from: e.From, to: e.To})
		}
	}
	return out
}
