package siprec

import (
	"fmt"
	"net/netip"
	"path"
	"strings"

	"github.com/emiago/sipgo/sip"

	"earshot"
)

// Policy is what some of the peers must do. The first that fits a peer counts.
type Policy struct {
	// Peers are addresses and networks; empty fits every peer.
	Peers []string
	// RequireSIPREC takes sessions only from who says to be a recording client:
	// Require: siprec, and +sip.src in the Contact (RFC 7866 6.1). Many clients
	// leave one of them out.
	RequireSIPREC bool
	// RequireTLS takes requests only over TLS.
	RequireTLS bool
	// ClientNames are patterns of names of which the client's certificate must
	// have one, like *.sbc.example. They need TLS and a CA for clients.
	ClientNames []string
	// DigestUser and DigestPassword are what requests must be authenticated with
	// (RFC 3261 22); empty asks for nothing.
	DigestUser     string
	DigestPassword string
	// SRTP says which of its streams are taken; empty leaves it to what counts
	// for all.
	SRTP earshot.SRTPPolicy
}

type policy struct {
	Policy
	nets []netip.Prefix
}

func parsePolicies(list []Policy) ([]policy, error) {
	var out []policy
	for i, p := range list {
		if (p.DigestUser == "") != (p.DigestPassword == "") {
			return nil, fmt.Errorf("sip.policies: number %d needs both digest_user and digest_password", i+1)
		}
		for _, pattern := range p.ClientNames {
			if _, err := path.Match(pattern, ""); err != nil {
				return nil, fmt.Errorf("sip.policies: client name %q: %w", pattern, err)
			}
		}
		switch p.SRTP {
		case "", earshot.SRTPAllow, earshot.SRTPRequire, earshot.SRTPOff:
		default:
			return nil, fmt.Errorf("sip.policies: srtp %q is not allow, require or off", p.SRTP)
		}
		pol := policy{Policy: p}
		if len(p.Peers) > 0 {
			var err error
			if pol.nets, err = parsePrefixes("sip.policies", p.Peers); err != nil {
				return nil, err
			}
		}
		out = append(out, pol)
	}
	return out, nil
}

// policyOf returns what counts for a peer; the zero policy asks for nothing.
func (s *Server) policyOf(source string) policy {
	for _, p := range s.policies {
		if p.nets == nil || contains(p.nets, source) {
			return p
		}
	}
	return policy{}
}

// check refuses a request that breaks its peer's policy.
func (s *Server) check(req *sip.Request) *refusal {
	p := s.policyOf(req.Source())
	secure := strings.EqualFold(req.Transport(), "tls")
	switch {
	case p.RequireTLS && !secure:
		return breach("this peer must use TLS")
	case len(p.ClientNames) > 0 && !s.named(req.Source(), p.ClientNames):
		return breach("the certificate is for none of the names of this peer")
	case req.Method == sip.CANCEL || req.Method == sip.OPTIONS:
		return nil
	case p.DigestUser != "":
		return s.authenticate(req, p)
	}
	return nil
}

func breach(why string) *refusal {
	return &refusal{403, "Forbidden", []string{"Warning", warning(399, why)}}
}

// named reports whether the client at an address has shown a certificate for
// one of the names.
func (s *Server) named(source string, patterns []string) bool {
	names, ok := s.clients.Load(source)
	if !ok {
		return false
	}
	for _, name := range names.([]string) {
		for _, pattern := range patterns {
			if ok, _ := path.Match(strings.ToLower(pattern), strings.ToLower(name)); ok {
				return true
			}
		}
	}
	return false
}

// checkClient refuses who does not say to be a recording client where that is
// asked for (RFC 7866 6.2).
func (s *Server) checkClient(req *sip.Request) *refusal {
	if !s.policyOf(req.Source()).RequireSIPREC {
		return nil
	}
	if !requires(req, "siprec") {
		return &refusal{421, "Extension Required", []string{"Require", "siprec"}}
	}
	if !isSRC(req) {
		return breach("the Contact has no +sip.src")
	}
	return nil
}

// requires reports whether a Require header has an option tag.
func requires(req *sip.Request, tag string) bool { return listed(req, "Require", tag) }

// listed reports whether a header that is a list of tokens has this one.
func listed(req *sip.Request, header, token string) bool {
	for _, h := range req.GetHeaders(header) {
		for t := range strings.SplitSeq(h.Value(), ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// isSRC reports whether the Contact has the feature tag of a recording client,
// as a header parameter (RFC 7866 6.1.1) or, as some write it, of the URI.
func isSRC(req *sip.Request) bool {
	return strings.Contains(strings.ToLower(headerOf(req, "Contact", "m")), "+sip.src")
}
