package app

import (
	"context"
	"time"

	"earshot"
	"earshot/measure"
	"earshot/web"
)

// insight is what is worked out of a call when somebody asks.
type insight struct{ derived *derived }

var _ web.Insight = insight{}

func (i insight) Measures(ctx context.Context, id earshot.CallID) (earshot.Measures, error) {
	call, us, err := i.derived.transcript(ctx, id)
	if err != nil {
		return earshot.Measures{}, err
	}
	return measure.Of(&call, us, time.Now()), nil
}
