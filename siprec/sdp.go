package siprec

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"earshot"
)

// maxMLines bounds the m-lines of an offer.
const maxMLines = 64

var errSDP = errors.New("malformed SDP")

// offer is an SDP offer (RFC 8866) as far as it concerns us.
type offer struct {
	origin origin
	media  []earshot.MediaOffer
}

// origin is the o= line, whose version counts the changes of a session
// (RFC 3264 5, 8).
type origin struct {
	session string // user name, session ID, network and address
	version uint64
}

func parseOrigin(value string) origin {
	f := strings.Fields(value)
	if len(f) < 3 {
		return origin{}
	}
	version, err := strconv.ParseUint(f[2], 10, 64)
	if err != nil {
		return origin{}
	}
	return origin{session: strings.Join(append(f[:2:2], f[3:]...), " "), version: version}
}

// MarshalText writes "VERSION SESSION".
func (o origin) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%d %s", o.version, o.session), nil
}

// UnmarshalText reads what MarshalText writes.
func (o *origin) UnmarshalText(text []byte) error {
	version, session, _ := strings.Cut(string(text), " ")
	n, err := strconv.ParseUint(version, 10, 64)
	*o = origin{session: session, version: n}
	return err
}

// staticFormats are the payload types that need no rtpmap (RFC 3551 6).
var staticFormats = map[uint8]earshot.Format{
	0:  {PayloadType: 0, Encoding: "PCMU", ClockRate: 8000, Channels: 1},
	3:  {PayloadType: 3, Encoding: "GSM", ClockRate: 8000, Channels: 1},
	4:  {PayloadType: 4, Encoding: "G723", ClockRate: 8000, Channels: 1},
	8:  {PayloadType: 8, Encoding: "PCMA", ClockRate: 8000, Channels: 1},
	9:  {PayloadType: 9, Encoding: "G722", ClockRate: 8000, Channels: 1},
	10: {PayloadType: 10, Encoding: "L16", ClockRate: 44100, Channels: 2},
	11: {PayloadType: 11, Encoding: "L16", ClockRate: 44100, Channels: 1},
	13: {PayloadType: 13, Encoding: "CN", ClockRate: 8000, Channels: 1},
	15: {PayloadType: 15, Encoding: "G728", ClockRate: 8000, Channels: 1},
	18: {PayloadType: 18, Encoding: "G729", ClockRate: 8000, Channels: 1},
	19: {PayloadType: 19, Encoding: "CN", ClockRate: 8000, Channels: 1},
}

// parseSDP reads an offer. Lines it does not need may be missing or wrong
// (some clients send neither c= nor t=); the m-lines may not.
func parseSDP(body []byte) (*offer, error) {
	o := &offer{}
	direction, conn := earshot.SendRecv, netip.Addr{}
	var session earshot.DTLS // what the m-lines inherit
	var xr earshot.XR
	var m *mline
	for line := range strings.Lines(string(body)) {
		line = strings.TrimRight(line, " \t\r\n")
		if len(line) < 2 || line[1] != '=' {
			continue
		}
		value := strings.TrimSpace(line[2:])
		switch line[0] {
		case 'o':
			o.origin = parseOrigin(value)
		case 'c':
			if m == nil {
				conn = connectionAddr(value)
			} else {
				m.conn = connectionAddr(value)
			}
		case 'm':
			if m != nil {
				o.media = append(o.media, m.finish())
			}
			if len(o.media) == maxMLines {
				return nil, fmt.Errorf("%w: more than %d m-lines", errSDP, maxMLines)
			}
			var err error
			if m, err = parseMLine(value, direction, conn); err != nil {
				return nil, err
			}
			m.session, m.offer.XR = session, xr
		case 'a':
			if m != nil {
				m.attribute(value)
			} else if d := directionOf(value); d != "" {
				direction = d
			} else {
				name, rest, _ := strings.Cut(value, ":")
				if name = strings.ToLower(name); name == "rtcp-xr" {
					xr = parseXR(rest)
				}
				dtlsAttribute(&session, name, strings.TrimSpace(rest))
			}
		}
	}
	if m == nil {
		return nil, fmt.Errorf("%w: no m-line", errSDP)
	}
	o.media = append(o.media, m.finish())
	return o, nil
}

// mline is one m-line in the making.
type mline struct {
	offer   earshot.MediaOffer
	conn    netip.Addr
	rtcp    netip.AddrPort
	formats map[uint8]earshot.Format
	types   []uint8
	session earshot.DTLS // of the session
	own     earshot.DTLS // of this m-line; its attributes count instead
	cryptos int          // a=crypto lines seen
}

// parseMLine reads the value of an m= line: "audio 49170 RTP/AVP 0 8".
func parseMLine(value string, direction earshot.MediaDirection, conn netip.Addr) (*mline, error) {
	fields := strings.Fields(value)
	if len(fields) < 3 {
		return nil, fmt.Errorf("%w: m=%s", errSDP, value)
	}
	port, _, _ := strings.Cut(fields[1], "/")
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%w: port in m=%s", errSDP, value)
	}
	m := &mline{conn: conn, formats: map[uint8]earshot.Format{}}
	m.offer = earshot.MediaOffer{Kind: strings.ToLower(fields[0]), Port: int(n), Profile: strings.ToUpper(fields[2]), Direction: direction}
	for _, f := range fields[3:] {
		if pt, err := strconv.ParseUint(f, 10, 7); err == nil {
			m.types = append(m.types, uint8(pt))
		}
	}
	return m, nil
}

func (m *mline) attribute(value string) {
	name, rest, _ := strings.Cut(value, ":")
	rest = strings.TrimSpace(rest)
	switch name = strings.ToLower(name); name {
	case "crypto":
		if m.cryptos++; m.cryptos > maxCrypto {
			return
		}
		if c, ok := parseCrypto(rest); ok {
			m.offer.Crypto = append(m.offer.Crypto, c)
		}
	case "setup", "fingerprint":
		dtlsAttribute(&m.own, name, rest)
	case "label":
		m.offer.Label = rest
	case "rtcp-xr":
		m.offer.XR = parseXR(rest)
	case "rtcp-mux":
		m.offer.RTCPMux = true
	case "ptime":
		m.offer.PTime = milliseconds(rest)
	case "maxptime":
		m.offer.MaxPTime = milliseconds(rest)
	case "rtcp": // RFC 3605
		port, addr, _ := strings.Cut(rest, " ")
		if n, err := strconv.ParseUint(port, 10, 16); err == nil {
			m.rtcp = netip.AddrPortFrom(connectionAddr(addr), uint16(n))
		}
	case "rtpmap":
		m.rtpmap(rest)
	case "fmtp":
		pt, params, _ := strings.Cut(rest, " ")
		if n, err := strconv.ParseUint(pt, 10, 7); err == nil {
			f := m.formats[uint8(n)]
			f.FMTP = strings.TrimSpace(params)
			m.formats[uint8(n)] = f
		}
	default:
		if d := directionOf(value); d != "" {
			m.offer.Direction = d
		}
	}
}

// rtpmap reads "0 PCMU/8000/1".
func (m *mline) rtpmap(value string) {
	pt, mapping, _ := strings.Cut(value, " ")
	n, err := strconv.ParseUint(pt, 10, 7)
	parts := strings.Split(strings.TrimSpace(mapping), "/")
	if err != nil || len(parts) < 2 {
		return
	}
	f := m.formats[uint8(n)]
	f.Encoding, f.Channels = strings.ToUpper(parts[0]), 1
	if parts[0] != f.Name() {
		if m.offer.Spelled == nil {
			m.offer.Spelled = map[uint8]string{}
		}
		m.offer.Spelled[uint8(n)] = parts[0]
	}
	f.ClockRate, _ = strconv.Atoi(parts[1])
	if len(parts) > 2 {
		f.Channels, _ = strconv.Atoi(parts[2])
	}
	m.formats[uint8(n)] = f
}

// dtls returns what was offered of DTLS, nil without a certificate.
func (m *mline) dtls() *earshot.DTLS {
	d := m.own
	if len(d.Fingerprints) == 0 {
		d.Fingerprints = m.session.Fingerprints
	}
	if d.Setup == "" {
		d.Setup = m.session.Setup
	}
	if len(d.Fingerprints) == 0 {
		return nil
	}
	return &d
}

func (m *mline) finish() earshot.MediaOffer {
	m.offer.DTLS = m.dtls()
	for _, pt := range m.types {
		f := m.formats[pt]
		f.PayloadType = pt
		if static, ok := staticFormats[pt]; ok && f.Encoding == "" {
			static.FMTP = f.FMTP
			f = static
		}
		if f.Encoding != "" && f.ClockRate > 0 {
			m.offer.Formats = append(m.offer.Formats, f)
		}
	}
	if m.conn.IsValid() {
		m.offer.Remote = netip.AddrPortFrom(m.conn, uint16(m.offer.Port))
		m.offer.RemoteRTCP = netip.AddrPortFrom(m.conn, uint16(min(m.offer.Port+1, 65535)))
	}
	if m.offer.RTCPMux {
		m.offer.RemoteRTCP = m.offer.Remote
	} else if m.rtcp.Port() != 0 {
		addr := m.rtcp.Addr()
		if !addr.IsValid() {
			addr = m.conn
		}
		m.offer.RemoteRTCP = netip.AddrPortFrom(addr, m.rtcp.Port())
	}
	// The old way to put a stream on hold (RFC 3264 8.4).
	if m.conn.IsValid() && m.conn.IsUnspecified() && m.offer.Port != 0 {
		m.offer.Direction = earshot.Inactive
	}
	return m.offer
}

func directionOf(attribute string) earshot.MediaDirection {
	switch d := earshot.MediaDirection(strings.ToLower(strings.TrimSpace(attribute))); d {
	case earshot.SendRecv, earshot.SendOnly, earshot.RecvOnly, earshot.Inactive:
		return d
	}
	return ""
}

// connectionAddr reads "IN IP4 192.0.2.1/127"; the zero address if it can't.
func connectionAddr(value string) netip.Addr {
	fields := strings.Fields(value)
	if len(fields) < 3 {
		return netip.Addr{}
	}
	host, _, _ := strings.Cut(fields[2], "/")
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap()
}

// answerSDP writes the answer: as many m-lines as offered, in their order,
// the refused ones with port 0 (RFC 3264 6), each with its label (RFC 4574).
func answerSDP(id, version uint64, host string, offers []earshot.MediaOffer, answers []earshot.MediaAnswer) []byte {
	var b strings.Builder
	family := "IP4"
	if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		family = "IP6"
	}
	fmt.Fprintf(&b, "v=0\r\no=earshot %d %d IN %s %s\r\ns=earshot\r\nc=IN %s %s\r\nt=0 0\r\n", id, version, family, host, family, host)
	for i, o := range offers {
		var a earshot.MediaAnswer
		if i < len(answers) {
			a = answers[i]
		}
		if !a.Accepted {
			fmt.Fprintf(&b, "m=%s 0 %s %s\r\n", o.Kind, o.Profile, payloadTypes(o.Formats))
			writeLabel(&b, o.Label)
			continue
		}
		formats := soundFirst(a.Formats)
		fmt.Fprintf(&b, "m=%s %d %s %s\r\n", o.Kind, a.Port, o.Profile, payloadTypes(formats))
		writeFormats(&b, formats, o.Spelled)
		writePTime(&b, &o)
		writeSecurity(&b, a.Security)
		if a.RTCPMux {
			b.WriteString("a=rtcp-mux\r\n")
		}
		writeXR(&b, a.XR)
		writeLabel(&b, o.Label)
		fmt.Fprintf(&b, "a=%s\r\n", a.Direction)
	}
	return []byte(b.String())
}

func writeLabel(b *strings.Builder, label string) {
	if label != "" {
		fmt.Fprintf(b, "a=label:%s\r\n", label)
	}
}
