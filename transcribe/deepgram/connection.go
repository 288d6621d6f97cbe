package deepgram

import (
	"context"
	"encoding/json"
	"math"
	"sync"
	"time"

	"github.com/coder/websocket"

	"earshot"
	"earshot/transcribe/remote"
)

const (
	maxMessage = 1 << 20
	// frame is how much audio is in a message: the endpoint advises 20 to 250 ms.
	frameSeconds = 0.25
	// closeTime is how long we are polite for when a connection ends.
	closeTime = time.Second
)

// word is a word with its place on the connection, in seconds.
type word struct {
	Word       string  `json:"word"`
	Punctuated string  `json:"punctuated_word"`
	Start      float64 `json:"start"`
	End        float64 `json:"end"`
	Confidence float64 `json:"confidence"`
}

// message is what the endpoint sends: "Results" of a piece of audio, "Metadata"
// when all is over, "Error".
type message struct {
	Type         string  `json:"type"`
	Start        float64 `json:"start"`
	Duration     float64 `json:"duration"`
	IsFinal      bool    `json:"is_final"`
	FromFinalize bool    `json:"from_finalize"`
	Channel      struct {
		Alternatives []struct {
			Words []word `json:"words"`
		} `json:"alternatives"`
	} `json:"channel"`
}

// connection is one stream of audio to the endpoint.
type connection struct {
	ws   *websocket.Conn
	rate int
	sent int           // samples
	over chan struct{} // closed when nothing more comes

	mu sync.Mutex
	// final are the words that stay, interim those of the audio after.
	final, interim []word
	// finalTo and heardTo are how far, in seconds, final words and any go.
	finalTo, heardTo float64
	finalized        int // answers to Finalize
	complete         bool
	err              error
	news             chan struct{} // closed and made anew at each message
}

// read takes messages until the connection ends, or the recogniser does.
func (c *connection) read(closing <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	defer close(c.over)
	for {
		kind, raw, err := c.ws.Read(ctx)
		if err != nil {
			c.end(remote.Broken(context.Background(), name, err))
			return
		}
		var m message
		if kind != websocket.MessageText || json.Unmarshal(raw, &m) != nil || m.Type == "Results" && len(m.Channel.Alternatives) == 0 {
			c.end(remote.Malformed(name))
			return
		}
		c.take(m)
	}
}

// take keeps what a message says. After an error nothing counts.
func (c *connection) take(m message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	switch m.Type {
	case "Results":
		words, to := m.Channel.Alternatives[0].Words, m.Start+m.Duration
		c.heardTo = max(c.heardTo, to)
		if m.IsFinal {
			c.final, c.interim, c.finalTo = append(c.final, words...), nil, max(c.finalTo, to)
		} else {
			c.interim = words
		}
		if m.FromFinalize {
			c.finalized++
		}
	case "Metadata":
		c.complete = true
	case "Error":
		c.err = &remote.Error{Provider: name, What: "server error"}
	}
	c.tell()
}

// end notes why nothing more comes. After all was said that is no error.
func (c *connection) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && !c.complete {
		c.err = err
	}
	_ = c.ws.CloseNow()
	c.tell()
}

// tell wakes who waits. The caller holds the mutex.
func (c *connection) tell() {
	close(c.news)
	c.news = make(chan struct{})
}

// await waits until the condition holds.
func (c *connection) await(ctx context.Context, enough func(*connection) bool) error {
	for {
		c.mu.Lock()
		ok, err, news := enough(c), c.err, c.news
		c.mu.Unlock()
		switch {
		case ok:
			return nil
		case err != nil:
			return err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return remote.Broken(ctx, name, ctx.Err())
		}
	}
}

// isOver reports whether all was heard.
func (c *connection) isOver() bool { return c.complete }

// broken reports whether the connection is of no use any more.
func (c *connection) broken() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err != nil || c.complete
}

// send sends audio.
func (c *connection) send(ctx context.Context, pcm []int16) error {
	size := int(frameSeconds * float64(c.rate))
	for len(pcm) > 0 {
		n := min(size, len(pcm))
		if err := c.ws.Write(ctx, websocket.MessageBinary, remote.Linear16(pcm[:n])); err != nil {
			return c.cause(remote.Broken(ctx, name, err))
		}
		c.sent += n
		pcm = pcm[n:]
	}
	return nil
}

// say sends a control message.
func (c *connection) say(ctx context.Context, what string) error {
	if err := c.ws.Write(ctx, websocket.MessageText, []byte(`{"type":"`+what+`"}`)); err != nil {
		return c.cause(remote.Broken(ctx, name, err))
	}
	return nil
}

// cause returns why the connection ended if that is known, else err.
func (c *connection) cause(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	return err
}

// heard returns the words of a part of the connection's audio, in seconds.
func (c *connection) heard(from, to float64, language string) earshot.Recognition {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := earshot.Recognition{Language: language, Engine: name}
	sum := 0.0
	for _, list := range [][]word{c.final, c.interim} {
		for _, w := range list {
			if w.Start < from-slack || w.Start >= to {
				continue
			}
			text := w.Punctuated
			if text == "" {
				text = w.Word
			}
			if out.Text != "" {
				out.Text += " "
			}
			out.Text += text
			out.Words = append(out.Words, earshot.Word{
				Text: text, StartMS: millis(max(0, w.Start-from)), EndMS: millis(max(0, min(w.End, to)-from)),
			})
			sum += w.Confidence
		}
	}
	if len(out.Words) > 0 {
		out.Confidence = min(1, max(0, sum/float64(len(out.Words))))
	}
	return out
}

// slack is by how many seconds the endpoint may place a word too early.
const slack = 0.05

func millis(seconds float64) int64 { return int64(math.Round(1000 * seconds)) }

// forget drops the words before a time, which are of utterances that are over.
func (c *connection) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.final, c.interim = nil, nil
}

// drop ends the connection and waits until its reader has ended.
func (c *connection) drop() {
	_ = c.ws.CloseNow() // the other side may be gone
	<-c.over
}
