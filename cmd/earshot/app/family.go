package app

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"earshot/cmd/earshot/config"
)

// mediaAddr is the address that media sockets are bound to: of both families
// where a session may come over IPv6, else of IPv4.
func mediaAddr(cfg config.SIP) netip.Addr {
	listens := []string{cfg.Listen}
	if cfg.TLSCert != "" {
		listens = append(listens, cfg.TLSListen)
	}
	for _, listen := range listens {
		host, _, err := net.SplitHostPort(listen)
		if ip, bad := netip.ParseAddr(host); err == nil && (host == "" || bad == nil && ip.Is6()) && haveIPv6() {
			return netip.IPv6Unspecified()
		}
	}
	return netip.IPv4Unspecified()
}

// haveIPv6 reports whether the machine can bind a socket of that family.
func haveIPv6() bool {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	return unix.Bind(fd, &unix.SockaddrInet6{}) == nil
}
