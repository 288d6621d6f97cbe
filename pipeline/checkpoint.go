package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
)

// checkpoint is how far the stream in Dir had come at some time, kept in a
// file beside it. A nats-server that finds a block of messages damaged goes on
// without it and says nothing; with the checkpoint that is noticed, and the
// events are published again.
type checkpoint struct {
	FirstSeq  uint64    `json:"first_seq"`
	FirstTime time.Time `json:"first_time"`
	LastSeq   uint64    `json:"last_seq"`

	taken time.Time
}

func (b *Bus) checkpointPath() string { return filepath.Join(b.cfg.Dir, "checkpoint.json") }

// noteProgress keeps the checkpoint up to date. What it writes was on the bus
// for settleTime, so that a power loss takes the file back, but not the stream
// behind the file. Only the relay calls it.
func (b *Bus) noteProgress(ctx context.Context) error {
	if b.srv == nil || time.Since(b.next.taken) < settleTime {
		return nil
	}
	if b.next.LastSeq > 0 {
		if err := b.next.write(b.checkpointPath()); err != nil {
			return fmt.Errorf("write the bus checkpoint: %w", err)
		}
	}
	info, err := b.js.StreamInfo(streamName, nats.Context(ctx))
	if err != nil {
		return fmt.Errorf("read the bus stream: %w", err)
	}
	s := info.State
	b.next = checkpoint{FirstSeq: s.FirstSeq, FirstTime: s.FirstTime, LastSeq: s.LastSeq, taken: time.Now()}
	return nil
}

func (c checkpoint) write(path string) error {
	raw, err := json.Marshal(c)
	if err != nil {
		return err
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// verify removes a stream that lost messages it should have.
func (b *Bus) verify(ctx context.Context) error {
	var c checkpoint // the zero value when there is none: then less is noticed
	if raw, err := os.ReadFile(b.checkpointPath()); err == nil {
		_ = json.Unmarshal(raw, &c)
	}
	info, err := b.js.StreamInfo(streamName, nats.Context(ctx))
	if errors.Is(err, nats.ErrStreamNotFound) {
		err = nil
	} else if err == nil {
		s := info.State
		// One that never held anything may have lost it all; it costs nothing to
		// make it anew.
		empty := s.LastSeq == 0 && info.Config.Metadata[filledKey] != ""
		if !empty && !b.lost(s, c) {
			return nil
		}
		b.log.Info("bus stream is not as it was, making it anew",
			"messages", s.Msgs, "first_seq", s.FirstSeq, "last_seq", s.LastSeq, "expected_last_seq", c.LastSeq)
		err = b.js.DeleteStream(streamName, nats.Context(ctx))
	}
	if rm := os.Remove(b.checkpointPath()); !errors.Is(rm, os.ErrNotExist) {
		err = errors.Join(err, rm)
	}
	return err
}

// lost reports whether messages are missing that neither their age nor the
// size of the stream can have removed.
func (b *Bus) lost(s nats.StreamState, c checkpoint) bool {
	recent := func(t time.Time) bool { return time.Since(t) < b.cfg.MaxAge-time.Minute }
	switch {
	case s.LastSeq < c.LastSeq, s.NumDeleted > 0:
		return true
	case s.Msgs == 0 && s.LastSeq > 0:
		return recent(s.LastTime)
	default:
		full := s.Bytes > uint64(b.cfg.MaxBytes)*9/10
		return s.FirstSeq > c.FirstSeq && c.FirstSeq > 0 && recent(c.FirstTime) && !full
	}
}
