package siprec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"earshot"
)

// Dialect is how a vendor's recording client writes its messages. The zero
// value of a field is the way of the RFCs wherever there is one.
type Dialect struct {
	// Name is what [DialectOf] finds it by.
	Name string
	// Mixed says that one stream carries all parties.
	Mixed bool
	// LegPerStream says that each party's audio comes in a session of its own.
	LegPerStream bool

	contact string // format of the Contact, with the place of the address
	// from is the From without tag; nil: earshot at the local address.
	from func(*ClientSession) string
	// headers are those of INVITEs besides the ones of the dialog.
	headers     func(*ClientSession) [][2]string
	label       func(n int) string // of the m-line with that number, from 1
	late        bool               // the INVITE has no SDP
	byeMetadata bool
	noUpdate    bool // metadata changes with a re-INVITE
	sdp         sdpStyle
	body        bodyStyle
	document    *documentStyle // nil: the client knows no metadata
}

// allDialects returns all there are, the way of the RFCs first.
func allDialects() []*Dialect {
	return []*Dialect{
		rfcDialect(), cubeDialect(), cubeForkDialect(), cucmDialect(), oracleDialect(), avayaDialect(), sonusDialect(),
		broadworksDialect(), webexDialect(), metaswitchDialect(), audiocodesDialect(), opensipsDialect(), twilioDialect(),
		jambonzDialect(), netsapiensDialect(), semsDialect(),
	}
}

// DialectNames returns the names of all dialects, the default first.
func DialectNames() []string {
	all := allDialects()
	out := make([]string, 0, len(all))
	for _, d := range all {
		out = append(out, d.Name)
	}
	return out
}

// DialectOf returns the dialect of that name.
func DialectOf(name string) (*Dialect, error) {
	for _, d := range allDialects() {
		if d.Name == name {
			return d, nil
		}
	}
	return nil, fmt.Errorf("dialect %q: not one of %s", name, strings.Join(DialectNames(), ", "))
}

// HasMetadata reports whether the client sends metadata of RFC 7865.
func (d *Dialect) HasMetadata() bool { return d.document != nil }

func (d *Dialect) fromOf(s *ClientSession) string {
	if d.from == nil {
		return "<sip:earshot@" + s.client.addr + ">"
	}
	return d.from(s)
}

func (d *Dialect) headersOf(s *ClientSession) [][2]string {
	if d.headers == nil {
		return nil
	}
	return d.headers(s)
}

// labelOf turns the label of an m-line, a number, into the vendor's.
func (d *Dialect) labelOf(label string) string {
	n, err := strconv.Atoi(label)
	if d.label == nil || err != nil {
		return label
	}
	return d.label(n)
}

// bodyStyle is how a client packs SDP and metadata (RFC 5621).
type bodyStyle struct {
	boundary      string
	quoted        bool     // the boundary in the Content-Type
	blanks        string   // behind boundaries
	sdpHead       []string // header of the part; Content-Type if nil
	metadataHead  []string
	metadataFirst bool
	glued         bool   // no empty line before the next boundary
	extra         string // a further part, with its header
	open          bool   // the last boundary is missing
}

func (b bodyStyle) contentType() string {
	if b.quoted {
		return `multipart/mixed;boundary="` + b.boundary + `"`
	}
	return "multipart/mixed;boundary=" + b.boundary
}

// multipart packs what is not empty.
func (d *Dialect) multipart(sdp, metadata string) string {
	type part struct {
		head []string
		text string
	}
	b := d.body
	parts := []part{{b.sdpHead, sdp}, {b.metadataHead, metadata}}
	if b.metadataFirst {
		slices.Reverse(parts)
	}
	var out strings.Builder
	for _, p := range parts {
		if p.text == "" {
			continue
		}
		end := "\r\n"
		if b.glued && strings.HasSuffix(p.text, "\n") {
			end = ""
		}
		fmt.Fprintf(&out, "--%s%s\r\n%s%s\r\n\r\n%s%s", b.boundary, b.blanks, strings.Join(p.head, b.blanks+"\r\n"), b.blanks, p.text, end)
	}
	if b.extra != "" && sdp != "" {
		fmt.Fprintf(&out, "--%s\r\n%s\r\n", b.boundary, b.extra)
	}
	if !b.open {
		fmt.Fprintf(&out, "--%s--\r\n", b.boundary)
	}
	return out.String()
}

// sdpStyle is how a client writes SDP.
type sdpStyle struct {
	origin  string // user name and session ID of o=
	subject string
	// lines are those behind m=, in order: "c", "rtpmap", "label", "direction",
	// "rtcp" and "mid" stand for those, the rest is written as it is.
	lines []string
	// noConnection leaves out the c= of the session.
	noConnection bool
	// alsoFormats are offered behind those of the caller.
	alsoFormats []earshot.Format
	lowerCase   bool // encodings
	// holdByAddress writes c=0.0.0.0 for streams on hold (RFC 3264 8.4).
	holdByAddress bool
}

var (
	digits = earshot.Format{PayloadType: 101, Encoding: "telephone-event", ClockRate: 8000, Channels: 1, FMTP: "0-15"}
	noise  = earshot.Format{PayloadType: 19, Encoding: "CN", ClockRate: 8000, Channels: 1}
)

func (s *ClientSession) sdp(media []ClientMedia) string {
	style := s.dialect.sdp
	family, nowhere := "IP4", "0.0.0.0"
	if s.client.cfg.Local.Is6() {
		family, nowhere = "IP6", "::"
	}
	host := "IN " + family + " " + s.client.cfg.Local.String()
	all := host // of the session
	if style.holdByAddress && !slices.ContainsFunc(media, func(m ClientMedia) bool { return m.Direction != earshot.Inactive }) {
		all = "IN " + family + " " + nowhere
	}
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=%s %d %s\r\ns=%s\r\n", style.origin, s.version, host, style.subject)
	if !style.noConnection {
		fmt.Fprintf(&b, "c=%s\r\n", all)
	}
	b.WriteString("t=0 0\r\n")
	for _, m := range media {
		at := host
		if style.holdByAddress && m.Direction == earshot.Inactive {
			at = "IN " + family + " " + nowhere
		}
		s.mline(&b, m, at, at != all)
	}
	return b.String()
}

// mline writes an m-line and what belongs to it; conn is its address, which
// elsewhere says is not the one of the session.
func (s *ClientSession) mline(b *strings.Builder, m ClientMedia, conn string, elsewhere bool) {
	style := s.dialect.sdp
	formats := slices.Clone(m.Formats)
	for _, f := range style.alsoFormats {
		if !slices.ContainsFunc(formats, func(have earshot.Format) bool { return have.PayloadType == f.PayloadType }) {
			formats = append(formats, f)
		}
	}
	fmt.Fprintf(b, "m=audio %d %s %s\r\n", m.Port, m.profile(), payloadTypes(formats))
	for i := range m.Crypto {
		writeCrypto(b, &m.Crypto[i])
	}
	if m.DTLS != nil {
		writeDTLS(b, m.DTLS)
	}
	if elsewhere && !slices.Contains(style.lines, "c") {
		fmt.Fprintf(b, "c=%s\r\n", conn)
	}
	for _, line := range style.lines {
		switch line {
		case "c":
			fmt.Fprintf(b, "c=%s\r\n", conn)
		case "rtpmap":
			style.rtpmaps(b, formats)
		case "label":
			writeLabel(b, s.dialect.labelOf(m.Label))
		case "direction":
			direction := m.Direction
			if direction == "" || (style.holdByAddress && direction == earshot.Inactive) {
				direction = earshot.SendOnly
			}
			fmt.Fprintf(b, "a=%s\r\n", direction)
		case "mid":
			fmt.Fprintf(b, "a=mid:%s\r\n", m.Label)
		case "rtcp":
			fmt.Fprintf(b, "a=rtcp:%d\r\n", m.Port+1)
		default:
			b.WriteString(line + "\r\n")
		}
	}
}

func (style sdpStyle) rtpmaps(b *strings.Builder, formats []earshot.Format) {
	for _, f := range formats {
		name := f.String()
		if style.lowerCase {
			name = strings.ToLower(name)
		}
		fmt.Fprintf(b, "a=rtpmap:%d %s\r\n", f.PayloadType, name)
		if f.FMTP != "" {
			fmt.Fprintf(b, "a=fmtp:%d %s\r\n", f.PayloadType, f.FMTP)
		}
	}
}
