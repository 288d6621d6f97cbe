package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"earshot"
	"earshot/media"
	"earshot/siprec"
)

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
	a.sending.Go(func() { played <- a.play(playing) }) // which may start another sender
	a.sending.Wait()
	stop()
	return errors.Join(append(a.errs, <-played)...)
}

// later reports whether the second party's stream is still to come.
func (a *act) later() bool { return a.spec.script.addStream > a.from && !a.added }

func (a *act) bye(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), byeTimeout)
	defer cancel()
	errs := make([]error, 0, len(a.sessions))
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
		cfg := media.SenderConfig{
			Local: netip.AddrPortFrom(a.spec.local(), 0), Format: a.spec.format(), Label: fmt.Sprint(i + 1), Audio: &samples, Gaps: a.gaps(from),
			Keys: a.keys(i, from), Events: a.spec.keyFormat(),
			PacketTime: time.Duration(a.spec.ptime) * time.Millisecond, Loss: a.spec.loss,
		}
		cfg.DTLS = a.spec.srtp == "dtls"
		if a.spec.srtp == "sdes" {
			key := earshot.NewCrypto(1, a.spec.suite)
			cfg.Crypto = &key
		}
		s, err := media.NewSender(cfg)
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
		pcm = pcm[:min(len(pcm), a.spec.samplesIn(a.until))]
	}
	return pcm[min(len(pcm), a.spec.samplesIn(from)):]
}

func (c callSpec) samplesIn(d time.Duration) int { return int(earshot.PositionOf(d).Samples(c.rate())) }

// gaps are the holds as a sender that begins at a time sees them.
func (a *act) gaps(from time.Duration) []media.Gap {
	out := make([]media.Gap, 0, len(a.spec.script.holds))
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
	a.senders[i].SetPeer(answer[line].DTLS)
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
