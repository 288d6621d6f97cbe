package assist

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"earshot"
)

// Talk returns a call and its final utterances up to now. It is safe for
// concurrent use.
type Talk func(ctx context.Context, id earshot.CallID) (earshot.Call, []earshot.Utterance, error)

const (
	// followEvery is how often a talk is looked at while a model thinks.
	followEvery = 250 * time.Millisecond
	// staleAfter is how much talk in milliseconds makes an answer one to something
	// long gone.
	staleAfter = 20_000
	// nextTurn is how many words of the customer are a new turn, and not a mere yes.
	nextTurn = 4
)

// Why an answer is no longer wanted.
var (
	errMoved = errors.New("moved on")
	errEnded = errors.New("call ended")
)

// follow asks, and stops asking once the answer is no longer wanted: it then
// returns errMoved or errEnded, also for an answer that came just then.
func (a *Assistant) follow(ctx context.Context, call earshot.Call, u earshot.Utterance, ask func(context.Context) error) error {
	if a.cfg.Talk == nil {
		return ask(ctx)
	}
	asking, stop := context.WithCancelCause(ctx)
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		tick := time.NewTicker(followEvery)
		defer tick.Stop()
		for {
			select {
			case <-asking.Done():
				return
			case <-tick.C:
			}
			if why := a.unwanted(asking, call.ID, u); why != nil {
				stop(why)
				return
			}
		}
	}()
	err := ask(asking)
	why := context.Cause(asking)
	stop(nil)
	<-looked
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if why == nil {
		why = a.unwanted(ctx, call.ID, u)
	}
	if why != nil {
		return why
	}
	return err
}

// unwanted says why an answer to an utterance is no longer wanted, nil if it is. A
// talk that cannot be read goes on.
func (a *Assistant) unwanted(ctx context.Context, id earshot.CallID, u earshot.Utterance) error {
	call, us, err := a.cfg.Talk(ctx, id)
	switch known := err == nil; {
	case known && call.State.Ended():
		return errEnded
	case known && slices.ContainsFunc(us, func(next earshot.Utterance) bool { return movesOn(u, next) }):
		return errMoved
	}
	return nil
}

// movesOn reports whether an utterance leaves another behind: whoever asked has
// gone on to something else, or much was said since.
func movesOn(u, next earshot.Utterance) bool {
	if next.StartMS <= u.StartMS || next.ID == u.ID {
		return false
	}
	if next.EndMS-u.EndMS >= staleAfter {
		return true
	}
	return next.StreamID == u.StreamID && next.ParticipantID == u.ParticipantID && next.StartMS-u.EndMS > maxFragmentGap &&
		len(strings.Fields(next.Text)) >= nextTurn
}
