package deepgram

import (
	"context"
	"time"

	"earshot"
)

const (
	// interimWait is how long a part waits for the endpoint to hear its audio.
	interimWait = 300 * time.Millisecond
	// finalizeWait is how long Finalize may go unanswered where all audio has
	// been heard: with little of it left there may be no answer
	// (developers.deepgram.com/docs/finalize).
	finalizeWait = 500 * time.Millisecond
	// unheard is how many seconds at the end may be left then.
	unheard = 0.5
)

// follow is one stream that is followed. Whoever has its place, one at a time,
// has its fields.
type follow struct {
	r      *Recogniser
	stream earshot.StreamID
	place  chan struct{}

	c *connection
	// at is the utterance that is followed, begin how many samples of the
	// connection were sent before it, sent how many of its own.
	at          earshot.Position
	begin, sent int
	over        bool
	resumed     bool // the connection is from before
	used        time.Time
}

// followOf returns the follow of a stream, a new one for a new stream.
func (r *Recogniser) followOf(id earshot.StreamID) *follow {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.follows[id]
	if f == nil {
		f = &follow{r: r, stream: id, place: make(chan struct{}, 1), at: -1}
		r.follows[id] = f
	}
	return f
}

func (f *follow) enter(ctx context.Context) error {
	select {
	case f.place <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *follow) leave() {
	f.used = time.Now()
	<-f.place
}

// hear sends what is new of an utterance and returns what is heard of it.
func (f *follow) hear(ctx context.Context, h earshot.Hearing, pcm []int16, rate int) (heard earshot.Recognition, err error) {
	if err := f.connect(ctx, h, rate); err != nil {
		return heard, err
	}
	defer func() {
		if err != nil {
			f.hangUp()
		}
	}()
	if f.sent < len(pcm) {
		if err := f.c.send(ctx, pcm[f.sent:]); err != nil {
			return heard, err
		}
		f.sent = len(pcm)
	}
	if h.Final {
		err = f.finish(ctx)
		f.over = err == nil
	} else {
		err = f.interim(ctx)
	}
	if err != nil {
		return heard, err
	}
	from := seconds(f.begin, rate)
	return f.c.heard(from, from+seconds(len(pcm), rate), f.r.cfg.Language), nil
}

// connect makes sure of a connection on which the utterance begins where we
// know.
func (f *follow) connect(ctx context.Context, h earshot.Hearing, rate int) error {
	f.resumed = f.c != nil
	if f.c != nil && (f.c.rate != rate || f.c.broken()) {
		f.hangUp()
	}
	if f.c != nil {
		if h.From != f.at {
			f.c.forget()
			f.at, f.begin, f.sent, f.over = h.From, f.c.sent, 0, false
		}
		return nil
	}
	c, err := f.r.dial(ctx, rate)
	if err != nil {
		return err
	}
	f.c, f.at, f.begin, f.sent, f.over = c, h.From, 0, 0, false
	f.r.run(func() { f.keep(c) })
	return nil
}

// hangUp gives the connection up.
func (f *follow) hangUp() {
	if f.c != nil {
		f.c.drop()
		f.c = nil
	}
}

// interim waits a moment for the endpoint to hear what was sent.
func (f *follow) interim(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, interimWait)
	defer cancel()
	to := seconds(f.c.sent, f.c.rate) - unheard
	err := f.c.await(ctx, func(c *connection) bool { return c.heardTo >= to })
	if ctx.Err() != nil {
		return nil // what there is by now
	}
	return err
}

// finish waits for the last words of what was sent.
func (f *follow) finish(ctx context.Context) error {
	f.c.mu.Lock()
	answers := f.c.finalized
	f.c.mu.Unlock()
	if err := f.c.say(ctx, "Finalize"); err != nil {
		return err
	}
	to := seconds(f.c.sent, f.c.rate) - unheard
	quiet := time.Now().Add(finalizeWait)
	timer := time.AfterFunc(finalizeWait, func() {
		f.c.mu.Lock()
		defer f.c.mu.Unlock()
		f.c.tell()
	})
	defer timer.Stop()
	return f.c.await(ctx, func(c *connection) bool {
		return c.finalized > answers || c.finalTo >= to && len(c.interim) == 0 && !time.Now().Before(quiet)
	})
}

// keep tells the endpoint that a connection is still wanted while nobody speaks,
// and ends it after a while.
func (f *follow) keep(c *connection) {
	ticker := time.NewTicker(f.r.cfg.KeepAlive)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-c.over:
			return
		}
		select {
		case f.place <- struct{}{}:
		default:
			continue // in use
		}
		f.tend(c)
		<-f.place
	}
}

// tend does for a connection what its silence asks for.
func (f *follow) tend(c *connection) {
	if f.c != c {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if time.Since(f.used) < f.r.cfg.Idle {
		if c.say(ctx, "KeepAlive") != nil {
			f.hangUp()
		}
		return
	}
	_ = c.say(ctx, "CloseStream") // to be polite: nothing is asked any more
	f.hangUp()
	f.r.mu.Lock()
	defer f.r.mu.Unlock()
	if f.r.follows[f.stream] == f {
		delete(f.r.follows, f.stream)
	}
}
