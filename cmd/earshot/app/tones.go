package app

import (
	"context"
	"fmt"
	"time"

	"earshot"
)

// Tones looks for keys in the audio of all streams of a call. What was recorded
// twice is masked twice and told once.
func (m mediaPort) Tones(ctx context.Context, call earshot.Call) ([]earshot.Mark, error) {
	var marks []earshot.Mark
	for _, s := range call.Streams {
		found, err := m.app.media.Tones(ctx, call.ID, s.ID)
		if isNotFound(err) {
			continue // no packet came
		}
		if err != nil {
			return nil, fmt.Errorf("channel %d: %w", s.Channel, err)
		}
		if len(found) == 0 || s.Redundant() {
			continue
		}
		r, err := m.app.media.Recorded(call.ID, s.ID)
		if err != nil {
			return nil, fmt.Errorf("channel %d: %w", s.Channel, err)
		}
		origin, _ := r.Started()
		at := func(p earshot.Position) int64 {
			return max(0, origin.Add(p.Duration()).Sub(call.StartedAt).Round(time.Millisecond).Milliseconds())
		}
		for _, t := range found {
			marks = append(marks, earshot.Mark{
				ID: t.ID, Kind: t.Kind, StreamID: s.ID, AtMS: at(t.From), EndMS: at(t.To), Digit: t.Digit, Masked: t.Masked,
			})
		}
	}
	return marks, nil
}
