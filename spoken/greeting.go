package spoken

import "strings"

// GreetsAsAgent reports whether a text in canonical form has words by which
// agents answer calls, and customers do not.
func GreetsAsAgent(text string) bool {
	for _, s := range [...]string{"thank you for calling", "thanks for calling", "how can i help", "how may i help", "how can i assist", "how may i assist", "what can i do for you"} {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}
