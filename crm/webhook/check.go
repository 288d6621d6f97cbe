package webhook

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"

	"earshot/crm"
)

// Test implements crm.Tester: it connects, and sends nothing. Whether the
// receiver has the same secret shows with the first note.
func (c *Connector) Test(ctx context.Context) []crm.Check {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	found, err := c.connect(ctx)
	return []crm.Check{{Name: "connection", Found: found, Err: err}}
}

func (c *Connector) connect(ctx context.Context) (found string, err error) {
	u, err := url.Parse(c.origin)
	if err != nil {
		return "", err
	}
	var conn net.Conn
	if u.Scheme == "https" {
		conn, err = (&tls.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443")))
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "80")))
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s at %s", c.origin, conn.RemoteAddr()), conn.Close()
}
