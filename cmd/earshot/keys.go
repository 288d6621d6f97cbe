package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"earshot"
	"earshot/media"
	telephone "earshot/media/event"
)

// How long each key of --dtmf is pressed, and how long it takes to the next.
const (
	keyFor   = 100 * time.Millisecond
	keyPause = 100 * time.Millisecond
)

// keysOf reads values of --dtmf: DIGITS, or DIGITS@SECONDS, "1234#@5" or
// "1234#@5s". They are pressed at 1 s unless said otherwise.
func keysOf(values []string) ([]media.Key, error) {
	var keys []media.Key
	for _, text := range values {
		digits, when, timed := strings.Cut(text, "@")
		at := time.Second
		if timed {
			if _, err := strconv.ParseFloat(when, 64); err == nil {
				when += "s"
			}
			var err error
			if at, err = time.ParseDuration(when); err != nil || at < 0 {
				return nil, fmt.Errorf("--dtmf %s: not DIGITS@SECONDS, like 1234#@5", text)
			}
		}
		for _, d := range digits {
			code, ok := telephone.Code(d)
			if !ok {
				return nil, fmt.Errorf("--dtmf %s: %q is no key", text, d)
			}
			keys = append(keys, media.Key{At: at, For: keyFor, Code: code})
			at += keyFor + keyPause
		}
	}
	slices.SortStableFunc(keys, func(a, b media.Key) int { return cmp.Compare(a.At, b.At) })
	for i := 1; i < len(keys); i++ {
		if keys[i].At < keys[i-1].At+keys[i-1].For {
			return nil, errors.New("--dtmf: one key is pressed before the last is released")
		}
	}
	return keys, nil
}

// keys are those of a party as a sender that begins at a time sees them: the
// last party presses all of them.
func (a *act) keys(party int, from time.Duration) []media.Key {
	var out []media.Key
	for _, k := range a.spec.script.keys {
		if party == len(a.pcm)-1 && k.At >= from && (a.until == 0 || k.At < a.until) {
			k.At -= from
			out = append(out, k)
		}
	}
	return out
}

// keyFormat is how keys are sent: with the clock of the audio (RFC 4733 2.1).
func (c callSpec) keyFormat() earshot.Format {
	return earshot.Format{
		PayloadType: 101, Encoding: "telephone-event", ClockRate: c.format().ClockRate, Channels: 1, FMTP: "0-15",
	}
}

// formats are what is offered: keys only where some are pressed, unless the
// dialect always offers them.
func (c callSpec) formats() []earshot.Format {
	if len(c.script.keys) == 0 {
		return []earshot.Format{c.format()}
	}
	return []earshot.Format{c.format(), c.keyFormat()}
}
