package siprec

import (
	"fmt"
	"net/netip"
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
	var out []netip.Prefix
	for _, text := range list {
		if !strings.Contains(text, "/") {
			addr, err := netip.ParseAddr(text)
			if err != nil {
				return nil, fmt.Errorf("sip.peers: %q is not an address or network", text)
			}
			out = append(out, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("sip.peers: %q is not an address or network", text)
		}
		out = append(out, prefix.Masked())
	}
	return out, nil
}

func (s *Server) allowed(source string) bool {
	ap, err := netip.ParseAddrPort(source)
	if err != nil {
		return false
	}
	addr := ap.Addr().Unmap().WithZone("")
	for _, p := range s.peers {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
