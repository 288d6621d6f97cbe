package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// syncInterval is how often the server in the process brings the stream to
	// the disk; settleTime is when an event certainly is there.
	syncInterval = time.Second
	settleTime   = 3 * syncInterval
	startTimeout = 10 * time.Second
	// embeddedMaxPayload is the longest event in bytes.
	embeddedMaxPayload = 8 << 20
	dirMode            = 0o700
)

// startEmbedded runs the server in Dir. When what is there is of no use it
// starts over with an empty directory: the bus is not the truth.
func (b *Bus) startEmbedded() error {
	if b.cfg.Dir == "" {
		return errors.New("start the bus: no directory")
	}
	err := b.tryEmbedded()
	if err == nil {
		return nil
	}
	bad := b.cfg.Dir + ".bad"
	b.log.Warn("bus directory is of no use, starting with an empty one", "moved_to", bad, "error", err)
	if mv := errors.Join(os.RemoveAll(bad), os.Rename(b.cfg.Dir, bad)); mv != nil {
		return fmt.Errorf("start the bus: %w", errors.Join(err, mv))
	}
	if err := b.tryEmbedded(); err != nil {
		return fmt.Errorf("start the bus: %w", err)
	}
	return nil
}

// tryEmbedded starts the server and declares the stream, or leaves nothing
// running.
func (b *Bus) tryEmbedded() (err error) {
	defer func() {
		if err != nil {
			b.stopEmbedded()
		}
	}()
	if err := os.MkdirAll(b.cfg.Dir, dirMode); err != nil {
		return err
	}
	if b.srv, err = server.NewServer(b.embeddedOptions()); err != nil {
		return fmt.Errorf("configure nats-server: %w", err)
	}
	b.srv.SetLoggerV2(natsLogger{b.log}, false, false, false)
	b.srv.Start()
	if !b.srv.ReadyForConnections(startTimeout) || !b.srv.JetStreamEnabled() {
		return errors.New("nats-server did not come up with JetStream")
	}
	if b.conn, err = b.connect("earshot"); err != nil {
		return fmt.Errorf("connect inside the process: %w", err)
	}
	if b.js, err = b.conn.JetStream(); err != nil {
		return fmt.Errorf("use JetStream: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := b.verify(ctx); err != nil {
		return fmt.Errorf("verify the bus stream: %w", err)
	}
	return b.ready(ctx)
}

func (b *Bus) stopEmbedded() {
	if b.conn != nil {
		b.conn.Close()
	}
	if b.srv != nil {
		b.srv.Shutdown()
		b.srv.WaitForShutdown()
	}
	b.conn, b.srv = nil, nil
}

func (b *Bus) embeddedOptions() *server.Options {
	return &server.Options{
		ServerName:             "earshot",
		DontListen:             true,
		NoSigs:                 true,
		NoSystemAccount:        true,
		DisableJetStreamBanner: true,
		JetStream:              true,
		StoreDir:               b.cfg.Dir,
		SyncInterval:           syncInterval,
		JetStreamMaxMemory:     16 << 20,
		JetStreamMaxStore:      2 * b.cfg.MaxBytes,
		MaxPayload:             embeddedMaxPayload,
		MaxPending:             4 * embeddedMaxPayload,
	}
}
