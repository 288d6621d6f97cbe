package app

import (
	"context"
	"io"

	"earshot"
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

func (w webTraces) Capture(ctx context.Context, out io.Writer, call earshot.Call, media bool) error {
	return nil
}
