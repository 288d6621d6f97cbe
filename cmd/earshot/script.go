package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/media"
)

// script is what happens during a call, at times since its first packet.
type script struct {
	holds          []media.Gap
	keys           []media.Key
	addStream      time.Duration // 0: the stream is there from the beginning
	transfer       time.Duration
	transferBy     string
	updateMetadata time.Duration
	lateMetadata   bool
}

// lateness is how long after the INVITE late metadata comes.
const lateness = 500 * time.Millisecond

// apply puts the flags into a call.
func (f scriptFlags) apply(spec *callSpec) error {
	s := script{
		addStream: f.AddStream, transfer: f.Transfer, transferBy: f.TransferBy,
		updateMetadata: f.UpdateMetadata, lateMetadata: f.LateMetadata,
	}
	var err error
	if s.keys, err = keysOf(f.DTMF); err != nil {
		return err
	}
	for _, text := range f.Hold {
		at, length, _ := strings.Cut(text, ":")
		from, err := time.ParseDuration(at)
		if err != nil {
			return fmt.Errorf("--hold %s: not AT:FOR, like 5s:2s", text)
		}
		for_, err := time.ParseDuration(length)
		if err != nil || from <= 0 || for_ <= 0 {
			return fmt.Errorf("--hold %s: not AT:FOR, like 5s:2s", text)
		}
		s.holds = append(s.holds, media.Gap{At: from, For: for_})
	}
	slices.SortFunc(s.holds, func(a, b media.Gap) int { return cmp.Compare(a.At, b.At) })
	for i := 1; i < len(s.holds); i++ {
		if s.holds[i].At < s.holds[i-1].At+s.holds[i-1].For {
			return errors.New("--hold: one begins before the last has ended")
		}
	}
	if d := spec.dialect; d != nil && d.Mixed && s.addStream > 0 {
		return fmt.Errorf("--add-stream: %s has one stream for all parties", d.Name)
	}
	if len(spec.audio) < 2 && s.addStream > 0 {
		return errors.New("--add-stream: there is no second party; give --audio twice")
	}
	spec.script = s
	return nil
}

// latest is the time of the last thing that happens.
func (s script) latest() time.Duration {
	last := max(s.addStream, s.transfer, s.updateMetadata)
	for _, h := range s.holds {
		last = max(last, h.At+h.For)
	}
	for _, k := range s.keys {
		last = max(last, k.At+k.For)
	}
	return last
}

// event is one thing that happens.
type event struct {
	at  time.Duration // since the first packet of the act
	do  func(ctx context.Context) error
	why string
}

// events of an act, in order.
func (a *act) events() []event {
	var out []event
	add := func(at time.Duration, why string, do func(context.Context) error) {
		if at >= a.from && (at < a.until || a.until == 0) && (at > a.from || a.from == 0) {
			out = append(out, event{at - a.from, do, why})
		}
	}
	s := a.spec.script
	for _, h := range s.holds {
		add(h.At, "hold", func(ctx context.Context) error { return a.hold(ctx, true) })
		add(h.At+h.For, "end of hold", func(ctx context.Context) error { return a.hold(ctx, false) })
	}
	if s.addStream > 0 {
		add(s.addStream, "add stream", a.addStream)
	}
	if s.transfer > 0 && s.transferBy != "group" {
		add(s.transfer, "transfer", a.transfer)
	}
	if s.updateMetadata > 0 {
		add(s.updateMetadata, "update metadata", a.tellNames)
	}
	if s.lateMetadata && a.from == 0 {
		add(lateness, "late metadata", func(ctx context.Context) error { return a.each(ctx, a.md, false) })
	}
	slices.SortStableFunc(out, func(x, y event) int { return cmp.Compare(x.at, y.at) })
	return out
}

// play lets the events happen at their times.
func (a *act) play(ctx context.Context) error {
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for _, e := range a.events() {
		timer.Reset(time.Until(began.Add(e.at)))
		select {
		case <-ctx.Done():
			return nil // the call is over before
		case <-timer.C:
		}
		if err := e.do(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("%s: %w", e.why, err)
		}
	}
	return nil
}

// each sends metadata in all sessions of the act.
func (a *act) each(ctx context.Context, md earshot.Metadata, partial bool) error {
	for _, s := range a.sessions {
		if err := s.Update(ctx, md, partial); err != nil {
			return err
		}
	}
	return nil
}

// hold offers the streams inactive, or active again.
func (a *act) hold(ctx context.Context, held bool) error {
	a.held = held
	for i, s := range a.sessions {
		if err := s.Reinvite(ctx, a.mediaOf(i), nil, false); err != nil {
			return err
		}
	}
	return nil
}

// addStream offers the second party's stream, and begins to send it.
func (a *act) addStream(ctx context.Context) error {
	a.added = true
	part := earshot.Metadata{Streams: a.md.Streams[1:]}
	for _, assoc := range a.md.ParticipantStreams {
		if len(assoc.Send) > 0 {
			part.ParticipantStreams = append(part.ParticipantStreams, assoc)
		}
	}
	if a.spec.perLeg() {
		for i := 1; i < len(a.senders); i++ {
			if err := a.open(ctx, i); err != nil {
				return err
			}
		}
	} else if err := a.sessions[0].Reinvite(ctx, a.mediaOf(0), &part, true); err != nil {
		return err
	}
	for i := 1; i < len(a.senders); i++ {
		a.start(ctx, i)
	}
	return nil
}

// transfer replaces the first party by another in the same session.
func (a *act) transfer(ctx context.Context) error {
	var partial bool
	var tell earshot.Metadata
	if a.spec.script.transferBy == "snapshot" {
		a.md = a.spec.handedOver(a.md, time.Now())
		tell = a.md
	} else {
		partial = true
		tell = a.spec.handOver(a.md, time.Now())
	}
	return a.each(ctx, tell, partial)
}

// tellNames sends the names that were kept back.
func (a *act) tellNames(ctx context.Context) error {
	part := earshot.Metadata{Participants: a.md.Participants}
	return a.each(ctx, part, true)
}
