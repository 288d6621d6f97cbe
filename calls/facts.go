package calls

import (
	"encoding/hex"
	"slices"
	"strings"

	"earshot"
)

// facts are what extension data and header fields say about a call, whatever
// the vendor calls it; docs/dialects.md has the table.
type facts struct {
	caller, callee string
	// ids name the call in other systems, as "kind:value".
	ids []string
	// more are further facts worth a tag, as "kind:value".
	more []string
}

// words are the names of a fact in extension data: the last part of a name,
// or, with a slash before it, any part.
var (
	callerWords = []string{"callingpartynumber", "callingnumber", "orignumber"}
	calleeWords = []string{"calledpartynumber", "callednumber", "termnumber"}
	idWords     = map[string]string{
		"ucid": "ucid", "avayaucid": "ucid", "genesysuuid": "genesys", "gcid": "gcid", "cisco-gucid": "gucid",
		"exttrackingid": "tracking", "callsid": "call-sid",
	}
	moreWords = map[string]string{"queue": "queue", "calltype": "call-type", "realm": "realm"}
	idHeaders = map[string]string{
		"cisco-gucid": "gucid", "cisco-guid": "guid", "x-broadworks-correlation-info": "tracking", "x-audc-call-id": "audc",
		"x-twilio-callsid": "twilio", "x-call-sid": "call-sid",
	}
)

func factsOf(offer earshot.SessionOffer) facts {
	var f facts
	for _, e := range allExtensions(offer.Metadata) {
		f.extension(e)
	}
	for _, h := range offer.Headers {
		f.header(h)
	}
	slices.Sort(f.ids)
	f.ids = slices.Compact(f.ids)
	return f
}

func allExtensions(md *earshot.Metadata) []earshot.Extension {
	if md == nil {
		return nil
	}
	var out []earshot.Extension
	for _, g := range md.Groups {
		out = append(out, g.Extensions...)
	}
	for _, s := range md.Sessions {
		out = append(out, s.Extensions...)
	}
	for _, p := range md.Participants {
		out = append(out, p.Extensions...)
	}
	return out
}

func (f *facts) extension(e earshot.Extension) {
	name, value := strings.ToLower(e.Name), strings.TrimSpace(e.Value)
	parts := strings.Split(name, "/")
	last := parts[len(parts)-1]
	swapped := e.Space == jambonzSpace // its numbers are the wrong way round
	switch {
	case value == "" || e.Space == ExtensionSpace:
	case slices.Contains(callerWords, last):
		f.party(value, swapped)
	case slices.Contains(calleeWords, last):
		f.party(value, !swapped)
	case idWords[last] != "":
		f.id(idWords[last], value)
	case moreWords[last] != "":
		f.more = append(f.more, moreWords[last]+":"+value)
	}
}

// jambonzSpace is the namespace of jambonz' extension data.
const jambonzSpace = "http://jambonz.org/siprec"

// party notes a number as the callee's or the caller's, the first one of each.
func (f *facts) party(number string, callee bool) {
	at := &f.caller
	if callee {
		at = &f.callee
	}
	if *at == "" {
		*at = number
	}
}

func (f *facts) header(h earshot.Extension) {
	name, value := strings.ToLower(h.Name), strings.TrimSpace(h.Value)
	switch {
	case name == "user-to-user":
		f.userToUser(value)
	case name == "diversion" || name == "history-info":
		if user := userOf(address(value)); user != "" {
			f.more = append(f.more, "diverted:"+user)
		}
	case name == "session-id":
		local, params, _ := strings.Cut(value, ";")
		f.id("session-id", local)
		if _, remote, ok := strings.Cut(params, "remote="); ok {
			remote, _, _ = strings.Cut(remote, ";")
			f.id("session-id", remote)
		}
	case idHeaders[name] != "":
		f.id(idHeaders[name], value)
	}
}

// userToUser reads the UUI of RFC 7433 as contact centres use it: after a
// byte for the protocol come items of a type, a length and a value, in
// hexadecimal; type FA is Avaya's UCID.
func (f *facts) userToUser(value string) {
	text, _, _ := strings.Cut(value, ";")
	raw, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) < 3 {
		return
	}
	for raw = raw[1:]; len(raw) >= 2; {
		kind, n := raw[0], int(raw[1])
		if len(raw) < 2+n {
			return
		}
		if kind == 0xfa {
			f.id("ucid", hex.EncodeToString(raw[2:2+n]))
		}
		raw = raw[2+n:]
	}
}

// id notes a name of the call, unless it is one that says nothing.
func (f *facts) id(kind, value string) {
	value, _, _ = strings.Cut(strings.TrimSpace(value), ";")
	value = strings.ToLower(strings.TrimSpace(value))
	if kind == "ucid" { // written with and without the frame of a UUI item
		if i := strings.Index(value, "fa08"); i >= 0 && len(value) >= i+20 {
			value = value[i+4 : i+20]
		}
	}
	if telling(value) {
		f.ids = append(f.ids, kind+":"+value)
	}
}

// telling reports whether an identifier can be one of this call alone: it is
// long enough, and neither all zeros or the like nor a row as one types it.
func telling(id string) bool {
	distinct := map[rune]bool{}
	for _, r := range id {
		distinct[r] = true
	}
	return len(id) >= 4 && len(id) <= 256 && len(distinct) >= 3 &&
		!strings.HasPrefix(id, "abcdef123456") && !strings.HasPrefix(id, "0123456789") && !strings.HasPrefix(id, "1234567890")
}

// tags are the facts as they are searched for.
func (f facts) tags() []string {
	out := append(slices.Clone(f.ids), f.more...)
	if user := userOf(f.caller); user != "" {
		out = append(out, "caller:"+user)
	}
	if user := userOf(f.callee); user != "" {
		out = append(out, "callee:"+user)
	}
	return out
}

func userOf(aor string) string {
	user, _, _ := earshot.SplitAOR(aor)
	return user
}
