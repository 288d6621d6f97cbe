package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// flow steps of a scenario that SIPp plays. Each returns XML.

// sippRequest is a request of the recording client within its one dialog. The
// first has no To tag and goes to the server's address.
func sippRequest(cseq int, method, headers, body string) string {
	uri, to, retrans := "[next_url]", "[peer_tag_param]", ` retrans="500"`
	if cseq == 1 && method != "ACK" {
		uri, to = "sip:srs@[remote_ip]:[remote_port]", ""
	}
	if method == "ACK" {
		retrans = ""
	}
	return fmt.Sprintf(`<send%s><![CDATA[
%s %s SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:sbc@[local_ip]:[local_port]>;tag=[pid]Flow[call_number]
To: <sip:srs@[remote_ip]:[remote_port]>%s
Call-ID: [call_id]
CSeq: %d %s
Contact: <sip:sbc@[local_ip]:[local_port];transport=[transport]>;+sip.src
Max-Forwards: 70
Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE
%sContent-Length: [len]

%s]]></send>
`, retrans, method, uri, to, cseq, method, headers, body)
}

func sippInvite(cseq int, body string) string {
	return sippRequest(cseq, "INVITE", siprecHeaders, body)
}

const (
	siprecHeaders   = "Require: siprec\nAccept: application/sdp\nContent-Type: multipart/mixed;boundary=quay\n"
	sdpOnlyHeaders  = "Content-Type: application/sdp\n"
	metadataHeaders = "Content-Type: application/rs-metadata+xml\nContent-Disposition: recording-session\n"
)

func sippAck(cseq int) string { return sippRequest(cseq, "ACK", "", "") }

// sippAnswer waits for an answer whose body, or header, matches each pattern.
func sippAnswer(status int, patterns ...string) string {
	var actions strings.Builder
	for i, p := range patterns {
		where := `search_in="msg"`
		fmt.Fprintf(&actions, `<ereg regexp="%s" %s check_it="true" assign_to="%d"/>`, p, where, i+1)
	}
	rrs := ""
	if status == 200 { // the dialog's route set and tag are taken from it
		rrs = ` rrs="true"`
	}
	out := fmt.Sprintf(`<recv response="100" optional="true"/><recv response="%d"%s><action>%s</action></recv>`+"\n", status, rrs, &actions)
	if len(patterns) > 0 {
		var names []string
		for i := range patterns {
			names = append(names, fmt.Sprint(i+1))
		}
		out += fmt.Sprintf(`<Reference variables="%s"/>`+"\n", strings.Join(names, ","))
	}
	return out
}

func sippPause(milliseconds int) string {
	return fmt.Sprintf("<pause milliseconds=\"%d\"/>\n", milliseconds)
}

// sippBody is a multipart body of SDP and metadata.
func sippBody(sdp, metadata string) string {
	return "--quay\nContent-Type: application/sdp\n\n" + sdp + "\n--quay\nContent-Type: application/rs-metadata+xml\n" +
		"Content-Disposition: recording-session\n\n" + metadata + "\n--quay--\n"
}

// sippSDP is an offer with an m-line for each direction; "removed" is port 0.
func sippSDP(version int, directions ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\no=sbc 7 %d IN IP[local_ip_type] [local_ip]\ns=-\nc=IN IP[media_ip_type] [media_ip]\nt=0 0\n", version)
	for i, d := range directions {
		port := fmt.Sprintf("[media_port+%d]", 2*i)
		if d == "removed" {
			port, d = "0", "inactive"
		}
		fmt.Fprintf(&b, "m=audio %s RTP/AVP 0\na=rtpmap:0 PCMU/8000\na=label:%d\na=%s\n", port, 11+i, d)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// playFlow plays the steps over a transport of SIPp ("u1" or "t1").
func playFlow(t *testing.T, s *server, transport string, args []string, steps ...string) {
	t.Helper()
	text := `<?xml version="1.0" encoding="ISO-8859-1" ?>` + "\n<scenario name=\"flow\">\n" + strings.Join(steps, "") + "</scenario>\n"
	file := filepath.Join(t.TempDir(), "flow.xml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sipp(t, s, file, append([]string{"-t", transport}, args...)...)
}
