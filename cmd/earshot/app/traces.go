package app

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"earshot"
	"earshot/capture"
	"earshot/media/record"
	"earshot/siprec"
	"earshot/web"
)

// webTraces is what went over the wire as the page sees it.
type webTraces struct{ app *App }

var _ web.Traces = webTraces{}

// SIPMessages stores what waits first, so that there is one place to read.
func (w webTraces) SIPMessages(ctx context.Context, id earshot.CallID) ([]earshot.SIPMessage, error) {
	if sip := w.signalling(); sip != nil {
		if err := sip.FlushTrace(ctx); err != nil {
			return nil, err
		}
	}
	return w.app.store.SIPMessages(ctx, id)
}

func (w webTraces) Refused() []earshot.RefusedSIP {
	if sip := w.signalling(); sip != nil {
		return sip.Refused()
	}
	return nil
}

// signalling is nil until everything has started: the page comes up earlier.
func (w webTraces) signalling() *siprec.Server {
	select {
	case <-w.app.ready:
		return w.app.sip
	default:
		return nil
	}
}

// Capture writes what is stored of a call as a pcap file.
func (w webTraces) Capture(ctx context.Context, out io.Writer, call earshot.Call, media bool) error {
	messages, err := w.SIPMessages(ctx, call.ID)
	if err != nil {
		return err
	}
	var streams []capture.Stream
	for i := range call.Streams {
		if !media {
			break
		}
		s := &call.Streams[i]
		recorded, err := w.app.media.Recorded(call.ID, s.ID)
		if isNotFound(err) {
			continue // no packet came
		}
		if err != nil {
			return fmt.Errorf("capture of stream %s: %w", s.ID, err)
		}
		from, to := capture.Endpoints(&call, s, messages)
		streams = append(streams, capture.Stream{From: from, To: to, Packets: captured(recorded.Arrivals())})
	}
	return capture.Write(ctx, out, messages, streams)
}

// captured are recorded packets as the capture takes them.
func captured(list iter.Seq2[record.Packet, error]) iter.Seq2[capture.Packet, error] {
	return func(yield func(capture.Packet, error) bool) {
		for p, err := range list {
			out := capture.Packet{
				At: time.Unix(0, p.Arrival), Seq: p.Seq, Timestamp: p.Timestamp, SSRC: p.SSRC, PayloadType: p.PayloadType,
				Marker: p.Flags&record.Marker != 0, Payload: p.Payload,
				Event: p.Format != nil && p.Format.Is("telephone-event"),
			}
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}
