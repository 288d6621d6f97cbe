package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the networks of the proxies before the server.
type proxies []netip.Prefix

func parseProxies(list []string) (proxies, error) {
	var out proxies
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(text); err != nil {
				return nil, fmt.Errorf("http.trusted_proxies: %q is neither an address nor a network", text)
			}
			p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func (p proxies) have(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(a.Unmap()) })
}

// client returns the address a request comes from: the last one on its way that
// is not a proxy of ours. What stands before that in X-Forwarded-For anybody may
// have written.
func (p proxies) client(r *http.Request) string {
	remote := hostOnly(r.RemoteAddr)
	at, err := netip.ParseAddr(remote)
	if err != nil || !p.have(at) {
		return remote
	}
	way := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, step := range slices.Backward(way) {
		a, err := netip.ParseAddr(hostOnly(strings.TrimSpace(step)))
		if err != nil {
			break
		}
		at = a
		if !p.have(a) {
			break
		}
	}
	return at.Unmap().String()
}
