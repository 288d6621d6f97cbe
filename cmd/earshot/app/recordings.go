package app

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"earshot"
	"earshot/cmd/earshot/config"
	"earshot/media/ogg"
	"earshot/media/record"
)

// PeaksFile returns where the waveform of a call's recording is.
func PeaksFile(cfg config.Config, id earshot.CallID) string {
	return filepath.Join(cfg.Data.Dir, "recordings", string(id)+".peaks.json")
}

// OpusFile returns where the Ogg/Opus file of a call is, if there is one.
func OpusFile(cfg config.Config, id earshot.CallID) string {
	return filepath.Join(cfg.Data.Dir, "recordings", string(id)+".opus")
}

// channels is how many channels the WAV file of a call has.
func channels(call earshot.Call) int {
	n := 0
	for _, s := range call.Streams {
		n = max(n, s.Channel+1)
	}
	return n
}

// OpenMaster returns the recording of a stream that nobody receives any more.
// The error wraps [earshot.ErrNotFound] if nothing of it is there.
func OpenMaster(cfg config.Config, call earshot.CallID, stream earshot.StreamID) (*record.Reader, error) {
	return record.OpenReader(record.Config{Dir: masterDir(cfg), CallID: call, StreamID: stream})
}

// RenderCall writes the WAV file of a call that is over, a channel per stream.
// Streams that never had a packet are channels of silence.
func RenderCall(ctx context.Context, cfg config.Config, call earshot.Call, path string) (record.RenderInfo, error) {
	tracks := make([]record.Track, channels(call))
	for _, s := range call.Streams {
		i := s.Channel
		if s.Redundant() {
			continue
		}
		r, err := OpenMaster(cfg, call.ID, s.ID)
		if err != nil {
			if !isNotFound(err) {
				return record.RenderInfo{}, fmt.Errorf("channel %d: %w", i, err)
			}
			continue
		}
		tracks[i].Reader = r
		if origin, ok := r.Started(); ok {
			tracks[i].Offset = origin.Sub(call.StartedAt)
		}
	}
	return record.Render(ctx, path, tracks, record.RenderOptions{MinDuration: call.Duration(time.Now())})
}

// MakeOpus makes an Ogg/Opus file of the call's WAV file.
func MakeOpus(ctx context.Context, cfg config.Config, id earshot.CallID, path string) (earshot.SoundFile, error) {
	return ogg.EncodeFile(ctx, RecordingFile(cfg, id), path, string(id))
}
