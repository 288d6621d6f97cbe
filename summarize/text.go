package summarize

import (
	"strings"

	"earshot"
)

// compose writes the summary as a short paragraph.
func compose(reason string, facts []earshot.Fact, actions []earshot.Action) string {
	var parts []string
	if reason != "" {
		parts = append(parts, "Reason for the call: "+reason)
	}
	if len(facts) > 0 {
		values := make([]string, 0, len(facts))
		for _, f := range facts {
			values = append(values, label(f.Kind)+f.Value)
		}
		parts = append(parts, "Mentioned: "+strings.Join(values, ", ")+".")
	}
	if len(actions) > 0 {
		promised := make([]string, 0, len(actions))
		for _, a := range actions {
			promised = append(promised, promiseText(a))
		}
		parts = append(parts, "Promised: "+strings.Join(promised, "; ")+".")
	}
	if len(parts) == 0 {
		return "Nothing was said that can be summarised."
	}
	return strings.Join(parts, " ")
}

func promiseText(a earshot.Action) string {
	text := "\u201c" + a.Text + "\u201d"
	if a.Owner == earshot.RoleAgent || a.Owner == earshot.RoleCustomer {
		text = string(a.Owner) + ": " + text
	}
	if a.Due != "" {
		text += " (due: " + a.Due + ")"
	}
	return text
}

func label(kind earshot.FactKind) string {
	switch kind {
	case earshot.FactNumber:
		return "number "
	case earshot.FactPhone:
		return "phone "
	}
	return ""
}
