package main

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"earshot"
	"earshot/calls"
	"earshot/media"
	"earshot/siprec"
)

// callSpec says which call to place.
type callSpec struct {
	to        string
	audio     []string // a WAV file per party
	names     []string
	aors      []string
	roles     []earshot.Role
	codec     string // PCMU if empty
	transport string // udp if empty
	srtp      string // off if empty
	suite     earshot.CryptoSuite
}

// callResult is what the client saw of a call.
type callResult struct {
	sipCallID string
	setup     time.Duration // INVITE to 200
	duration  time.Duration
	packets   int
	streams   []streamResult
}

type streamResult struct {
	label   string
	port    int
	packets int
}

// byeTimeout bounds the end of a call, also after Ctrl-C.
const byeTimeout = 10 * time.Second

// placeCall forks a two-party (or any-party) call to a recording server in
// real time and hangs up when the longest audio is over.
func placeCall(ctx context.Context, spec callSpec) (callResult, error) {
	var result callResult
	to, err := recordingServer(spec.to)
	if err != nil {
		return result, err
	}
	senders, err := spec.senders()
	defer func() {
		for _, s := range senders {
			closeQuietly(s)
		}
	}()
	if err != nil {
		return result, err
	}
	transport := spec.transport
	if transport == "" {
		transport = "udp"
	}
	client, err := siprec.NewClient(siprec.ClientConfig{Transport: transport})
	if err != nil {
		return result, err
	}
	defer closeQuietly(client)
	began := time.Now()
	session, err := client.Call(ctx, siprec.CallSpec{To: to, Media: spec.media(senders), Metadata: spec.metadata(began)})
	if err != nil {
		return result, err
	}
	answered := time.Now()
	result.sipCallID, result.setup = session.CallID(), answered.Sub(began)
	err = send(ctx, session, senders)
	result.duration = time.Since(answered)
	for _, s := range senders {
		result.packets += s.Sent()
		result.streams = append(result.streams, streamResult{label: s.Label(), port: s.Port(), packets: s.Sent()})
	}
	for i, m := range session.Answer() {
		result.streams[i].port = m.Port
	}
	byeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), byeTimeout)
	defer cancel()
	if byeErr := session.Bye(byeCtx); err == nil {
		err = byeErr
	}
	return result, err
}

// recordingServer completes "HOST:PORT" to a SIP URI.
func recordingServer(to string) (string, error) {
	if !strings.HasPrefix(to, "sip:") {
		to = "sip:" + to
	}
	if strings.HasPrefix(to, "sip:[::]") || strings.HasPrefix(to, "sip:0.0.0.0") {
		_, port, _ := strings.Cut(strings.TrimPrefix(to, "sip:[::]"), ":")
		if port == "" {
			return "", fmt.Errorf("recording server %q: give an address, like sip:127.0.0.1:5060", to)
		}
		to = "sip:127.0.0.1:" + port
	}
	return to, nil
}

func (c callSpec) senders() ([]*media.Sender, error) {
	var out []*media.Sender
	for i, path := range c.audio {
		pcm, err := readAudio(path)
		if err != nil {
			return out, err
		}
		samples := media.Samples(pcm)
		cfg := media.SenderConfig{
			Local: netip.MustParseAddrPort("127.0.0.1:0"), Format: c.format(), Label: fmt.Sprint(i + 1), Audio: &samples,
		}
		cfg.DTLS = c.srtp == "dtls"
		if c.srtp == "sdes" {
			key := earshot.NewCrypto(1, c.suite)
			cfg.Crypto = &key
		}
		s, err := media.NewSender(cfg)
		if err != nil {
			return out, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (c callSpec) format() earshot.Format {
	if c.codec == "PCMA" {
		return earshot.Format{PayloadType: 8, Encoding: "PCMA", ClockRate: 8000, Channels: 1}
	}
	return earshot.Format{PayloadType: 0, Encoding: "PCMU", ClockRate: 8000, Channels: 1}
}

func (c callSpec) media(senders []*media.Sender) []siprec.ClientMedia {
	out := make([]siprec.ClientMedia, len(senders))
	for i, s := range senders {
		out[i] = siprec.ClientMedia{Label: s.Label(), Port: s.Port(), Formats: []earshot.Format{c.format()}}
		out[i].DTLS = s.DTLS()
		if key := s.Crypto(); key != nil {
			out[i].Crypto = []earshot.Crypto{*key}
		}
	}
	return out
}

// metadata describes the call as a recording client does (RFC 7865).
func (c callSpec) metadata(now time.Time) earshot.Metadata {
	group, session := earshot.NewID(), earshot.NewID()
	md := earshot.Metadata{
		Groups:   []earshot.MetaGroup{{ID: group, Associate: now}},
		Sessions: []earshot.MetaSession{{ID: session, GroupID: group, Start: now}},
	}
	streams := make([]string, len(c.audio))
	for i := range c.audio {
		streams[i] = earshot.NewID()
		md.Streams = append(md.Streams, earshot.MetaStream{ID: streams[i], SessionID: session, Label: fmt.Sprint(i + 1)})
	}
	for i, path := range c.audio {
		p := earshot.MetaParticipant{
			ID:    earshot.NewID(),
			Names: []string{at(c.names, i, strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)))},
			AORs:  []string{at(c.aors, i, fmt.Sprintf("sip:party%d@earshot.invalid", i+1))},
		}
		if role := at(c.roles, i, defaultRole(i)); role != earshot.RoleUnknown {
			p.Extensions = []earshot.Extension{{Space: calls.ExtensionSpace, Name: "role", Value: string(role)}}
		}
		md.Participants = append(md.Participants, p)
		md.SessionParticipants = append(md.SessionParticipants, earshot.MetaSessionParticipant{
			ParticipantID: p.ID, SessionID: session, Associate: now,
		})
		assoc := earshot.MetaParticipantStream{ParticipantID: p.ID, Send: []string{streams[i]}}
		for j, id := range streams {
			if j != i {
				assoc.Recv = append(assoc.Recv, id)
			}
		}
		md.ParticipantStreams = append(md.ParticipantStreams, assoc)
	}
	return md
}

func defaultRole(i int) earshot.Role {
	switch i {
	case 0:
		return earshot.RoleAgent
	case 1:
		return earshot.RoleCustomer
	}
	return earshot.RoleUnknown
}

func at[T any](list []T, i int, otherwise T) T {
	if i < len(list) {
		return list[i]
	}
	return otherwise
}

// send sends all audio to where the answer says, at the same time.
func send(ctx context.Context, session *siprec.ClientSession, senders []*media.Sender) error {
	var wg sync.WaitGroup
	errs := make([]error, len(senders))
	for i, m := range session.Answer() {
		if m.Port == 0 || i >= len(senders) {
			continue
		}
		senders[i].SetRemote(m.Remote)
		senders[i].SetPeer(m.DTLS)
		wg.Go(func() { errs[i] = senders[i].Run(ctx) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return fmt.Errorf("send audio: %w", err)
		}
	}
	return nil
}
