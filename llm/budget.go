package llm

import (
	"context"
	"sync"

	"github.com/sashabaranov/go-openai"

	"earshot"
)

type callKey struct{}

// WithCall says which call the completions under ctx are for; their tokens
// count towards the budget of that call.
func WithCall(ctx context.Context, call earshot.CallID) context.Context {
	return context.WithValue(ctx, callKey{}, call)
}

func callOf(ctx context.Context) earshot.CallID {
	call, _ := ctx.Value(callKey{}).(earshot.CallID)
	return call
}

// mostCalls bounds how many calls are remembered; the oldest is forgotten.
const mostCalls = 4096

// budget counts what each call has used. A completion that is under way is not
// counted yet, so that the last one may go over the limit.
type budget struct {
	tokens int     // the limits; 0 = none
	cost   float64 // in the currency of the prices

	mu    sync.Mutex
	used  map[earshot.CallID]usage
	order []earshot.CallID
}

type usage struct {
	tokens int
	cost   float64
}

// exhausted reports whether the call of ctx has nothing left.
func (b *budget) exhausted(ctx context.Context) bool {
	call := callOf(ctx)
	if call == "" {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	u := b.used[call]
	return b.tokens > 0 && u.tokens >= b.tokens || b.cost > 0 && u.cost >= b.cost
}

func (b *budget) spend(ctx context.Context, spent usage) {
	call := callOf(ctx)
	if b.tokens <= 0 && b.cost <= 0 || call == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used == nil {
		b.used = map[earshot.CallID]usage{}
	}
	u, known := b.used[call]
	if !known {
		if len(b.order) == mostCalls {
			delete(b.used, b.order[0])
			b.order = b.order[1:]
		}
		b.order = append(b.order, call)
	}
	b.used[call] = usage{u.tokens + spent.tokens, u.cost + spent.cost}
}

// spend counts the tokens of a completion and what they cost.
func (c *Client) spend(ctx context.Context, u openai.Usage) {
	in, out := max(u.PromptTokens, 0), max(u.CompletionTokens, 0)
	spent := usage{max(u.TotalTokens, in+out), (float64(in)*c.cfg.PriceIn + float64(out)*c.cfg.PriceOut) / 1e6}
	c.tokens.Add(float64(spent.tokens))
	c.cost.Add(max(spent.cost, 0))
	c.budget.spend(ctx, spent)
}
