package capture

import (
	"net/netip"
	"strconv"
	"strings"

	"earshot"
)

// Endpoints returns where a stream's packets come from and go to, as far as
// the SDP of its recording session and the SIP addresses tell. The client's
// side is what its SDP names: it may have sent from elsewhere.
func Endpoints(call *earshot.Call, stream *earshot.Stream, messages []earshot.SIPMessage) (from, to netip.AddrPort) {
	local, remote := netip.IPv4Unspecified(), netip.IPv4Unspecified()
	port := uint16(0)
	for _, s := range call.Segments {
		if peer, err := netip.ParseAddrPort(s.Peer); err == nil && s.ID == stream.SegmentID {
			remote = peer.Addr()
		}
	}
	knowsLocal, knowsRemote := false, false
	for i := range messages {
		m := &messages[i]
		if m.SegmentID != stream.SegmentID {
			continue
		}
		if addr, err := netip.ParseAddrPort(m.Local); err == nil && local.IsUnspecified() {
			local = addr.Addr()
		}
		line, found := mediaLine(m.Text, stream.Media.MLine)
		switch {
		case !found:
		case m.Sent && !knowsLocal:
			local, knowsLocal = line.Addr(), true
		case !m.Sent && !knowsRemote:
			remote, port, knowsRemote = line.Addr(), line.Port(), true
		}
	}
	return netip.AddrPortFrom(remote, port), netip.AddrPortFrom(local, uint16(stream.Media.Port))
}

// mediaLine finds address and port of an m-line in the SDP of a message
// (RFC 8866 5.7 and 5.14), false when there is none or it is refused or held
// without an address.
func mediaLine(text string, index int) (netip.AddrPort, bool) {
	_, body, found := strings.Cut(text, "\r\n\r\n")
	if !found {
		return netip.AddrPort{}, false
	}
	session, media := "", ""
	port, at := 0, -1
	for line := range strings.Lines(body) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "m="):
			at++
			if fields := strings.Fields(line); at == index && len(fields) > 1 {
				number, _, _ := strings.Cut(fields[1], "/")
				port, _ = strconv.Atoi(number)
			}
		case strings.HasPrefix(line, "c=") && at < 0:
			session = line
		case strings.HasPrefix(line, "c=") && at == index:
			media = line
		}
	}
	if media == "" {
		media = session
	}
	fields := strings.Fields(media)
	if port <= 0 || port > 65535 || len(fields) < 3 {
		return netip.AddrPort{}, false
	}
	host, _, _ := strings.Cut(fields[2], "/")
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.IsUnspecified() {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(addr, uint16(port)), true
}
