package siprec

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"earshot"
)

var update = flag.Bool("update", false, "write what came of each dialect to its .want file; read the difference before you keep it")

var viaAddress = regexp.MustCompile(`192\.0\.2\.31:5060;branch`)

// TestDialects plays the messages in testdata, each with a way of writing that
// recording clients in the field have, over UDP and TCP. What is in NAME.2.sip
// and so on follows in the same dialog; NAME.udp.sip makes sense over UDP
// alone. All that comes of them stands in NAME.want: status and answer, and
// the session as it is handed on.
func TestDialects(t *testing.T) {
	files, err := filepath.Glob("testdata/*.sip")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d messages, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".sip")
		base, suffix, _ := strings.Cut(name, ".")
		if _, err := strconv.Atoi(suffix); err == nil {
			continue // follows another one
		}
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join("testdata", base+".want"))
			if err != nil && !*update {
				t.Fatal(err)
			}
			for _, network := range []string{"udp", "tcp"} {
				if suffix == "udp" && network != "udp" {
					continue
				}
				got := playDialect(t, network, name)
				if *update {
					if err := os.WriteFile(filepath.Join("testdata", base+".want"), []byte(got), 0o600); err != nil {
						t.Fatal(err)
					}
				} else if got != string(want) {
					t.Errorf("%s: got\n%s\nwant\n%s", network, got, want)
				}
			}
		})
	}
}

// playDialect sends the messages of a dialog and says what came of them.
func playDialect(t *testing.T, network, name string) string {
	t.Helper()
	r := newRig(t, Config{})
	p := r.peer(t, network)
	messages := readDialog(t, name)
	var out strings.Builder
	tag := ""
	for i, text := range messages {
		text = viaAddress.ReplaceAllString(strings.ReplaceAll(text, "{tag}", tag), p.conn.LocalAddr().String()+";branch")
		text = strings.Replace(text, "SIP/2.0/UDP", "SIP/2.0/"+strings.ToUpper(network), 1)
		method, _, _ := strings.Cut(text, " ")
		if method == "ACK" {
			acknowledge(t, r, p, text)
			fmt.Fprintf(&out, "== ACK\n%s", describeOffer(r.sessions.last(t)))
			continue
		}
		before := len(r.sessions.all())
		answer := p.exchange(t, text)
		fmt.Fprintf(&out, "== %s %d", method, statusIn(answer))
		if statusIn(answer) != 200 {
			fmt.Fprintf(&out, " %s\n", headerIn(answer, "Warning"))
			continue
		}
		if kind := headerIn(answer, "Content-Type"); bodyOf(answer) != "" && kind != "application/sdp" { // never multipart
			t.Errorf("%s is answered with %q", method, kind)
		}
		if method == "INVITE" && !strings.HasSuffix(headerIn(answer, "Contact"), ";+sip.srs") { // RFC 7866 6.2
			t.Errorf("Contact %s", headerIn(answer, "Contact"))
		}
		_, tag, _ = strings.Cut(headerIn(answer, "To"), "tag=")
		out.WriteString("\n" + describeAnswer(t, bodyOf(answer)))
		if len(r.sessions.all()) > before {
			out.WriteString(describeOffer(r.sessions.last(t)))
		}
		if method == "INVITE" && (i+1 == len(messages) || !strings.HasPrefix(messages[i+1], "ACK")) {
			p.send(t, ackOf(text, answer))
		}
	}
	return out.String()
}

// acknowledge sends an ACK with an answer, and again for each 200 that comes
// again (RFC 3261 13.2.2.4), until it is taken.
func acknowledge(t *testing.T, r *rig, p *peer, ack string) {
	t.Helper()
	before := len(r.sessions.all())
	p.send(t, ack)
	eventually(t, "the ACK to be taken", func() bool {
		if statusIn(p.receive(t, 10*time.Millisecond)) == 200 {
			p.send(t, ack)
		}
		return len(r.sessions.all()) > before
	})
}

// readDialog returns the messages of a dialog. Lengths written as @ are filled
// in.
func readDialog(t *testing.T, name string) []string {
	t.Helper()
	var out []string
	for n := 1; ; n++ {
		file := name
		if n > 1 {
			file = fmt.Sprintf("%s.%d", name, n)
		}
		raw, err := os.ReadFile(filepath.Join("testdata", file+".sip"))
		if err != nil {
			if n == 1 {
				t.Fatal(err)
			}
			return out
		}
		head, body, _ := strings.Cut(string(raw), "\r\n\r\n")
		out = append(out, strings.Replace(head, "Content-Length: @", "Content-Length: "+strconv.Itoa(len(body)), 1)+strings.TrimPrefix(string(raw), head))
	}
}

// ackOf acknowledges the 200 to an INVITE.
func ackOf(invite, answer string) string {
	cseq, _, _ := strings.Cut(headerIn(answer, "CSeq"), " ")
	return fmt.Sprintf("ACK sip:srs@192.0.2.40 SIP/2.0\r\nVia: %s-ack\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s ACK\r\nContent-Length: 0\r\n\r\n",
		headerIn(invite, "Via"), headerIn(answer, "From"), headerIn(answer, "To"), headerIn(answer, "Call-ID"), cseq)
}

func describeAnswer(t *testing.T, sdp string) string {
	t.Helper()
	if sdp == "" {
		return ""
	}
	o, err := parseSDP([]byte(sdp))
	if err != nil {
		t.Fatalf("answer: %v\n%s", err, sdp)
	}
	return describeMedia("answer", o.media)
}

func describeMedia(what string, media []earshot.MediaOffer) string {
	var b strings.Builder
	for _, m := range media {
		var formats []string
		for _, f := range m.Formats {
			formats = append(formats, fmt.Sprintf("%d=%s", f.PayloadType, f))
		}
		fmt.Fprintf(&b, "%s: %s %d %s", what, m.Kind, m.Port, m.Profile)
		if what == "offer" && m.Remote.IsValid() {
			fmt.Fprintf(&b, " at %s", m.Remote.Addr())
		}
		fmt.Fprintf(&b, " label %q %s %s\n", m.Label, m.Direction, strings.Join(formats, ","))
	}
	return b.String()
}

// describeOffer says all that a session hands on.
func describeOffer(o earshot.SessionOffer) string {
	var b strings.Builder
	b.WriteString(describeMedia("offer", o.Media))
	for _, h := range o.Headers {
		fmt.Fprintf(&b, "header: %s = %s\n", h.Name, h.Value)
	}
	for _, p := range o.Problems {
		fmt.Fprintf(&b, "problem: %s\n", p)
	}
	if o.Metadata != nil {
		describeMetadata(&b, o.Metadata)
	}
	return b.String()
}

func describeMetadata(b *strings.Builder, md *earshot.Metadata) {
	for _, g := range md.Groups {
		fmt.Fprintf(b, "group %s%s\n%s", g.ID, span(g.Associate, g.Disassociate), extensions(g.Extensions))
	}
	for _, s := range md.Sessions {
		fmt.Fprintf(b, "session %s of group %q%s %s\n%s", s.ID, s.GroupID, span(s.Start, s.Stop), strings.Join(s.SIPSessionIDs, " "), extensions(s.Extensions))
	}
	for _, p := range md.Participants {
		fmt.Fprintf(b, "participant %s %q %q\n%s", p.ID, p.Names, p.AORs, extensions(p.Extensions))
	}
	for _, s := range md.Streams {
		fmt.Fprintf(b, "stream %s of session %s label %q\n", s.ID, s.SessionID, s.Label)
	}
	for _, a := range md.SessionParticipants {
		fmt.Fprintf(b, "%s in %s%s\n", a.ParticipantID, a.SessionID, span(a.Associate, a.Disassociate))
	}
	for _, a := range md.ParticipantStreams {
		fmt.Fprintf(b, "%s sends %s receives %s%s\n", a.ParticipantID, a.Send, a.Recv, span(a.Associate, a.Disassociate))
	}
}

func extensions(list []earshot.Extension) string {
	var b strings.Builder
	for _, e := range list {
		fmt.Fprintf(&b, "  {%s} %s = %s\n", e.Space, e.Name, e.Value)
	}
	return b.String()
}

func span(from, until time.Time) string {
	out := ""
	if !from.IsZero() {
		out += " from " + from.Format(time.RFC3339Nano)
	}
	if !until.IsZero() {
		out += " until " + until.Format(time.RFC3339Nano)
	}
	return out
}

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s %q, want %q", what, got, want)
	}
}
