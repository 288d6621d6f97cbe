package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"earshot"
)

func openBus(t *testing.T, cfg BusConfig) *Bus {
	t.Helper()
	if cfg.Dir == "" && cfg.URL == "" {
		cfg.Dir = filepath.Join(t.TempDir(), "bus")
	}
	b, err := NewBus(cfg, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func streamInfo(t *testing.T, b *Bus) *nats.StreamInfo {
	t.Helper()
	info, err := b.js.StreamInfo(streamName)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestStreamIsDeclaredAsDocumented(t *testing.T) {
	b := openBus(t, BusConfig{})
	cfg := streamInfo(t, b).Config
	if cfg.MaxAge != 24*time.Hour || cfg.MaxBytes != 256<<20 || cfg.Duplicates < 2*time.Minute ||
		cfg.Discard != nats.DiscardOld || !slices.Equal(cfg.Subjects, []string{"earshot.>"}) ||
		cfg.Storage != nats.FileStorage {
		t.Errorf("stream is %+v", cfg)
	}
	if b.srv.Addr() != nil {
		t.Errorf("the server in the process listens on %v", b.srv.Addr())
	}
	if err := b.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLimitsFollowTheConfig(t *testing.T) {
	dir := t.TempDir()
	openBus(t, BusConfig{Dir: dir}).Close()
	b := openBus(t, BusConfig{Dir: dir, MaxAge: time.Hour, MaxBytes: 1 << 20})
	cfg := streamInfo(t, b).Config
	if cfg.MaxAge != time.Hour || cfg.MaxBytes != 1<<20 {
		t.Errorf("stream keeps %v and %d bytes", cfg.MaxAge, cfg.MaxBytes)
	}
}

func TestPublishCutsDoubles(t *testing.T) {
	b := openBus(t, BusConfig{})
	e := earshot.NewEvent(earshot.EventCallEnded, "c1", earshot.Call{ID: "c1"})
	for range 3 {
		if err := b.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	msg, err := b.js.GetMsg(streamName, 1)
	if err != nil {
		t.Fatal(err)
	}
	if n := streamInfo(t, b).State.Msgs; n != 1 {
		t.Errorf("one event is %d messages", n)
	}
	if id := msg.Header.Get(nats.MsgIdHdr); id != e.ID || msg.Subject != "earshot.call.ended" {
		t.Errorf("message %q on %s", id, msg.Subject)
	}
	var got earshot.Event
	if err := json.Unmarshal(msg.Data, &got); err != nil || got.ID != e.ID || got.CallID != "c1" {
		t.Errorf("message holds %s, %v", msg.Data, err)
	}
}

func TestTooLongEventIsPermanent(t *testing.T) {
	b := openBus(t, BusConfig{})
	e := earshot.NewEvent(earshot.EventCallUpdated, "c1", strings.Repeat("x", embeddedMaxPayload))
	var permanent *earshot.PermanentError
	if err := b.Publish(t.Context(), e); !errors.As(err, &permanent) {
		t.Errorf("Publish = %v, want a permanent error", err)
	}
}

func TestPartialsAreHeardButNotKept(t *testing.T) {
	b := openBus(t, BusConfig{})
	sub, err := b.conn.SubscribeSync("partial.c1")
	if err != nil {
		t.Fatal(err)
	}
	before := streamInfo(t, b).State.Msgs
	if err := b.PublishPartial(earshot.NewEvent(earshot.EventUtterancePartial, "c1", "hel")); err != nil {
		t.Fatal(err)
	}
	if _, err := sub.NextMsg(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	if n := streamInfo(t, b).State.Msgs; n != before {
		t.Errorf("the stream kept a partial")
	}
}

func TestFreshUntilFilled(t *testing.T) {
	dir := t.TempDir()
	b := openBus(t, BusConfig{Dir: dir})
	if !b.Fresh() {
		t.Fatal("a new stream is not fresh")
	}
	b.Close()
	b.Close()
	b = openBus(t, BusConfig{Dir: dir})
	if !b.Fresh() {
		t.Fatal("a stream that was never filled is not fresh after a restart")
	}
	if err := b.filled(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), earshot.NewEvent(earshot.EventCallEnded, "c1", nil)); err != nil {
		t.Fatal(err)
	}
	b.Close()
	b = openBus(t, BusConfig{Dir: dir})
	if b.Fresh() {
		t.Fatal("a filled stream is fresh after a restart")
	}
	b.Close()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if b = openBus(t, BusConfig{Dir: dir}); !b.Fresh() {
		t.Fatal("a stream made anew is not fresh")
	}
}

// spoil overwrites each file under dir whose path holds part.
func spoil(t *testing.T, dir, part string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(strings.TrimPrefix(path, dir), part) {
			return err
		}
		n++
		return os.WriteFile(path, []byte("\x00\xff not what it was"), 0o600)
	})
	if err != nil || n == 0 {
		t.Fatalf("spoiled %d files: %v", n, err)
	}
}

func TestSpoiledDirectoryIsMadeAnew(t *testing.T) {
	for _, part := range []string{"meta.inf", "meta.sum", "msgs", ".blk", "index.db", "jetstream"} {
		t.Run(part, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "bus")
			store := newMemStore()
			store.addEvents(earshot.EventCallEnded, 0, 20)
			b := openBus(t, BusConfig{Dir: dir})
			_, stop := runRelay(t, store, b)
			eventually(t, "all published", func() bool { return store.publishedCount() == 20 })
			stop()
			b.Close()
			spoil(t, dir, part)

			b = openBus(t, BusConfig{Dir: dir})
			store.addEvents(earshot.EventCallEnded, 20, 1)
			runRelay(t, store, b)
			eventually(t, "new event on the bus", func() bool {
				raw, err := b.js.GetLastMsg(streamName, Subject(earshot.EventCallEnded))
				return err == nil && strings.Contains(string(raw.Data), "u0020")
			})
			if n := streamInfo(t, b).State.Msgs; n != 21 {
				t.Errorf("%d events on the bus, want 21", n)
			}
		})
	}
}

func TestLostMessagesAreNoticed(t *testing.T) {
	now := time.Now()
	b := &Bus{cfg: BusConfig{}.withDefaults()}
	old := now.Add(-25 * time.Hour)
	state := func(first, last uint64, at time.Time) nats.StreamState {
		return nats.StreamState{Msgs: last + 1 - first, FirstSeq: first, LastSeq: last, FirstTime: at, LastTime: at}
	}
	gap := state(1, 20, now)
	gap.NumDeleted = 3
	full := state(9, 20, now)
	full.Bytes = 250 << 20
	for _, c := range []struct {
		name  string
		state nats.StreamState
		cp    checkpoint
		want  bool
	}{
		{"as it was", state(1, 20, now), checkpoint{1, now, 20, now}, false},
		{"gone on", state(1, 25, now), checkpoint{1, now, 20, now}, false},
		{"no checkpoint", state(5, 20, now), checkpoint{}, false},
		{"nothing ever", nats.StreamState{}, checkpoint{}, false},
		{"end lost", state(1, 10, now), checkpoint{1, now, 20, now}, true},
		{"gap", gap, checkpoint{1, now, 20, now}, true},
		{"all lost", state(21, 20, now), checkpoint{}, true},
		{"all too old", state(21, 20, old), checkpoint{1, old, 20, old}, false},
		{"front lost", state(9, 20, now), checkpoint{1, now, 20, now}, true},
		{"front too old", state(9, 20, now), checkpoint{1, old, 20, now}, false},
		{"front over size", full, checkpoint{1, now, 20, now}, false},
	} {
		if got := b.lost(c.state, c.cp); got != c.want {
			t.Errorf("%s: lost = %v", c.name, got)
		}
	}
}

// TestTornBlockIsNoticed cuts the end off the messages, as a disk may.
func TestTornBlockIsNoticed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bus")
	store := newMemStore()
	store.addEvents(earshot.EventCallEnded, 0, 20)
	b := openBus(t, BusConfig{Dir: dir})
	_, stop := runRelay(t, store, b)
	eventually(t, "all published", func() bool { return store.publishedCount() == 20 })
	stop()
	for range 2 { // take it, then write it
		b.next.taken = time.Time{} // settleTime has passed
		if err := b.noteProgress(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	b.Close()
	blocks, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*", "msgs", "*"))
	if err != nil || len(blocks) == 0 {
		t.Fatal(blocks, err)
	}
	for _, p := range blocks {
		raw, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(p, ".blk") {
			copy(raw[len(raw)/2:], "damaged damaged damaged")
			err = os.WriteFile(p, raw, 0o600)
		} else {
			err = os.Remove(p) // the index, as after a crash
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	b = openBus(t, BusConfig{Dir: dir})
	runRelay(t, store, b)
	eventually(t, "all on the bus again", func() bool { return streamInfo(t, b).State.Msgs == 20 })
}

func TestFileInPlaceOfTheDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bus")
	if err := os.WriteFile(dir, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b := openBus(t, BusConfig{Dir: dir}); !b.Fresh() {
		t.Error("bus is not fresh")
	}
	if _, err := os.Stat(dir + ".bad"); err != nil {
		t.Errorf("what was there is gone: %v", err)
	}
}

func TestBusURLErrorHidesPassword(t *testing.T) {
	if got := redact("nats://u:secret@a:4222, tls://b:1?token=secret"); got != "nats://a:4222,tls://b:1" {
		t.Errorf("redact = %q", got)
	}
	_, err := NewBus(BusConfig{URL: "nats://u:secret@[bad"}, testLog(t))
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("NewBus = %v", err)
	}
}

// runRelay runs a relay until the test or the returned function ends it.
func runRelay(t *testing.T, out Outbox, b *Bus) (*Relay, func()) {
	t.Helper()
	r := NewRelay(out, b, testLog(t))
	r.settle = 0 // the disk is none of most tests' business
	return r, background(t, r.Run)
}

// background runs f until the test or the returned function ends it.
func background(t *testing.T, f func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	var stopped bool
	stop = func() {
		cancel()
		if stopped {
			return
		}
		stopped = true
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}
