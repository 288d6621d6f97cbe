package llm

import (
	"context"
	"sync"

	"earshot"
)

type callKey struct{}

// WithCall says which call the completions under ctx are for; their tokens
// count towards the budget of that call.
func WithCall(ctx context.Context, call earshot.CallID) context.Context {
	return context.WithValue(ctx, callKey{}, call)
}

// mostCalls bounds how many calls are remembered; the oldest is forgotten.
const mostCalls = 4096

// budget counts the tokens each call has used.
type budget struct {
	limit int // 0 = none

	mu    sync.Mutex
	used  map[earshot.CallID]int
	order []earshot.CallID
}

func callOf(ctx context.Context) earshot.CallID {
	call, _ := ctx.Value(callKey{}).(earshot.CallID)
	return call
}

// exhausted reports whether the call of ctx has no tokens left.
func (b *budget) exhausted(ctx context.Context) bool {
	call := callOf(ctx)
	if b.limit <= 0 || call == "" {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used[call] >= b.limit
}

func (b *budget) spend(ctx context.Context, tokens int) {
	call := callOf(ctx)
	if b.limit <= 0 || call == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used == nil {
		b.used = map[earshot.CallID]int{}
	}
	if _, known := b.used[call]; !known {
		if len(b.order) == mostCalls {
			delete(b.used, b.order[0])
			b.order = b.order[1:]
		}
		b.order = append(b.order, call)
	}
	b.used[call] += tokens
}
