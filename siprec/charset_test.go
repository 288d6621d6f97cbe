package siprec

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"earshot"
)

// TestCharsets: the name is read whatever the document is written in.
func TestCharsets(t *testing.T) {
	const name = "Jörg Čapek"
	document := func(declared, name string) string {
		if declared != "" {
			declared = ` encoding="` + declared + `"`
		}
		return `<?xml version="1.0"` + declared + `?><recording xmlns="urn:ietf:params:xml:ns:recording:1"><participant participant_id="p">` +
			`<nameID aor="sip:301@desk.example"><name>` + name + `</name></nameID></participant></recording>`
	}
	latin := func(s string) string {
		var b strings.Builder
		for _, r := range s {
			b.WriteByte(byte(r))
		}
		return b.String()
	}
	wide := func(s string) string {
		b := []byte{0xff, 0xfe}
		for _, u := range utf16.Encode([]rune(s)) {
			b = binary.LittleEndian.AppendUint16(b, u)
		}
		return string(b)
	}
	for _, tc := range []struct{ what, charset, body, want string }{
		{"UTF-8", "", document("UTF-8", name), name},
		{"nothing is said", "", document("", name), name},
		{"ISO-8859-1 by the document", "", latin(document("ISO-8859-1", "Jörg")), "Jörg"},
		{"ISO-8859-1 by the MIME type", "iso-8859-1", latin(document("", "Jörg")), "Jörg"},
		{"the MIME type goes first", "utf-8", document("ISO-8859-1", name), name},
		{"UTF-8 by mistake", "", latin(document("UTF-8", "Jörg")), "Jörg"},
		{"Windows", "windows-1252", document("", "J\x94rg \x80"), "J”rg €"},
		{"UTF-16", "", wide(document("UTF-16", name)), name},
		{"a mark of the order of bytes", "", "\ufeff" + document("UTF-8", name), name},
		{"characters that XML does not know", "", document("UTF-8", "J\x01örg\x0b"), "J örg"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			r := newRig(t, Config{})
			s := newScript(r.peer(t, "tcp"))
			kind := "application/rs-metadata+xml"
			if tc.charset != "" {
				kind += `; charset="` + tc.charset + `"`
			}
			s.establish(t, mixedType, mixed("application/sdp", sdpOf(audioLine(4000, "1")), kind, tc.body))
			o := r.sessions.last(t)
			if o.Metadata == nil || len(o.Metadata.Participants) != 1 || len(o.Problems) != 0 {
				t.Fatalf("metadata %+v, problems %q", o.Metadata, o.Problems)
			}
			if p := o.Metadata.Participants[0]; strings.Join(p.Names, "|") != tc.want {
				t.Errorf("named %q, want %q", p.Names, tc.want)
			}
		})
	}
}

// TestSessionWithoutCommunicationSession: a recording session may be kept up
// while there is no call (RFC 7865 6.1.2), and the metadata says so.
func TestSessionWithoutCommunicationSession(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	const empty = `<recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>complete</datamode></recording>`
	hold := strings.Replace(sdpOf(audioLine(4000, "1")), "a=sendonly", "a=inactive", 1)
	ok := s.establish(t, mixedType, mixed("application/sdp", hold, "application/rs-metadata+xml", empty))
	if o := r.sessions.last(t); !strings.Contains(ok, "a=inactive") || o.Metadata == nil || len(o.Problems) != 0 || o.Media[0].Direction != earshot.Inactive {
		t.Errorf("the session is %+v after\n%s", o, ok)
	}
	d := r.dialogByID(dialogID(s.id, tagOf(s.to)))
	d.mu.Lock()
	asks := !d.state.AskAt.IsZero()
	d.mu.Unlock()
	if asks {
		t.Error("a snapshot is to be asked for, though there is nothing to tell")
	}
	s.establish(t, mixedType, mixed("application/sdp", versioned(sdpOf(audioLine(4000, "1")), "8"), "application/rs-metadata+xml", metadataText))
	if o := r.sessions.last(t); len(o.Metadata.Participants) != 2 || o.Media[0].Direction != earshot.SendOnly {
		t.Errorf("the call is %+v", o)
	}
}
