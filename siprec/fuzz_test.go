package siprec

import (
	"strings"
	"testing"
)

func FuzzDatagram(f *testing.F) {
	s := newScript(&peer{conn: nowhere{}})
	f.Add([]byte(s.request("INVITE", sdpType, sdpOf(audioLine(4000, "1")))))
	f.Add([]byte("BYE sip:x SIP/2.0\nVia: a\n\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		mended := mendHeader(raw)
		if res := answerTo(mended, malformedBy("x")); res != nil && !strings.HasPrefix(string(res), "SIP/2.0 400 ") {
			t.Fatalf("%q", res)
		}
	})
}
