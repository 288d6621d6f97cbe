package siprec

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"earshot"
)

const xmlDeclaration = `<?xml version="1.0" encoding="UTF-8"?>`

// Headers of the parts, as most have them.
var (
	plainSDP       = []string{"Content-Type: application/sdp"}
	plainMetadata  = []string{"Content-Type: application/rs-metadata+xml", "Content-Disposition: recording-session"}
	legacyMetadata = []string{"Content-Type: application/rs-metadata", "Content-Disposition: recording-session"}
	requiredSDP    = []string{"Content-Disposition: session;handling=required", "Content-Type: application/sdp"}
)

const (
	srcContact   = "<sip:earshot@%s>;+sip.src"
	plainContact = "<sip:earshot@%s>"
)

// rfcDialect is what RFC 7866, 7865 and 8866 have, with our own extension data.
func rfcDialect() *Dialect {
	return &Dialect{
		Name: "rfc", contact: srcContact,
		headers: func(s *ClientSession) [][2]string {
			out := [][2]string{
				{"Require", "siprec"},
				{"Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE"},
				{"Accept", "application/sdp, application/rs-metadata"},
			}
			if s.spec.SessionExpires > 0 {
				out = append(out, [2]string{"Supported", "timer"})
			}
			return out
		},
		sdp:      sdpStyle{origin: "earshot 1", subject: "-", lines: []string{"rtpmap", "label", "direction"}},
		body:     bodyStyle{boundary: "earshot-recording", sdpHead: plainSDP, metadataHead: plainMetadata},
		document: &documentStyle{declaration: xmlDeclaration, ours: true},
	}
}

// siprecHeaders are those that every client sends which says that it is one.
func siprecHeaders(allow string, more ...[2]string) func(*ClientSession) [][2]string {
	return func(*ClientSession) [][2]string {
		return append([][2]string{{"Require", "siprec"}, {"Allow", allow}, {"Supported", "timer"}}, more...)
	}
}

const allowMany = "INVITE, OPTIONS, BYE, CANCEL, ACK, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY, INFO, REGISTER"

// sum is what vendor-like IDs are made of, always the same ones of an ID.
func sum(id string) []byte {
	h := sha256.Sum256([]byte(id))
	return h[:16]
}

func base64ID(id string) string { return base64.StdEncoding.EncodeToString(sum(id)) }

func hexID(id string) string { return hex.EncodeToString(sum(id)[:10]) }

func urnID(id string) string { return "urn:uuid:" + uuidOf(id) }

func uuidOf(id string) string {
	b := sum(id)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// number is a decimal number of that many digits.
func number(id string, digits int) string {
	b, n := sum(id), ""
	for i := range digits {
		n += strconv.Itoa(int(b[i%len(b)]) % 10)
	}
	return n
}

func bareAOR(aor string) string {
	for _, scheme := range []string{"sip:", "sips:", "tel:"} {
		if rest, ok := strings.CutPrefix(aor, scheme); ok {
			return rest
		}
	}
	return aor
}

func userOf(aor string) string {
	user, _, _ := strings.Cut(bareAOR(aor), "@")
	user, _, _ = strings.Cut(user, ";")
	return user
}

func firstAOR(p earshot.MetaParticipant) string {
	if len(p.AORs) == 0 {
		return ""
	}
	return p.AORs[0]
}

// parties returns who called and who was called: the customer calls the agent
// unless the metadata knows no customer.
func parties(md earshot.Metadata) (caller, callee earshot.MetaParticipant) {
	for i, p := range md.Participants {
		if i == 0 {
			callee = p
		}
		for _, e := range p.Extensions {
			if e.Name == "role" && e.Value == string(earshot.RoleCustomer) {
				caller = p
			}
		}
	}
	if caller.ID == "" && len(md.Participants) > 1 {
		caller = md.Participants[1]
	}
	return caller, callee
}

// callKey is what all the sessions of one call have in common.
func callKey(md earshot.Metadata) string {
	if len(md.Groups) > 0 {
		return md.Groups[0].ID
	}
	if len(md.Sessions) > 0 {
		return md.Sessions[0].ID
	}
	return "call"
}

func tag(name, text string) string { return "<" + name + ">" + escape(text) + "</" + name + ">" }

// longHexID is 32 hexadecimal digits.
func longHexID(id string) string { return hex.EncodeToString(sum(id)) }
