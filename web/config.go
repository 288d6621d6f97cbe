package web

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Config says where the server listens and what it is called outside.
type Config struct {
	// Listen is HOST:PORT. The host must be a loopback address or "localhost"
	// as long as there are no accounts; port 0 takes any free one.
	Listen string
	// PublicURL is the URL of the page as seen from outside, "" when there is
	// no proxy before it. Its host is answered to besides loopback names.
	PublicURL string
	// TLSCert and TLSKey are PEM files; both or neither.
	TLSCert, TLSKey string
	// TrustedProxies are addresses and networks whose X-Forwarded-For is believed.
	TrustedProxies []string
	// FrameAncestors are origins of pages that may show this one in a frame,
	// besides its own: "https://crm.example".
	FrameAncestors []string
	// Version is what the API description says about the program.
	Version string
}

// check returns the parsed public URL, nil when there is none.
func (c *Config) check() (*url.URL, error) {
	if c.Version == "" {
		c.Version = "dev"
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return nil, errors.New("http.tls_cert and http.tls_key go together: set both or neither")
	}
	for _, origin := range c.FrameAncestors {
		u, err := url.Parse(origin)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || origin != u.Scheme+"://"+u.Host || strings.ContainsAny(u.Host, "*;, ") {
			return nil, fmt.Errorf("http.frame_ancestors: %q is not an origin like https://crm.example", origin)
		}
	}
	if c.PublicURL == "" {
		return nil, nil
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("http.public_url: %q is not an http or https URL", c.PublicURL)
	}
	return u, nil
}

// checkOpen refuses to listen where others could reach a server without
// accounts.
func checkOpen(listen string, accounts bool) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("http.listen: %q is not HOST:PORT", listen)
	}
	if accounts || isLoopbackHost(host) {
		return nil
	}
	return fmt.Errorf("http.listen: %s can be reached from other machines, and there are no accounts that "+
		"would protect the calls: make one with earshot accounts add --role admin, or listen on 127.0.0.1:%s", listen, port)
}

// isLoopbackHost reports whether a host without port means this machine only.
func isLoopbackHost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// hostOnly returns the host of a Host header, without port and brackets.
func hostOnly(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
}
