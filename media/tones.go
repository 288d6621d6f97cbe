package media

import (
	"context"
	"errors"
	"fmt"

	"earshot"
	"earshot/media/record"
)

// Tones returns marks of the keys that were heard as tones in the audio of a
// stream that is over. With [Config.KeepDigits] there is one for each tone.
// Without, the tones are taken out of the recording for good, see
// [record.Scrub], and there is a mark without digits for each piece that was
// taken, now or at an earlier time. The marks have the same IDs each time. The
// error wraps [earshot.ErrNotFound] if there is no recording.
//
// What cannot be decoded or read is not looked at; that it could not be read
// is logged.
func (e *Engine) Tones(ctx context.Context, call earshot.CallID, stream earshot.StreamID) ([]earshot.StreamMark, error) {
	if e.receives(call, stream) {
		return nil, fmt.Errorf("tones of stream %s: it is being received", stream)
	}
	cfg := record.Config{Dir: e.cfg.Dir, CallID: call, StreamID: stream}
	r, err := record.OpenReader(cfg)
	if err != nil {
		return nil, err
	}
	tones, err := record.FindTones(ctx, r)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	if err != nil {
		e.log.Error("recording not searched for tones to its end", "call_id", call, "stream", stream, "error", err)
	}
	if e.cfg.KeepDigits {
		marks := make([]earshot.StreamMark, len(tones))
		for i, t := range tones {
			marks[i] = toneMark(stream, t.From, t.To)
			marks[i].Digit = string(t.Digit)
		}
		return marks, nil
	}
	if len(tones) > 0 {
		if _, err := record.Scrub(cfg, tones); err != nil {
			return nil, err
		}
		e.tonesMasked.Add(uint64(len(tones)))
		e.log.Info("tones masked", "call_id", call, "stream", stream, "tones", len(tones))
		if r, err = record.OpenReader(cfg); err != nil {
			return nil, err
		}
	}
	return maskedTones(stream, r.Masked()), nil
}

func (e *Engine) receives(call earshot.CallID, stream earshot.StreamID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.streams {
		if s.spec.CallID == call && s.spec.StreamID == stream {
			return true
		}
	}
	return false
}

func maskedTones(stream earshot.StreamID, spans []record.Span) []earshot.StreamMark {
	marks := make([]earshot.StreamMark, len(spans))
	for i, s := range spans {
		marks[i] = toneMark(stream, s.From, s.To)
		marks[i].Masked = true
	}
	return marks
}

func toneMark(stream earshot.StreamID, from, to earshot.Position) earshot.StreamMark {
	id := earshot.MarkID(fmt.Sprintf("%s-tone-%d", stream, from))
	return earshot.StreamMark{ID: id, Kind: earshot.MarkTone, From: from, To: to}
}
