package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	streamName = "earshot"
	// filledKey is set in the stream's metadata once the store has been asked
	// to publish its recent events again after the stream was created.
	filledKey = "earshot.filled"
	// ackWait is how long a delivered event may stay unanswered. After a kill
	// it is how long the event that was in the hands of a handler is held up.
	ackWait = 5 * time.Second
)

// ready makes sure that the stream and the consumers are as they should be.
// It asks the bus only when there is a reason to.
func (b *Bus) ready(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.stale.Load() && time.Since(b.checked) < checkEvery {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	b.stale.Store(false)
	if err := b.declare(ctx); err != nil {
		b.stale.Store(true)
		return err
	}
	b.checked = time.Now()
	return nil
}

func (b *Bus) declare(ctx context.Context) error {
	if err := b.declareStream(ctx); err != nil {
		return fmt.Errorf("declare the bus stream: %w", err)
	}
	for _, c := range b.consumers {
		if err := b.declareConsumer(ctx, c); err != nil {
			return fmt.Errorf("declare bus consumer %s: %w", c.Durable, err)
		}
	}
	return nil
}

func (b *Bus) declareStream(ctx context.Context) error {
	info, err := b.js.StreamInfo(streamName, nats.Context(ctx))
	if errors.Is(err, nats.ErrStreamNotFound) {
		cfg := b.streamConfig(nats.StreamConfig{Replicas: 1})
		if _, err := b.js.AddStream(&cfg, nats.Context(ctx)); err != nil {
			return err
		}
		b.log.Info("bus stream created", "stream", streamName)
		b.declared.Inc()
		b.fresh.Store(true)
		return nil
	}
	if err != nil {
		return err
	}
	b.fresh.Store(info.Config.Metadata[filledKey] == "")
	cfg := b.streamConfig(info.Config)
	if sameStream(cfg, info.Config) {
		return nil
	}
	_, err = b.js.UpdateStream(&cfg, nats.Context(ctx))
	return err
}

// streamConfig lays what this server needs over what is there, so that
// replicas and placement stay as the operator of the bus set them.
func (b *Bus) streamConfig(cfg nats.StreamConfig) nats.StreamConfig {
	cfg.Name = streamName
	cfg.Subjects = []string{"earshot.>"}
	cfg.Retention = nats.LimitsPolicy
	cfg.Discard = nats.DiscardOld
	cfg.Storage = nats.FileStorage
	cfg.MaxAge = b.cfg.MaxAge
	cfg.MaxBytes = b.cfg.MaxBytes
	cfg.Duplicates = min(dedupWindow, b.cfg.MaxAge)
	return cfg
}

func sameStream(a, b nats.StreamConfig) bool {
	return slices.Equal(a.Subjects, b.Subjects) && a.Retention == b.Retention &&
		a.Discard == b.Discard && a.Storage == b.Storage && a.MaxAge == b.MaxAge &&
		a.MaxBytes == b.MaxBytes && a.Duplicates == b.Duplicates
}

// filled notes on the stream that the recent events are on their way.
func (b *Bus) filled(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	info, err := b.js.StreamInfo(streamName, nats.Context(ctx))
	if err != nil {
		return fmt.Errorf("read the bus stream: %w", err)
	}
	cfg := info.Config
	cfg.Metadata = maps.Clone(cfg.Metadata)
	if cfg.Metadata == nil {
		cfg.Metadata = map[string]string{}
	}
	cfg.Metadata[filledKey] = "true"
	if _, err := b.js.UpdateStream(&cfg, nats.Context(ctx)); err != nil {
		return fmt.Errorf("mark the bus stream: %w", err)
	}
	b.fresh.Store(false)
	return nil
}

// consume adds a durable consumer to those the bus keeps declared.
func (b *Bus) consume(c nats.ConsumerConfig) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.consumers = append(b.consumers, c)
	b.stale.Store(true)
}

// consumerConfig is a durable push consumer with a fixed delivery subject, so
// that a subscription goes on when the consumer had to be made anew. One event
// is in flight at a time: that keeps the order when one has to come again.
func consumerConfig(durable, subject string) nats.ConsumerConfig {
	return nats.ConsumerConfig{
		Durable:        durable,
		DeliverSubject: "deliver.earshot." + durable,
		DeliverGroup:   durable,
		DeliverPolicy:  nats.DeliverAllPolicy,
		AckPolicy:      nats.AckExplicitPolicy,
		AckWait:        ackWait,
		MaxAckPending:  1,
		MaxDeliver:     -1,
		FilterSubject:  subject,
	}
}

func (b *Bus) declareConsumer(ctx context.Context, c nats.ConsumerConfig) error {
	info, err := b.js.ConsumerInfo(streamName, c.Durable, nats.Context(ctx))
	switch {
	case errors.Is(err, nats.ErrConsumerNotFound):
		_, err = b.js.AddConsumer(streamName, &c, nats.Context(ctx))
	case err == nil && !sameConsumer(c, info.Config):
		_, err = b.js.UpdateConsumer(streamName, &c, nats.Context(ctx))
	}
	return err
}

func sameConsumer(a, b nats.ConsumerConfig) bool {
	return a.DeliverSubject == b.DeliverSubject && a.DeliverGroup == b.DeliverGroup &&
		a.AckWait == b.AckWait && a.MaxAckPending == b.MaxAckPending &&
		a.MaxDeliver == b.MaxDeliver && a.FilterSubject == b.FilterSubject
}
