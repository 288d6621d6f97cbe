// Package deepgram recognises speech at Deepgram's streaming endpoint, or one
// that speaks its protocol
// (developers.deepgram.com/reference/speech-to-text/listen-streaming). What
// somebody says goes out while it is said, over a connection for each stream
// that is kept as long as they speak now and then.
package deepgram

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"earshot"
	"earshot/transcribe/remote"
)

const name = "deepgram"

// leastSeconds is less audio than any word takes.
const leastSeconds = 0.1

// Config is how the endpoint is asked.
type Config struct {
	// URL is the endpoint's without a path: wss://api.deepgram.com.
	URL string
	// APIKey is sent as "Token".
	APIKey string
	Model  string
	// Language is a tag of BCP 47; empty: that of the model.
	Language string
	// Idle is how long a connection is kept on which nobody says anything;
	// default 30 s.
	Idle time.Duration
	// KeepAlive is how often the endpoint is told then that we are still there;
	// default 4 s. It gives up after 10.
	KeepAlive time.Duration
}

// Recogniser asks one endpoint. It is safe for concurrent use.
type Recogniser struct {
	cfg     Config
	listen  string // the address of the endpoint, without the rate
	client  *http.Client
	wg      sync.WaitGroup
	closing chan struct{}

	mu      sync.Mutex
	closed  bool
	follows map[earshot.StreamID]*follow
}

// New returns a recogniser. It does not connect.
func New(cfg Config) (*Recogniser, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "ws" && u.Scheme != "wss" {
		return nil, errors.New("deepgram: URL is not a ws or wss address without a password")
	}
	if cfg.Model == "" {
		return nil, errors.New("deepgram: no model named")
	}
	if cfg.Idle <= 0 {
		cfg.Idle = 30 * time.Second
	}
	if cfg.KeepAlive <= 0 {
		cfg.KeepAlive = 4 * time.Second
	}
	query := url.Values{
		"encoding": {"linear16"}, "channels": {"1"}, "model": {cfg.Model},
		"interim_results": {"true"}, "punctuate": {"true"}, "endpointing": {"false"},
	}
	if cfg.Language != "" {
		query.Set("language", cfg.Language)
	}
	u.Path, u.RawQuery = strings.TrimSuffix(u.Path, "/")+"/v1/listen", query.Encode()
	return &Recogniser{
		cfg: cfg, listen: u.String(), closing: make(chan struct{}), follows: map[earshot.StreamID]*follow{},
		// A redirection is refused: the key stays with the host it is for.
		client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

// Close ends all connections.
func (r *Recogniser) Close() error {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		close(r.closing)
	}
	r.mu.Unlock()
	r.wg.Wait()
	return nil
}

// Recognise returns what is said in a piece of mono audio, over a connection of
// its own. Errors are of type [*remote.Error], marked permanent or with the wait
// asked for.
func (r *Recogniser) Recognise(ctx context.Context, pcm []int16, rate int) (earshot.Recognition, error) {
	if rate <= 0 {
		return earshot.Recognition{}, earshot.Permanent(fmt.Errorf("deepgram: %d samples per second", rate))
	}
	if float64(len(pcm)) < leastSeconds*float64(rate) {
		return earshot.Recognition{}, ctx.Err()
	}
	c, err := r.dial(ctx, rate)
	if err != nil {
		return earshot.Recognition{}, err
	}
	defer c.drop()
	if err := c.send(ctx, pcm); err != nil {
		return earshot.Recognition{}, err
	}
	if err := c.say(ctx, "CloseStream"); err != nil {
		return earshot.Recognition{}, err
	}
	if err := c.await(ctx, (*connection).isOver); err != nil {
		return earshot.Recognition{}, err
	}
	return c.heard(0, seconds(len(pcm), rate), r.cfg.Language), nil
}

// Follow returns what is heard of an utterance so far. Only what has come since
// the last time is sent; after a connection broke, all of it.
func (r *Recogniser) Follow(ctx context.Context, h earshot.Hearing, pcm []int16, rate int) (earshot.Recognition, error) {
	if rate <= 0 || float64(len(pcm)) < leastSeconds*float64(rate) {
		return r.Recognise(ctx, pcm, rate)
	}
	f := r.followOf(h.StreamID)
	if err := f.enter(ctx); err != nil {
		return earshot.Recognition{}, remote.Broken(ctx, name, err)
	}
	defer f.leave()
	switch {
	case h.From < f.at && h.Final:
		return r.Recognise(ctx, pcm, rate) // a later one has begun
	case h.From < f.at || h.From == f.at && f.over:
		return earshot.Recognition{}, nil // a part of one that is over
	}
	heard, err := f.hear(ctx, h, pcm, rate)
	if err != nil && f.resumed && ctx.Err() == nil {
		// The connection was kept from before, and may long have been broken.
		heard, err = f.hear(ctx, h, pcm, rate)
	}
	return heard, err
}

// dial opens a connection for audio of a rate.
func (r *Recogniser) dial(ctx context.Context, rate int) (*connection, error) {
	ws, resp, err := websocket.Dial(ctx, r.listen+"&sample_rate="+strconv.Itoa(rate), &websocket.DialOptions{ //nolint:bodyclose // Dial has read it
		HTTPClient: r.client, HTTPHeader: http.Header{"Authorization": {"Token " + r.cfg.APIKey}},
	})
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return nil, remote.Status(name, resp.StatusCode, resp.Header)
		}
		return nil, remote.Broken(ctx, name, err)
	}
	ws.SetReadLimit(maxMessage)
	c := &connection{ws: ws, rate: rate, news: make(chan struct{}), over: make(chan struct{})}
	if !r.run(func() { c.read(r.closing) }) {
		_ = ws.CloseNow() // nobody has used it
		return nil, &remote.Error{Provider: name, What: "closed"}
	}
	return c, nil
}

// run runs a function on the side until the recogniser is closed, which waits
// for it. It reports false if that is so already.
func (r *Recogniser) run(f func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.wg.Go(f)
	}
	return !r.closed
}

func seconds(samples, rate int) float64 { return float64(samples) / float64(rate) }
