package siprec

import (
	"strings"
	"testing"

	"earshot"
)

// What is asked for is answered in kind; what a receiver cannot fill is left
// out of the answer (RFC 3611 5.2).
func TestExtendedReports(t *testing.T) {
	all := earshot.XR{RoundTrip: "all", Loss: true, Duplicates: true, Jitter: true, VoIPMetrics: true}
	for _, tt := range []struct {
		name, session, media string
		want                 earshot.XR
		answer               string
	}{
		{"nothing", "", "", earshot.XR{}, ""},
		{
			"everything", "", "a=rtcp-xr:pkt-loss-rle=20 pkt-dup-rle pkt-rcpt-times rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics x=y",
			all, "a=rtcp-xr:rcvr-rtt=all stat-summary=loss,dup,jitt voip-metrics",
		},
		{"in capitals", "", "a=RTCP-XR:RCVR-RTT=SENDER VOIP-METRICS", earshot.XR{RoundTrip: "sender", VoIPMetrics: true}, "a=rtcp-xr:rcvr-rtt=sender voip-metrics"},
		{"summary of whatever there is", "", "a=rtcp-xr:stat-summary", earshot.XR{Loss: true, Duplicates: true, Jitter: true}, "a=rtcp-xr:stat-summary=loss,dup,jitt"},
		{"for the session", "a=rtcp-xr:voip-metrics\r\n", "", earshot.XR{VoIPMetrics: true}, "a=rtcp-xr:voip-metrics"},
		{"for the m-line alone", "a=rtcp-xr:voip-metrics\r\n", "a=rtcp-xr:stat-summary=jitt", earshot.XR{Jitter: true}, "a=rtcp-xr:stat-summary=jitt"},
		{"none for the m-line", "a=rtcp-xr:voip-metrics\r\n", "a=rtcp-xr:", earshot.XR{}, ""},
		{"none that can be served", "", "a=rtcp-xr:stat-summary=TTL pkt-loss-rle", earshot.XR{}, ""},
	} {
		o, err := parseSDP([]byte("v=0\r\nc=IN IP4 192.0.2.1\r\n" + tt.session + "m=audio 4000 RTP/AVP 0\r\n" + tt.media + "\r\n"))
		if err != nil || o.media[0].XR != tt.want {
			t.Errorf("%s: %+v, %v", tt.name, o.media[0].XR, err)
			continue
		}
		text := string(answerSDP(1, 1, "192.0.2.2", o.media, []earshot.MediaAnswer{
			{Accepted: true, Port: 6000, Formats: o.media[0].Formats, Direction: earshot.RecvOnly, XR: o.media[0].XR},
		}))
		got := ""
		for line := range strings.SplitSeq(text, "\r\n") {
			if strings.HasPrefix(line, "a=rtcp-xr") {
				got += line
			}
		}
		if got != tt.answer {
			t.Errorf("%s: answered %q, want %q", tt.name, got, tt.answer)
		}
	}
}
