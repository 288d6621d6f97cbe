package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"earshot"
	"earshot/siprec"
)

// callSpec says which call to place.
type callSpec struct {
	to    string
	audio []string // a WAV file per party
	names []string
	aors  []string
	roles []earshot.Role
	codec string  // PCMU if empty
	ptime int     // ms in a packet, 20 if 0
	loss  float64 // share of packets that are not sent

	transport      string          // udp if empty
	dialect        *siprec.Dialect // the RFCs' if nil
	tls            *tls.Config
	ipv6           bool
	sessionExpires int
	refresher      string
	user, password string
	script         script
	observe        func(siprec.Step)
	srtp           string // off if empty
	suite          earshot.CryptoSuite
}

// last is the Call-ID of the last recording session.
func (r callResult) last() string { return r.sipCallIDs[len(r.sipCallIDs)-1] }

// callResult is what the client saw of a call.
type callResult struct {
	sipCallIDs []string      // of its recording sessions
	setup      time.Duration // INVITE to 200
	duration   time.Duration
	packets    int
	streams    []streamResult
}

type streamResult struct {
	label   string
	audio   string
	port    int
	packets int
}

// byeTimeout bounds the end of a call, also after Ctrl-C.
const byeTimeout = 10 * time.Second

// placeCall forks a two-party (or any-party) call to a recording server in
// real time and hangs up when the longest audio is over.
func placeCall(ctx context.Context, spec callSpec) (callResult, error) {
	var result callResult
	to, err := recordingServer(spec.to, spec.ipv6)
	if err != nil {
		return result, err
	}
	spec.to = to
	pcm, err := spec.read()
	if err != nil {
		return result, err
	}
	client, err := siprec.NewClient(siprec.ClientConfig{Transport: spec.transportName(), Local: spec.local(), TLS: spec.tls})
	if err != nil {
		return result, err
	}
	defer closeQuietly(client)
	md := spec.metadata(time.Now())
	cut := time.Duration(0)
	if spec.script.transfer > 0 && spec.script.transferBy == "group" {
		cut = spec.script.transfer
	}
	first := &act{spec: spec, client: client, pcm: pcm, until: cut, md: md}
	err = first.run(ctx, &result)
	if cut > 0 && err == nil {
		second := &act{spec: spec, client: client, pcm: pcm, from: cut, md: spec.handedOver(md, time.Now())}
		err = second.run(ctx, &result)
	}
	return result, err
}

func (c callSpec) transportName() string {
	if c.transport == "" {
		return "udp"
	}
	return c.transport
}

func (c callSpec) local() netip.Addr {
	if c.ipv6 {
		return netip.IPv6Loopback()
	}
	return netip.MustParseAddr("127.0.0.1")
}

func (c callSpec) mixed() bool { return c.dialect != nil && c.dialect.Mixed }

func (c callSpec) perLeg() bool { return c.dialect != nil && c.dialect.LegPerStream }

// read reads the audio of each stream.
func (c callSpec) read() ([][]int16, error) {
	var out [][]int16
	longest := 0
	for _, path := range c.audio {
		pcm, err := readAudio(path, c.rate())
		if err != nil {
			return nil, err
		}
		out = append(out, pcm)
		longest = max(longest, len(pcm))
	}
	if last := c.script.latest(); last >= earshot.At(int64(longest), c.rate()).Duration() {
		return nil, fmt.Errorf("something is to happen at %s, when the audio is over", last)
	}
	if c.mixed() {
		out = [][]int16{mix(out)}
	}
	return out, nil
}

// mix adds what all parties say.
func mix(parties [][]int16) []int16 {
	var out []int16
	for _, pcm := range parties {
		for len(out) < len(pcm) {
			out = append(out, 0)
		}
		for i, v := range pcm {
			out[i] = int16(min(max(int(out[i])+int(v), -32768), 32767))
		}
	}
	return out
}

// recordingServer completes "HOST:PORT" to a SIP URI.
func recordingServer(to string, ipv6 bool) (string, error) {
	if !strings.HasPrefix(to, "sip:") && !strings.HasPrefix(to, "sips:") {
		to = "sip:" + to
	}
	if strings.HasPrefix(to, "sip:[::]") || strings.HasPrefix(to, "sip:0.0.0.0") {
		_, port, _ := strings.Cut(strings.TrimPrefix(to, "sip:[::]"), ":")
		if port == "" {
			return "", fmt.Errorf("recording server %q: give an address, like sip:127.0.0.1:5060", to)
		}
		host := "127.0.0.1"
		if ipv6 {
			host = "[::1]"
		}
		to = "sip:" + host + ":" + strings.TrimPrefix(port, "0.0.0.0:")
	}
	return to, nil
}
