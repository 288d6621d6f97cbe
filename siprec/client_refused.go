package siprec

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// alertPatience is how long a server may take to say that it does not want the
// client's certificate.
const alertPatience = 3 * time.Second

// whyClosed says why a server closes the connection on a request. Under TLS
// 1.3 the handshake of a client is over before the server has looked at its
// certificate (RFC 8446 2): the alert is the first thing that is read, and the
// library does not hand it on. So a second connection is made to hear it.
func (c *Client) whyClosed(ctx context.Context, req *sip.Request, err error) error {
	if !errors.Is(err, sip.ErrTransactionTransport) || !strings.EqualFold(c.cfg.Transport, "tls") {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, alertPatience)
	defer cancel()
	addr := net.JoinHostPort(strings.Trim(req.Recipient.Host, "[]"), fmt.Sprint(portOf(req.Recipient, "tls")))
	conn, dialErr := (&tls.Dialer{Config: c.cfg.TLS}).DialContext(ctx, "tcp", addr)
	if dialErr != nil {
		return fmt.Errorf("TLS: %w", dialErr)
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(alertPatience))
	if _, alert := conn.Read(make([]byte, 1)); alert != nil && !errors.Is(alert, io.EOF) && !isDeadline(alert) {
		return fmt.Errorf("the server refuses our certificate, or that there is none: %w", alert)
	}
	return err
}

func isDeadline(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}
