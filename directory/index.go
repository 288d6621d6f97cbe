package directory

import (
	"earshot"
)

// index finds entries. It is never changed once it is made.
type index struct {
	entries earshot.Directory
	// agents are by ID, address and number, each with a prefix of its own.
	agents map[string]int
	queues map[string]int
	teams  map[string]int
}

func newIndex(entries earshot.Directory) *index {
	x := &index{entries: entries, agents: map[string]int{}, queues: map[string]int{}, teams: map[string]int{}}
	for i, a := range entries.Agents {
		x.agents["id "+a.ID] = i
		for _, aor := range a.AORs {
			x.agents["aor "+earshot.AddressKey(aor)] = i
		}
		for _, number := range a.Extensions {
			x.agents["number "+earshot.NumberKey(number)] = i
		}
	}
	for i, q := range entries.Queues {
		x.queues["id "+q.ID] = i
		for _, number := range q.Numbers {
			x.queues["number "+earshot.NumberKey(number)] = i
		}
	}
	for i, t := range entries.Teams {
		x.teams["id "+t.ID] = i
	}
	return x
}

func (x *index) agent(address string) (earshot.Agent, bool) {
	if i, ok := find(x.agents, address); ok {
		return x.entries.Agents[i], true
	}
	return earshot.Agent{}, false
}

func (x *index) queue(address string) (earshot.Queue, bool) {
	if i, ok := find(x.queues, address); ok {
		return x.entries.Queues[i], true
	}
	return earshot.Queue{}, false
}

// find looks for the whole address first, then for the number in it: at
// another host the same extension is still the same desk.
func find(list map[string]int, address string) (int, bool) {
	user, _, _ := earshot.SplitAOR(address)
	for _, key := range []string{"aor " + earshot.AddressKey(address), "id " + address, "number " + earshot.NumberKey(user)} {
		if i, ok := list[key]; ok {
			return i, true
		}
	}
	return 0, false
}

// hasAny reports whether an ID of another directory is taken here.
func (x *index) hasAny(other earshot.Directory) bool {
	taken := false
	for _, a := range other.Agents {
		_, ok := x.agents["id "+a.ID]
		taken = taken || ok
	}
	for _, t := range other.Teams {
		_, ok := x.teams["id "+t.ID]
		taken = taken || ok
	}
	for _, q := range other.Queues {
		_, ok := x.queues["id "+q.ID]
		taken = taken || ok
	}
	return taken
}
