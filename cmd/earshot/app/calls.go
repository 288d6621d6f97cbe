package app

import (
	"context"
	"fmt"
	"time"

	"earshot"
	"earshot/calls"
	"earshot/media"
	"earshot/media/record"
)

func (a *App) startCalls(ctx context.Context) error {
	cfg := calls.Config{
		WrapUp: a.cfg.Calls.WrapUp, ResumeWindow: a.cfg.Calls.ResumeWindow,
		MediaTimeout: a.cfg.Calls.MediaTimeout, PauseLimit: a.cfg.Calls.PauseLimit, Agents: a.cfg.Calls.Agents, Directory: a.people,
		SRTP:        earshot.SRTPPolicy(a.cfg.Media.SRTP),
		Fingerprint: a.media.Fingerprint(),
		Admit:       a.disk.check,
		Broadcast:   a.broadcastPartial,
		EndDialog:   func(ctx context.Context, id string) error { return a.sip.EndDialog(ctx, id) },
	}
	a.calls = calls.New(cfg, a.store, mediaPort{a}, a.trans, a.log)
	a.metrics.MustRegister(a.calls.Collectors()...)
	_, err := a.calls.Recover(ctx)
	return err
}

// broadcastPartial shows a partial to who is watching.
func (a *App) broadcastPartial(e earshot.Event) {
	a.broker.Publish([]earshot.Event{e})
	_ = a.bus.PublishPartial(e) // counted there; a partial that is lost is no loss
}

// mediaPort is the media plane as the calls see it.
type mediaPort struct{ app *App }

var _ calls.Media = mediaPort{}

func (m mediaPort) Accept(offered []earshot.Format) ([]earshot.Format, error) {
	return m.app.media.Accept(offered)
}

func (m mediaPort) Open(spec calls.StreamSpec) (calls.Receiver, error) {
	return m.app.media.Open(media.StreamSpec(spec))
}

func (m mediaPort) Recorded(call earshot.CallID, stream earshot.StreamID) (calls.Source, error) {
	return m.app.media.Recorded(call, stream)
}

// channels is how many channels the WAV file of a call has.
func channels(call earshot.Call) int {
	n := 0
	for _, s := range call.Streams {
		n = max(n, s.Channel+1)
	}
	return n
}

// Render writes <data.dir>/recordings/<call id>.wav, a channel per stream.
// Streams that never had a packet are channels of silence.
func (m mediaPort) Render(ctx context.Context, call earshot.Call) error {
	tracks := make([]record.Track, channels(call))
	for _, s := range call.Streams {
		i := s.Channel
		if s.Redundant() {
			continue
		}
		r, err := m.app.media.Recorded(call.ID, s.ID)
		if err != nil {
			if !isNotFound(err) {
				return fmt.Errorf("channel %d: %w", i, err)
			}
			continue
		}
		tracks[i].Reader = r
		if origin, ok := r.Started(); ok {
			tracks[i].Offset = origin.Sub(call.StartedAt)
		}
	}
	path := RecordingFile(m.app.cfg, call.ID)
	info, err := record.Render(ctx, path, tracks, record.RenderOptions{MinDuration: call.Duration(time.Now())})
	if err != nil {
		return err
	}
	for _, p := range info.Problems {
		m.app.log.Error("channel not whole", "call_id", call.ID, "problem", p)
	}
	return nil
}
