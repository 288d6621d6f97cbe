package siprec

import (
	"fmt"
	"strings"
	"testing"

	"earshot"
)

// TestCUCMLegsMeet places both sides of a call of a built-in bridge.
func TestCUCMLegsMeet(t *testing.T) {
	r := newRig(t, Config{})
	d := cucmDialect()
	c, err := NewClient(ClientConfig{Transport: "udp"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var offers []earshot.SessionOffer
	for i := range 2 {
		_, err := c.Call(t.Context(), CallSpec{To: "sip:" + r.Addr().String(), Media: clientMedia(2)[i : i+1], Metadata: twoParties(), Dialect: d})
		if err != nil {
			t.Fatal(err)
		}
		// The answer in the ACK comes after the 200.
		eventually(t, "the answer in the ACK", func() bool { o := r.sessions.last(t); return len(o.Media) == 1 && o.Media[0].Port == 4000+2*i })
		offers = append(offers, r.sessions.last(t))
	}
	near, far := offers[0], offers[1]
	same(t, "near end sends", sendsTo(near), "610")
	same(t, "far end sends", sendsTo(far), "+4930555")
	if near.Metadata.Groups[0].ID != far.Metadata.Groups[0].ID || !strings.HasPrefix(near.Metadata.Groups[0].ID, "cucm-") {
		t.Errorf("groups %+v and %+v", near.Metadata.Groups, far.Metadata.Groups)
	}
	if near.Metadata.Streams[0].ID == far.Metadata.Streams[0].ID {
		t.Error("both ends are one stream")
	}
}

// TestForkWithoutMetadata reads requests of systems that know no metadata.
func TestForkWithoutMetadata(t *testing.T) {
	two := sdpOf("m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n", "m=audio 4002 RTP/AVP 0\r\na=sendonly\r\n")
	for name, tc := range map[string]struct{ headers, sends, group string }{
		"one party sends both": {
			"X-Cisco-Recording-Participant: sip:7@pbx.example;media-index=\"0 1\"\r\nCisco-Guid: 1-2-3-4\r\n", "7 7", "1-2-3-4",
		},
		"session ID": {
			"X-Cisco-Recording-Participant: <sip:7@pbx.example>;media-index=\"1\"\r\nSession-ID: b2;remote=a1\r\n", " 7", "a1+b2",
		},
		"jambonz": {
			"X-Call-Sid: call-7\r\nX-Account-Sid: acc\r\nP-Asserted-Identity: \"A\" <sip:+4930111@trunk.example>\r\nP-Called-Party-ID: <sip:88@pbx.example>\r\n",
			"+4930111 88", "call-7",
		},
		"twilio with diversion": {
			"X-Twilio-CallSid: CA7\r\nDiversion: <tel:+4930222>;reason=unknown\r\n", "sbc +4930222", "CA7",
		},
		"nobody": {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Config{})
			s := newScript(r.peer(t, "udp"))
			ok := s.establish(t, "Content-Type: application/sdp\r\n"+tc.headers, two)
			if strings.Contains(ok, "a=label") {
				t.Errorf("the answer has labels that the offer had not:\n%s", ok)
			}
			o := r.sessions.last(t)
			if tc.group == "" {
				if o.Metadata != nil {
					t.Errorf("metadata %+v out of nothing", o.Metadata)
				}
				return
			}
			same(t, "senders", sendsTo(o), tc.sends)
			same(t, "group", o.Metadata.Groups[0].ID, tc.group)
			// A hold says nothing of the parties: they stay.
			s.establish(t, "Content-Type: application/sdp\r\n", strings.ReplaceAll(two, "sendonly", "inactive"))
			same(t, "senders on hold", sendsTo(r.sessions.last(t)), tc.sends)
		})
	}
}

// TestTransferOfFork is what the border element sends when a party is replaced.
func TestTransferOfFork(t *testing.T) {
	r := newRig(t, Config{})
	s := dial(t, r, "udp", CallSpec{Dialect: cubeForkDialect()})
	md := twoParties()
	md.Participants[0] = earshot.MetaParticipant{ID: "p9", AORs: []string{"sip:699@pbx.example"}}
	md.ParticipantStreams[0].ParticipantID = "p9"
	if err := s.Update(t.Context(), md, false); err != nil {
		t.Fatal(err)
	}
	same(t, "senders", sendsTo(r.sessions.last(t)), "699 +4930555")
}

// TestForkIsBounded names more parties than are taken.
func TestForkIsBounded(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "tcp"))
	var headers strings.Builder
	for i := range 500 {
		fmt.Fprintf(&headers, "X-Cisco-Recording-Participant: sip:%d@pbx.example;media-index=\"%s\"\r\n", i, strings.Repeat("0 ", 100))
	}
	s.establish(t, "Content-Type: application/sdp\r\n"+headers.String(), sdpOf("m=audio 4000 RTP/AVP 0\r\n"))
	if n := len(r.sessions.last(t).Metadata.Participants); n != maxForked {
		t.Errorf("%d participants, want %d", n, maxForked)
	}
}

func TestHeadersOfTheCall(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	many := strings.Repeat("X-Filler: a\r\n", 40)
	s.establish(t, sdpType+"User-to-User: 00FA08;encoding=hex\r\nsession-id: aa\r\n ;remote=bb\r\nAuthorization: Digest response=1\r\n"+
		"X-Token: t\r\nX-Api-Key: t\r\nX-Long: "+strings.Repeat("x", 600)+"\r\nhistory-info: <sip:1@a.example>;index=1\r\n"+many, sdpOf(audioLine(4000, "1")))
	var got []string
	headers := r.sessions.last(t).Headers
	for _, h := range headers {
		if h.Space != HeaderSpace {
			t.Errorf("space %q", h.Space)
		}
		if h.Name != "X-Filler" {
			got = append(got, h.Name+"="+h.Value)
		}
	}
	same(t, "headers", strings.Join(got, " "), "User-to-User=00FA08;encoding=hex Session-ID=aa ;remote=bb History-Info=<sip:1@a.example>;index=1")
	if len(headers) != maxHeaders {
		t.Errorf("%d headers, want %d", len(headers), maxHeaders)
	}
}
