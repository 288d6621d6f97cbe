package siprec

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// privateNetworks are who may call when nobody is listed (RFC 1918, 4193,
// 6598, and the local ones).
var privateNetworks = []string{
	"127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
	"100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10",
}

func parsePeers(list []string) ([]netip.Prefix, error) {
	if len(list) == 0 {
		list = privateNetworks
	}
	return parsePrefixes("sip.peers", list)
}

// parsePrefixes reads addresses and networks; key is the setting they are of.
func parsePrefixes(key string, list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range list {
		prefix, err := netip.ParsePrefix(text)
		if !strings.Contains(text, "/") {
			var addr netip.Addr
			addr, err = netip.ParseAddr(text)
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %q is not an address or network", key, text)
		}
		out = append(out, prefix.Masked())
	}
	return out, nil
}

func (s *Server) allowed(source string) bool { return contains(s.peers, source) }

// contains reports whether a transport address is in one of the networks.
func contains(nets []netip.Prefix, source string) bool {
	ap, err := netip.ParseAddrPort(source)
	if err != nil {
		return false
	}
	addr := ap.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(nets, func(p netip.Prefix) bool { return p.Contains(addr) })
}
