package siprec

import (
	"strings"
	"testing"

	"earshot"
)

// TestAnswerSpeaksTheOffersWay: names of encodings as they were offered, or as
// they are registered, and the parameters that say what we take.
func TestAnswerSpeaksTheOffersWay(t *testing.T) {
	for _, tc := range []struct {
		name, types, attributes string
		want, never             []string
	}{
		{
			"registered names", "96 0 101", "a=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n",
			[]string{"m=audio 20000 RTP/AVP 96 0 101\r\n", "a=rtpmap:96 opus/48000/2\r\n", "a=rtpmap:0 PCMU/8000\r\n", "a=rtpmap:101 telephone-event/8000\r\n"},
			[]string{"OPUS", "TELEPHONE"},
		},
		{
			"names in small letters", "0 8 9", "a=rtpmap:0 pcmu/8000\r\na=rtpmap:8 pcma/8000/1\r\na=rtpmap:9 g722/8000\r\n",
			[]string{"a=rtpmap:0 pcmu/8000\r\n", "a=rtpmap:8 pcma/8000\r\n", "a=rtpmap:9 g722/8000\r\n"},
			[]string{"PCM"},
		},
		{
			"names in capitals", "96 101", "a=rtpmap:96 OPUS/48000/2\r\na=rtpmap:101 TELEPHONE-EVENT/8000\r\n",
			[]string{"a=rtpmap:96 OPUS/48000/2\r\n", "a=rtpmap:101 TELEPHONE-EVENT/8000\r\n"},
			[]string{"opus", "telephone"},
		},
		{
			"what stands first is sound", "101 13 0", "a=rtpmap:101 telephone-event/8000\r\n",
			[]string{"m=audio 20000 RTP/AVP 0 101 13\r\n"},
			nil,
		},
		{
			"events: no more than were offered", "0 101", "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-11\r\n",
			[]string{"a=fmtp:101 0-11\r\n"},
			nil,
		},
		{
			"events: no more than are understood", "0 101", "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-9, 11 ,12-16,32-36,66\r\n",
			[]string{"a=fmtp:101 0-9,11,12-15\r\n"},
			nil,
		},
		{
			"events: all unless there is a list", "0 101", "a=rtpmap:101 telephone-event/8000\r\n",
			[]string{"a=fmtp:101 0-15\r\n"},
			nil,
		},
		{
			"events: none of them", "0 101", "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 16-99\r\n", nil, []string{"a=fmtp"},
		},
		{
			"Opus: each side states its own", "96", "a=rtpmap:96 opus/48000/2\r\na=fmtp:96 maxaveragebitrate=20000;stereo=1;usedtx=1\r\n",
			[]string{"a=fmtp:96 useinbandfec=1\r\n"},
			[]string{"stereo", "usedtx"},
		},
		{
			"G.729 without Annex B", "18", "a=fmtp:18 annexb=no\r\n",
			[]string{"a=rtpmap:18 G729/8000\r\n", "a=fmtp:18 annexb=no\r\n"},
			nil,
		},
		{"G.729 as it is by default", "18", "", []string{"a=rtpmap:18 G729/8000\r\n"}, []string{"a=fmtp"}},
		{"packets", "0", "a=ptime:20.0\r\na=maxptime:150\r\n", []string{"a=ptime:20\r\na=maxptime:120\r\n"}, nil},
		{"packets that are longer than the offer's own limit", "0", "a=ptime:60\r\na=maxptime:40\r\n", []string{"a=maxptime:40\r\n"}, []string{"a=ptime:"}},
		{"packets that make no sense", "0", "a=ptime:0\r\na=maxptime:-1\r\n", nil, []string{"ptime"}},
		{"packets of a second", "0", "a=ptime:1000\r\n", nil, []string{"ptime"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o, err := parseSDP([]byte("v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP " + tc.types + "\r\n" + tc.attributes))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range o.media[0].Formats {
				if f.Encoding != strings.ToUpper(f.Encoding) {
					t.Errorf("encoding %q is handed on", f.Encoding)
				}
			}
			text := string(answerSDP(1, 1, "127.0.0.1", o.media, []earshot.MediaAnswer{
				{Accepted: true, Port: 20000, Formats: o.media[0].Formats, Direction: earshot.RecvOnly},
			}))
			for _, want := range tc.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing in\n%s", want, text)
				}
			}
			for _, never := range tc.never {
				if strings.Contains(text, never) {
					t.Errorf("%q in\n%s", never, text)
				}
			}
		})
	}
}

// TestSpellingOutlivesARestart: what is stored of a dialog answers the same.
func TestSpellingOutlivesARestart(t *testing.T) {
	first := newRig(t, Config{})
	s := newScript(first.peer(t, "udp"))
	offer := strings.Replace(sdpOf(audioLine(4000, "1")), "telephone-event", "Telephone-Event", 1)
	s.establish(t, sdpType, offer)
	listen := first.Addr().String()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := startRig(t, Config{Listen: listen}, &sessions{}, first.journal)
	d := second.dialogByID(dialogID(s.id, tagOf(s.to)))
	if got := d.state.Offer[0].Spelled[101]; got != "Telephone-Event" {
		t.Errorf("spelled %q", got)
	}
}
