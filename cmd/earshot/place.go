package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"earshot"
	"earshot/media"
	"earshot/siprec"
)

// callSpec says which call to place.
type callSpec struct {
	to    string
	audio []string // a WAV file per party
	names []string
	aors  []string
	roles []earshot.Role
	codec string // PCMU if empty

	transport      string          // udp if empty
	dialect        *siprec.Dialect // the RFCs' if nil
	tls            *tls.Config
	ipv6           bool
	sessionExpires int
	refresher      string
	user, password string
	script         script
	observe        func(siprec.Step)
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
		pcm, err := readAudio(path)
		if err != nil {
			return nil, err
		}
		out = append(out, pcm)
		longest = max(longest, len(pcm))
	}
	if last := c.script.latest(); last >= time.Duration(longest)*time.Second/8000 {
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

// act is a part of a call that has the same recording sessions.
type act struct {
	spec   callSpec
	client *siprec.Client
	pcm    [][]int16
	md     earshot.Metadata
	// from and until are in time since the call's first packet; until 0 is the end.
	from, until time.Duration

	senders  []*media.Sender
	sessions []*siprec.ClientSession
	held     bool
	added    bool
	sending  sync.WaitGroup
	errs     []error // of each sender
}

// run plays the act from INVITE to BYE.
func (a *act) run(ctx context.Context, result *callResult) error {
	defer func() {
		for _, s := range a.senders {
			closeQuietly(s)
		}
	}()
	if err := a.makeSenders(); err != nil {
		return err
	}
	began := time.Now()
	if err := a.open(ctx, 0); err != nil {
		return err
	}
	if result.setup == 0 {
		result.setup = time.Since(began)
	}
	for i := 1; a.spec.perLeg() && !a.later() && i < len(a.senders); i++ {
		if err := a.open(ctx, i); err != nil {
			return errors.Join(err, a.bye(ctx))
		}
	}
	answered := time.Now()
	err := a.perform(ctx)
	result.duration += time.Since(answered)
	a.tell(result)
	return errors.Join(err, a.bye(ctx))
}

// perform sends the audio while the events happen.
func (a *act) perform(ctx context.Context) error {
	playing, stop := context.WithCancel(ctx)
	defer stop()
	played := make(chan error, 1)
	for i := range a.senders {
		if i == 0 || !a.later() {
			a.start(ctx, i)
		}
	}
	a.sending.Add(1) // an event may start another sender
	go func() {
		defer a.sending.Done()
		played <- a.play(playing)
	}()
	a.sending.Wait()
	stop()
	return errors.Join(append(a.errs, <-played)...)
}

// later reports whether the second party's stream is still to come.
func (a *act) later() bool { return a.spec.script.addStream > a.from && !a.added }

func (a *act) bye(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), byeTimeout)
	defer cancel()
	var errs []error
	for _, s := range a.sessions {
		errs = append(errs, s.Bye(ctx))
	}
	return errors.Join(errs...)
}

// makeSenders binds a port for each stream.
func (a *act) makeSenders() error {
	for i, pcm := range a.pcm {
		from := a.from
		if i > 0 && a.later() {
			from = a.spec.script.addStream
		}
		samples := media.Samples(a.cut(pcm, from))
		s, err := media.NewSender(media.SenderConfig{
			Local: netip.AddrPortFrom(a.spec.local(), 0), Format: a.spec.format(), Label: fmt.Sprint(i + 1), Audio: &samples, Gaps: a.gaps(from),
		})
		if err != nil {
			return err
		}
		a.senders = append(a.senders, s)
	}
	a.errs = make([]error, len(a.senders))
	return nil
}

// cut returns what is said from a time to the end of the act.
func (a *act) cut(pcm []int16, from time.Duration) []int16 {
	if a.until > 0 {
		pcm = pcm[:min(len(pcm), samplesIn(a.until))]
	}
	return pcm[min(len(pcm), samplesIn(from)):]
}

func samplesIn(d time.Duration) int { return int(d * 8000 / time.Second) }

// gaps are the holds as a sender that begins at a time sees them.
func (a *act) gaps(from time.Duration) []media.Gap {
	var out []media.Gap
	for _, h := range a.spec.script.holds {
		out = append(out, media.Gap{At: h.At - from, For: h.For})
	}
	return out
}

// open places the session of a stream, which is that of all unless each has
// one of its own.
func (a *act) open(ctx context.Context, i int) error {
	s, err := a.client.Call(ctx, siprec.CallSpec{
		To: a.spec.to, Media: a.mediaOf(i), Metadata: a.known(), Dialect: a.spec.dialect,
		LateMetadata:   a.spec.script.lateMetadata && a.from == 0,
		SessionExpires: a.spec.sessionExpires, Refresher: a.spec.refresher,
		Username: a.spec.user, Password: a.spec.password, Observe: a.spec.observe,
	})
	if err != nil {
		return err
	}
	a.sessions = append(a.sessions, s)
	return nil
}

// mediaOf is what a session offers at this moment.
func (a *act) mediaOf(session int) []siprec.ClientMedia {
	senders := a.senders
	switch {
	case a.spec.perLeg():
		senders = senders[session : session+1]
	case a.later():
		senders = senders[:1]
	}
	out := a.spec.media(senders)
	for i := range out {
		if a.held {
			out[i].Direction = earshot.Inactive
		}
	}
	return out
}

// known is the metadata as the client has it at the beginning.
func (a *act) known() earshot.Metadata {
	md := a.md
	if a.later() {
		md = withoutSecond(md)
	}
	if a.spec.script.updateMetadata > a.from {
		md = withoutNames(md)
	}
	return md
}

// start sends a stream to where the last answer wants it.
func (a *act) start(ctx context.Context, i int) {
	session, line := a.sessions[0], i
	if a.spec.perLeg() {
		session, line = a.sessions[i], 0
	}
	answer := session.Answer()
	if line >= len(answer) || answer[line].Port == 0 {
		return
	}
	a.senders[i].SetRemote(answer[line].Remote)
	a.sending.Go(func() {
		if err := a.senders[i].Run(ctx); err != nil {
			a.errs[i] = fmt.Errorf("send audio: %w", err)
		}
	})
}

// tell adds what the act has sent to the result.
func (a *act) tell(result *callResult) {
	for _, s := range a.sessions {
		result.sipCallIDs = append(result.sipCallIDs, s.CallID())
	}
	for i, s := range a.senders {
		stream := streamResult{label: s.Label(), packets: s.Sent(), audio: "all parties"}
		if !a.spec.mixed() {
			stream.audio = a.spec.audio[i]
		}
		session, line := a.sessions[0], i
		if a.spec.perLeg() {
			session, line = a.sessions[min(i, len(a.sessions)-1)], 0
		}
		if answer := session.Answer(); line < len(answer) {
			stream.port = answer[line].Port
		}
		result.packets += s.Sent()
		result.streams = append(result.streams, stream)
	}
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
