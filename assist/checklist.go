package assist

import (
	"slices"

	"earshot"
)

// Checklist returns the items of the playbook, in its order, and which of them
// the suggestions of a call tick. An item that several rules tick stands once.
// What was ticked by a rule that the playbook no longer has comes last. The
// Assistant may be nil: there is no playbook then.
func (a *Assistant) Checklist(made []earshot.Suggestion) []earshot.ChecklistItem {
	var list []earshot.ChecklistItem
	add := func(item, rule string) int {
		i := slices.IndexFunc(list, func(have earshot.ChecklistItem) bool { return have.Item == item })
		if i < 0 {
			i = len(list)
			list = append(list, earshot.ChecklistItem{Item: item, Rules: []string{}})
		}
		if rule != "" && !slices.Contains(list[i].Rules, rule) {
			list[i].Rules = append(list[i].Rules, rule)
		}
		return i
	}
	if a != nil {
		for _, r := range a.playbook.Load().Rules {
			if r.Kind == "checklist" {
				add(r.Title, r.ID)
			}
		}
	}
	for _, s := range made {
		if s.Kind != "checklist" {
			continue
		}
		// The rule stays the same where the item was worded anew.
		i := slices.IndexFunc(list, func(have earshot.ChecklistItem) bool { return slices.Contains(have.Rules, s.Rule) })
		if i < 0 {
			i = add(s.Title, s.Rule)
		}
		list[i].Tick(s)
	}
	return list
}
