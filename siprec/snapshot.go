package siprec

import (
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// snapshotPatience is how long a client has, from the answer on, to send
// metadata by itself.
const snapshotPatience = 2 * time.Second

const snapshotRequest = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<requestsnapshot xmlns=\"" + recordingSpace + "\"/>\r\n"

// noteMetadata remembers whether a snapshot is to be asked for: what a
// recording client sent says nothing that can be used.
func (d *dialog) noteMetadata(c *content, now time.Time) {
	if c.metadata == nil && !d.state.AskedAt.IsZero() || !d.state.Client {
		return
	}
	usable := d.state.Metadata != nil && (len(d.state.Metadata.Participants)+len(d.state.Metadata.Sessions) > 0 || !c.broken())
	switch {
	case usable:
		d.state.AskAt = time.Time{}
	case d.state.AskedAt.IsZero() && d.state.AskAt.IsZero():
		d.state.AskAt = now.Add(snapshotPatience)
	}
}

// broken reports whether the metadata could not be read.
func (c *content) broken() bool {
	for _, p := range c.problems {
		if strings.HasPrefix(p, "metadata: ") {
			return true
		}
	}
	return false
}

func (d *dialog) wantsSnapshot(now time.Time) bool {
	return !d.state.AskAt.IsZero() && !now.Before(d.state.AskAt) && !d.state.NoUpdate
}

// askSnapshot asks the client for all its metadata (RFC 7866 9.2): once, and
// without harm when it can't.
func (s *Server) askSnapshot(d *dialog) {
	defer s.survive("snapshot request")
	d.mu.Lock()
	d.state.AskAt, d.state.AskedAt = time.Time{}, time.Now().UTC()
	req, err := s.request(d, sip.UPDATE)
	d.mu.Unlock()
	result := "failed"
	if err == nil {
		req.AppendHeader(sip.NewHeader("Accept", accept))
		req.AppendHeader(sip.NewHeader("Require", "siprec"))
		req.AppendHeader(sip.NewHeader("Content-Type", "application/rs-metadata+xml"))
		req.AppendHeader(sip.NewHeader("Content-Disposition", "recording-session"))
		req.SetBody([]byte(snapshotRequest))
		var res *sip.Response
		if res, err = s.exchange(s.ctx, d, req); err == nil {
			result = "refused"
			if res.IsSuccess() {
				result = "answered"
			}
		}
	}
	s.m.snapshots.WithLabelValues(result).Inc()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asking = false
	if d.ended {
		return
	}
	if err := s.save(d); err != nil {
		s.log.Error("dialog not stored", "sip_call_id", d.state.CallID, "error", err)
	}
}
