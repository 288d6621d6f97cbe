package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"earshot"
)

const sdpHeaders = "Require: siprec\r\nContent-Type: application/sdp\r\n"

func TestUnusableOffersAreRefusedAndSaidWhy(t *testing.T) {
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none")
	offer := func(mline string) string {
		return "v=0\r\no=sbc 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" + mline + "\r\na=sendonly\r\n"
	}
	for _, tc := range []struct {
		name, headers, body string
		status              int
		header              string
	}{
		{"no common codec", sdpHeaders, offer("m=audio 40000 RTP/AVP 97\r\na=rtpmap:97 EVRC/8000"), 488, "warning"},
		{"no SDP", "Require: siprec\r\nContent-Type: application/rs-metadata+xml\r\n", "<recording/>", 488, "warning"},
		{"only video", sdpHeaders, offer("m=video 40000 RTP/AVP 98\r\na=rtpmap:98 H264/90000"), 488, "warning"},
		{"unknown extension", "Require: teleport\r\n" + sdpHeaders[len("Require: siprec\r\n"):], offer("m=audio 40000 RTP/AVP 0"), 420, "unsupported"},
		{"unknown body", "Require: siprec\r\nContent-Type: application/pidgin\r\n", "coo", 415, "accept"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newSRC(t, s).request(t, "INVITE", tc.headers, tc.body, 5*time.Second)
			if r.status != tc.status || r.header[tc.header] == "" {
				t.Errorf("answered %d %s, %s %q, want %d and a %s", r.status, r.text, tc.header, r.header[tc.header], tc.status, tc.header)
			}
		})
	}
	if n := len(s.calls(t)); n != 0 {
		t.Errorf("%d calls came of refused offers", n)
	}
}

func TestBrokenMetadataNeverCostsARecording(t *testing.T) {
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s")
	whole := twoStreams("127.0.0.1")
	for name, body := range map[string]string{
		"cut within the XML":    whole[:strings.Index(whole, "<participant ")+20],
		"no last boundary":      strings.TrimSuffix(whole, "\r\n--mole--\r\n"),
		"tag closed wrong":      strings.Replace(whole, "</participant>", "</partisan>", 1),
		"not XML at all":        strings.Replace(whole, "<?xml", "xml?>", 1),
		"bare line feeds":       strings.ReplaceAll(whole, "\r\n", "\n"),
		"entity that is not so": strings.Replace(whole, "Olga", "&ouml;lga", 1),
	} {
		t.Run(name, func(t *testing.T) {
			c := newSRC(t, s)
			r := c.request(t, "INVITE", inviteHeaders, body, 5*time.Second)
			if r.status != 200 {
				t.Fatalf("answered %d %s", r.status, r.text)
			}
			c.to = r.header["to"]
			c.request(t, "ACK", "", "", time.Second)
			ports := portOf.FindAllStringSubmatch(r.body, -1)
			if len(ports) != 2 {
				t.Fatalf("answer with %d streams:\n%s", len(ports), r.body)
			}
			c.bye(t)
		})
	}
	flagged := 0
	for _, call := range s.calls(t) {
		if len(call.Problems) > 0 {
			flagged++
		}
	}
	// Cut off, without a last boundary, and closed by the wrong tag; the others
	// can be read all the same.
	if flagged != 3 {
		t.Errorf("%d calls are flagged, want 3", flagged)
	}
}

func TestPortsUsedUp(t *testing.T) {
	first := freePortRange(t, 4)
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", rtpPorts(first, 4))
	c := newSRC(t, s)
	c.invite(t)
	second := newSRC(t, s)
	r := second.request(t, "INVITE", inviteHeaders, twoStreams("127.0.0.1"), 5*time.Second)
	if r.status != 503 || r.header["retry-after"] == "" {
		t.Errorf("answered %d %s, Retry-After %q", r.status, r.text, r.header["retry-after"])
	}
	c.bye(t)
	wait(t, 10*time.Second, "the ports to be free again", func() bool {
		again := newSRC(t, s)
		r := again.request(t, "INVITE", inviteHeaders, twoStreams("127.0.0.1"), 5*time.Second)
		return r.status == 200
	})
}

func TestStrangersAreRefused(t *testing.T) {
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_SIP_PEERS=192.0.2.7")
	r := newSRC(t, s).request(t, "INVITE", inviteHeaders, twoStreams("127.0.0.1"), 5*time.Second)
	if r.status != 403 {
		t.Errorf("answered %d %s, want 403", r.status, r.text)
	}
}

// TestFullDisk fills a small file system under a server with a call up.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=96m"); err != nil {
		t.Fatalf("mount a small file system (needs root): %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_DATA_DIR="+dir, "EARSHOT_DATA_RESERVE_MB=32")
	s.dir = dir
	audio := excerpt(t, 6)
	c := newSRC(t, s)
	ports := c.invite(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		speak(t, ports, audio[0], audio[1])
	}()
	fill := filepath.Join(dir, "fill")
	if err := os.WriteFile(fill, make([]byte, 70<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	wait(t, 10*time.Second, "new calls to be refused", func() bool {
		r := newSRC(t, s).request(t, "INVITE", inviteHeaders, twoStreams("127.0.0.1"), 5*time.Second)
		return r.status == 503 && r.header["retry-after"] != ""
	})
	<-done
	c.bye(t)
	calls := s.calls(t)
	call := calls[len(calls)-1]
	wait(t, 20*time.Second, "the recording of the call that was up", func() bool {
		return s.call(t, call.ID).RecordingReady
	})
	checkLoss(t, s, call, audio, -1)
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	wait(t, 10*time.Second, "new calls to be taken again", func() bool {
		return newSRC(t, s).request(t, "INVITE", inviteHeaders, twoStreams("127.0.0.1"), 5*time.Second).status == 200
	})
}

func TestModelsMissingOrTruncated(t *testing.T) {
	whole, err := filepath.Abs("../models/dist")
	if err != nil {
		t.Fatal(err)
	}
	truncated := t.TempDir()
	files, err := os.ReadDir(whole)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(filepath.Join(whole, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(f.Name(), "decoder") {
			raw = raw[:len(raw)/2]
		}
		if err := os.WriteFile(filepath.Join(truncated, f.Name()), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, dir := range map[string]string{"missing": t.TempDir(), "truncated": truncated} {
		t.Run(name, func(t *testing.T) {
			s := prepare(t, "EARSHOT_TRANSCRIBE_MODEL="+dir)
			for _, command := range []string{"serve", "doctor"} {
				out, err := s.earshot(t, command)
				if err == nil || !strings.Contains(out, "make setup") || strings.Contains(out, "panic") {
					t.Errorf("earshot %s: %v\n%s", command, err, out)
				}
			}
			s.env = append(s.env, "EARSHOT_TRANSCRIBE_ENGINE=none")
			s.start(t)
			c := newSRC(t, s)
			c.invite(t)
			c.bye(t)
			id := s.onlyCall(t).ID
			wait(t, 10*time.Second, "the recording without recognition", func() bool { return s.call(t, id).RecordingReady })
		})
	}
}

func TestDoctorIsContentWithAGoodInstallation(t *testing.T) {
	s := prepare(t)
	out, err := s.earshot(t, "doctor")
	if err != nil || strings.Contains(out, "WRONG") {
		t.Errorf("earshot doctor: %v\n%s", err, out)
	}
	s.start(t)
	out, err = s.earshot(t, "doctor")
	if err != nil || !strings.Contains(out, s.http) {
		t.Errorf("earshot doctor beside the server: %v\n%s", err, out)
	}
}

func TestSecondServerOnTheSameFolderIsRefused(t *testing.T) {
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none")
	out, err := s.earshot(t, "serve")
	if err == nil || !strings.Contains(out, "in use by another earshot") {
		t.Errorf("second server: %v\n%s", err, out)
	}
}

func TestOneBadCallNeverTouchesAnother(t *testing.T) {
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s")
	audio := excerpt(t, 8)
	good := newSRC(t, s)
	ports := good.invite(t)
	stop := make(chan struct{})
	go func() {
		bad := newSRC(t, s)
		for _, garbage := range [][]byte{
			{},
			{0},
			[]byte("INVITE"), []byte("\r\n\r\n"), make([]byte, 20000),
			[]byte("INVITE sip:x SIP/2.0\r\nVia: \r\nContent-Length: 99999\r\n\r\n"),
			[]byte("BYE sip:x SIP/2.0\r\nCall-ID: nobody\r\n\r\n"),
			slices.Repeat([]byte("a=fmtp:"), 4000),
		} {
			_, _ = bad.conn.Write(garbage)
		}
		close(stop)
	}()
	speak(t, ports, audio[0], audio[1])
	<-stop
	good.bye(t)
	id := s.onlyCall(t).ID
	wait(t, 10*time.Second, "the recording", func() bool { return s.call(t, id).RecordingReady })
	call := s.call(t, id)
	if call.State == earshot.CallInterrupted {
		t.Errorf("state %s", call.State)
	}
	checkLoss(t, s, call, audio, -1)
}
