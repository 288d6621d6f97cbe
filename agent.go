package earshot

import (
	"fmt"
	"strings"
)

// Agent is a person of the contact centre, as the directory has them.
type Agent struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Extensions are the numbers the agent is reached under, short or whole:
	// "2001", "+4930123420". They are compared by their digits, see [NumberKey].
	Extensions []string `json:"extensions"`
	// AORs are addresses of record (RFC 3261 6): "sip:mira@desk.example". Scheme,
	// parameters and case do not count, see [AddressKey].
	AORs []string `json:"aors"`
	// Team is the ID of a team, "" for none.
	Team string `json:"team"`
}

// Team is a group of agents.
type Team struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Queue is what callers dial to reach agents.
type Queue struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Numbers are compared by their digits, see [NumberKey].
	Numbers []string `json:"numbers"`
}

// Directory is everybody who works in the contact centre, by ID.
type Directory struct {
	Agents []Agent
	Teams  []Team
	Queues []Queue
}

// DirectoryKind names a list of the directory.
type DirectoryKind string

// The kinds of entries.
const (
	DirectoryAgent DirectoryKind = "agent"
	DirectoryTeam  DirectoryKind = "team"
	DirectoryQueue DirectoryKind = "queue"
)

// DirectoryError says which entry of a directory can't be used.
type DirectoryError struct {
	Kind DirectoryKind
	// Index is the place of the entry in its list.
	Index int
	ID    string
	// Why is what is wrong: "extension 2001 is agent-7's".
	Why string
}

func (e *DirectoryError) Error() string { return fmt.Sprintf("%s %q: %s", e.Kind, e.ID, e.Why) }

// maxDirectoryText bounds each text of an entry, in bytes.
const maxDirectoryText = 200

// Check returns a *[DirectoryError] of the first entry that has no ID or one
// that is taken, names a team that there is not, or claims an address or
// number of another.
func (d Directory) Check() error {
	c := directoryCheck{taken: map[string]string{}}
	for i, t := range d.Teams {
		c.entry(DirectoryTeam, i, t.ID, t.Name)
	}
	for i, a := range d.Agents {
		c.entry(DirectoryAgent, i, a.ID, a.Name)
		if _, ok := c.taken["team id "+a.Team]; a.Team != "" && !ok {
			c.fail("there is no team %q", a.Team)
		}
		c.claim("extension", "agent number", NumberKey, a.Extensions)
		c.claim("address", "agent address", AddressKey, a.AORs)
	}
	for i, q := range d.Queues {
		c.entry(DirectoryQueue, i, q.ID, q.Name)
		c.claim("number", "queue number", NumberKey, q.Numbers)
	}
	if c.err != nil {
		return c.err
	}
	return nil
}

// directoryCheck goes through the entries and keeps the first error.
type directoryCheck struct {
	// taken says whose an ID, address or number is.
	taken map[string]string
	at    DirectoryError
	err   *DirectoryError
}

func (c *directoryCheck) fail(format string, args ...any) {
	if c.err == nil {
		e := c.at
		e.Why = fmt.Sprintf(format, args...)
		c.err = &e
	}
}

func (c *directoryCheck) entry(kind DirectoryKind, index int, id, name string) {
	c.at = DirectoryError{Kind: kind, Index: index, ID: id}
	key := string(kind) + " id " + id
	switch {
	case id == "":
		c.fail("it has no id")
	case len(id) > maxDirectoryText || len(name) > maxDirectoryText:
		c.fail("a text is longer than %d bytes", maxDirectoryText)
	case strings.ContainsAny(id, "/\\?#%\x00") || strings.TrimSpace(id) != id:
		c.fail("an id has no /, \\, ?, #, %% and no blanks at its ends")
	case c.taken[key] != "":
		c.fail("the id is taken twice")
	}
	c.taken[key] = id
}

func (c *directoryCheck) claim(what, space string, keyOf func(string) string, list []string) {
	for _, s := range list {
		key := keyOf(s)
		switch owner := c.taken[space+" "+key]; {
		case key == "" || len(s) > maxDirectoryText:
			c.fail("%q is no %s", s, what)
		case owner != "" && owner != c.at.ID:
			c.fail("%s %s is %s's", what, s, owner)
		}
		c.taken[space+" "+key] = c.at.ID
	}
}

// Merge returns the directory with the entries of another in place of those
// with the same IDs, or after them.
func (d Directory) Merge(with Directory) Directory {
	return Directory{
		Agents: mergeEntries(d.Agents, with.Agents, func(a Agent) string { return a.ID }),
		Teams:  mergeEntries(d.Teams, with.Teams, func(t Team) string { return t.ID }),
		Queues: mergeEntries(d.Queues, with.Queues, func(q Queue) string { return q.ID }),
	}
}

func mergeEntries[T any](have, with []T, id func(T) string) []T {
	out := append([]T(nil), have...)
	at := map[string]int{}
	for i, v := range out {
		at[id(v)] = i
	}
	for _, v := range with {
		if i, ok := at[id(v)]; ok {
			out[i] = v
			continue
		}
		out = append(out, v)
	}
	return out
}

// NumberKey returns the digits of a number, by which numbers are compared:
// "+49 (30) 123-420" and "004930123420" are "4930123420". It is "" for what is
// no number.
func NumberKey(s string) string {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -./()\t", r) {
			return -1
		}
		return r
	}, s)
	if rest, plus := strings.CutPrefix(digits, "+"); plus {
		digits = rest
	} else if len(digits) > len("00")+6 {
		digits = strings.TrimPrefix(digits, "00")
	}
	if strings.Trim(digits, "0123456789*#") != "" {
		return ""
	}
	return digits
}

// AddressKey returns user and host of an address of record, by which addresses
// are compared: no scheme, port, parameters or upper case. It is "" for what
// has no user or no host.
func AddressKey(aor string) string {
	user, host, ok := SplitAOR(aor)
	if !ok || user == "" || host == "" {
		return ""
	}
	return strings.ToLower(user + "@" + host)
}

// SplitAOR returns user and host of a SIP, SIPS or TEL URI or what is left of
// one: recording clients leave out scheme or host. Port, parameters and a
// password are dropped; ok is false when it has no host.
func SplitAOR(aor string) (user, host string, ok bool) {
	aor = strings.TrimSpace(aor)
	for _, scheme := range []string{"sip:", "sips:", "tel:"} {
		if len(aor) >= len(scheme) && strings.EqualFold(aor[:len(scheme)], scheme) {
			aor = aor[len(scheme):]
			break
		}
	}
	aor, _, _ = strings.Cut(aor, "?")
	i := strings.LastIndex(aor, "@")
	user, host, ok = aor, "", i >= 0
	if ok {
		user, host = aor[:i], aor[i+1:]
	}
	user, _, _ = strings.Cut(user, ";")
	user, _, _ = strings.Cut(user, ":")
	host, _, _ = strings.Cut(host, ";")
	if strings.HasPrefix(host, "[") { // an IPv6 reference (RFC 3261 25.1)
		host, _, _ = strings.Cut(host[1:], "]")
	} else {
		host, _, _ = strings.Cut(host, ":")
	}
	return user, strings.ToLower(host), ok
}
