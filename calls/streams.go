package calls

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"earshot"
)

// planned is what is to be done about one m-line, decided before anything is
// touched.
type planned struct {
	offer   earshot.MediaOffer
	formats []earshot.Format // empty: refused
	// security is how the packets are protected, nil if they are not.
	security *earshot.Security
	// stream is the one the m-line has already, "" for none.
	stream earshot.StreamID
}

// plan decides about each m-line. existing maps m-lines to their streams. It
// fails when a stream would lose its last codec, or nothing can be recorded.
// before is how the streams have been protected so far.
func (m *Manager) plan(
	existing map[int]earshot.StreamID, before map[earshot.StreamID]*earshot.Security, offer earshot.SessionOffer,
) ([]planned, error) {
	offers := offer.Media
	plan := make([]planned, len(offers))
	accepted := 0
	var refused error
	for i, o := range offers {
		plan[i] = planned{offer: o, stream: existing[i]}
		if o.Port == 0 {
			continue
		}
		formats, security, err := m.acceptable(&o, offer.SRTP, before[existing[i]])
		if err != nil {
			if errors.Is(err, earshot.ErrMediaSecurity) {
				refused = err
			}
			if existing[i] != "" {
				return nil, fmt.Errorf("m-line %d: %w", i, err)
			}
			continue
		}
		plan[i].formats, plan[i].security = formats, security
		accepted++
	}
	preferSecure(plan)
	if accepted == 0 && refused != nil {
		return nil, refused
	}
	if accepted == 0 && len(existing) == 0 {
		return nil, errRefusedAll
	}
	return plan, nil
}

func (m *Manager) acceptable(
	o *earshot.MediaOffer, policy earshot.SRTPPolicy, before *earshot.Security,
) ([]earshot.Format, *earshot.Security, error) {
	if o.Kind != "audio" {
		return nil, nil, fmt.Errorf("media type %q: %w", o.Kind, earshot.ErrNoCommonCodec)
	}
	if o.Remote.Addr().IsMulticast() {
		return nil, nil, fmt.Errorf("multicast: %w", earshot.ErrNoCommonCodec)
	}
	security, err := m.secure(o, policy, before)
	if err != nil {
		return nil, nil, err
	}
	formats, err := m.media.Accept(o.Formats)
	return formats, security, err
}

// open carries the plan out for a segment: new streams are opened, existing
// ones get their new formats in the record. It returns the answers and the
// streams opened, also when it fails half-way.
func (c *call) open(id earshot.SegmentID, plan []planned) ([]earshot.MediaAnswer, []earshot.StreamID, error) {
	answers := make([]earshot.MediaAnswer, len(plan))
	var opened []earshot.StreamID
	for i, p := range plan {
		if len(p.formats) == 0 {
			continue
		}
		s := c.rec.Stream(p.stream)
		if s == nil {
			stream := earshot.NewStreamID()
			recv, err := c.m.media.Open(StreamSpec{
				CallID: c.rec.ID, StreamID: stream, Formats: p.formats, RTCPMux: p.offer.RTCPMux,
				RemoteRTCP: p.offer.RemoteRTCP, XR: p.offer.XR, Security: p.security, Paused: c.rec.Paused,
			})
			if err != nil {
				return nil, opened, fmt.Errorf("open stream for m-line %d: %w", i, err)
			}
			s = c.addStream(id, stream, i, recv)
			c.tracks[s.ID].security = p.security
			opened = append(opened, s.ID)
		}
		s.Label = p.offer.Label
		c.tracks[s.ID].turn(s.Media.Direction, answerDirection(p.offer.Direction))
		s.Media.Formats, s.Media.RTCPMux = p.formats, p.offer.RTCPMux
		s.Media.XR = p.offer.XR
		if to := p.offer.RemoteRTCP.Addr(); to.IsValid() && !to.IsUnspecified() { // a hold of RFC 2543 names none
			s.Media.RemoteRTCP = p.offer.RemoteRTCP
		}
		s.Media.Direction = answerDirection(p.offer.Direction)
		if s.Codec == "" {
			s.Codec = p.formats[0].String()
		}
		answers[i] = earshot.MediaAnswer{
			Accepted: true, Port: s.Media.Port, Formats: p.formats, StreamID: s.ID,
			Direction: s.Media.Direction, RTCPMux: s.Media.RTCPMux, XR: s.Media.XR, Security: p.security,
		}
	}
	return answers, opened, nil
}

func (c *call) addStream(seg earshot.SegmentID, stream earshot.StreamID, mline int, recv Receiver) *earshot.Stream {
	channel := c.nextChannel()
	if c.redundant(seg) {
		channel = -1
	}
	c.rec.Streams = append(c.rec.Streams, earshot.Stream{
		ID: stream, SegmentID: seg, Channel: channel,
		Media: earshot.StreamMedia{MLine: mline, Port: recv.Port()},
	})
	c.tracks[stream] = &track{src: recv, recv: recv, mark: earshot.Watermark{StreamID: stream, Completed: channel < 0}}
	return &c.rec.Streams[len(c.rec.Streams)-1]
}

// answerDirection answers a direction as a party that only listens
// (RFC 3264 6.1, RFC 7866 7.2).
func answerDirection(offered earshot.MediaDirection) earshot.MediaDirection {
	switch offered {
	case earshot.Inactive, earshot.RecvOnly:
		return earshot.Inactive
	default:
		return earshot.RecvOnly
	}
}

// mlines maps the m-lines of a segment to their open streams.
func (c *call) mlines(id earshot.SegmentID) map[int]earshot.StreamID {
	out := map[int]earshot.StreamID{}
	for _, s := range c.rec.Streams {
		if s.SegmentID == id && s.EndedAt == nil {
			out[s.Media.MLine] = s.ID
		}
	}
	return out
}

// securities are how the open streams are protected.
func (c *call) securities() map[earshot.StreamID]*earshot.Security {
	out := map[earshot.StreamID]*earshot.Security{}
	for id, t := range c.tracks {
		out[id] = t.security
	}
	return out
}

// renegotiated hands each open stream of a segment what was agreed on anew.
func (c *call) renegotiated(id earshot.SegmentID, answers []earshot.MediaAnswer) {
	for _, s := range c.rec.Streams {
		t := c.tracks[s.ID]
		if t == nil || t.recv == nil || s.SegmentID != id {
			continue
		}
		t.recv.SetFormats(s.Media.Formats)
		t.recv.SetReports(s.Media)
		for _, a := range answers {
			if a.StreamID != s.ID {
				continue
			}
			if err := t.recv.SetSecurity(a.Security); err != nil {
				c.m.log.Error("new keys not taken", "call_id", c.rec.ID, "stream", s.ID, "error", err)
				continue
			}
			t.security = a.Security
		}
	}
}

// removed are the streams whose m-lines the plan gives up.
func (c *call) removed(id earshot.SegmentID, plan []planned) []earshot.StreamID {
	var out []earshot.StreamID
	lines := c.mlines(id)
	for i, p := range plan {
		if lines[i] != "" && len(p.formats) == 0 {
			out = append(out, lines[i])
		}
	}
	return out
}

// closeStreams drains and closes streams and marks them ended.
func (c *call) closeStreams(ids []earshot.StreamID, at time.Time) {
	var wg sync.WaitGroup
	for _, id := range ids {
		t := c.tracks[id]
		if t == nil || t.recv == nil {
			continue
		}
		wg.Go(func() {
			if err := t.recv.Close(); err != nil {
				c.m.m.closeErrors.Inc()
				c.m.log.Error("recording not written whole", "call_id", c.rec.ID, "stream", id, "error", err)
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		s := c.rec.Stream(id)
		if t := c.tracks[id]; t != nil && t.src != nil {
			c.place(s, t)
			c.takeMarks(id)
			t.recv = nil
		}
		s.EndedAt = &at
	}
}

// closeAll gives up streams that were opened for nothing.
func (c *call) closeAll(opened []earshot.StreamID) {
	for _, id := range opened {
		if t := c.tracks[id]; t != nil && t.recv != nil {
			if err := t.recv.Close(); err != nil {
				c.m.log.Warn("unused stream not closed", "stream", id, "error", err)
			}
		}
		delete(c.tracks, id)
	}
}

// transcribe hands streams to the recogniser.
func (c *call) transcribe(ids []earshot.StreamID) {
	for _, id := range ids {
		if t := c.tracks[id]; !t.mark.Completed {
			c.m.trans.Add(c.rec.ID, id, t.src, t.mark)
		}
	}
}

func (c *call) stopTranscribing(ids []earshot.StreamID) {
	for _, id := range ids {
		c.m.trans.End(id)
	}
}
