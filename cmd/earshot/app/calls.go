package app

import (
	"context"

	"earshot"
	"earshot/calls"
	"earshot/media"
	"earshot/media/record"
)

func (a *App) startCalls(ctx context.Context) error {
	cfg := calls.Config{
		WrapUp: a.cfg.Calls.WrapUp, ResumeWindow: a.cfg.Calls.ResumeWindow,
		Opus:         a.cfg.Recordings.Opus == "add",
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

// Render writes the files of a call and logs what is not whole. The waveform
// is made anew from the next rendering if it can't be written: it never costs
// the recording.
func (m mediaPort) Render(ctx context.Context, call earshot.Call) (earshot.Recording, error) {
	info, err := RenderCall(ctx, m.app.cfg, call, RecordingFile(m.app.cfg, call.ID))
	if err != nil {
		return earshot.Recording{}, err
	}
	for _, p := range info.Problems {
		m.app.log.Error("channel not whole", "call_id", call.ID, "problem", p)
	}
	if err := record.WritePeaks(PeaksFile(m.app.cfg, call.ID), info.Peaks); err != nil {
		m.app.log.Error("waveform not written", "call_id", call.ID, "error", err)
	}
	return earshot.Recording{
		SHA256: info.SHA256, Bytes: info.Bytes, Rate: info.Rate, Channels: info.Channels,
		DurationMS: info.Duration().Milliseconds(),
	}, nil
}

// Opus makes the Ogg/Opus file beside the WAV file.
func (m mediaPort) Opus(ctx context.Context, call earshot.Call) (earshot.SoundFile, error) {
	return MakeOpus(ctx, m.app.cfg, call.ID, OpusFile(m.app.cfg, call.ID))
}
