package main

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"earshot"
)

// againEvery is how often a server is asked how far it is.
const againEvery = 500 * time.Millisecond

// againFlags are for calls that a server is to transcribe again.
type againFlags struct {
	All   bool   `help:"Transcribe all calls again, the oldest first."`
	Since string `placeholder:"TIME" help:"With --all: only calls that began at this time or later, like 2024-05-01 or 2024-05-01T14:30:00Z."`
	API   string `placeholder:"URL" help:"API of the server that has the call. Default: http.listen of the settings."`
}

// again has one call transcribed again and waits for it.
func (c againFlags) again(e *env, id, engine string) error {
	api, err := e.api(c.API)
	if err != nil {
		return err
	}
	if id == "last" {
		var ended struct{ Items []earshot.Call }
		if err := getJSON(e.ctx, api+"/api/v1/calls?state=ended&limit=1", &ended); err != nil {
			return err
		}
		if len(ended.Items) == 0 {
			return errors.New("no call is over yet")
		}
		id = string(ended.Items[0].ID)
	}
	target := api + "/api/v1/calls/" + url.PathEscape(id) + "/transcribe"
	var at earshot.Retranscription
	err = postJSON(e.ctx, target, map[string]string{"engine": engine}, &at)
	if _, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("transcribe call %s again: start `earshot serve` or give --api, or --print to see the text only: %w", id, err)
	}
	if err != nil {
		return fmt.Errorf("transcribe call %s again: %w", id, err)
	}
	bar := newProgressBar(e.stderr, "transcribing call "+id)
	defer bar.end()
	ticker := time.NewTicker(againEvery)
	defer ticker.Stop()
	for at.State == earshot.RetranscriptionWaiting || at.State == earshot.RetranscriptionRunning {
		select {
		case <-ticker.C:
		case <-e.ctx.Done():
			return fmt.Errorf("the server goes on with call %s: %w", id, e.ctx.Err())
		}
		if err := getJSON(e.ctx, target, &at); err != nil {
			return err
		}
		bar.show(at.Done)
	}
	if at.State == earshot.RetranscriptionFailed {
		return fmt.Errorf("call %s keeps its transcript: %s", id, at.Error)
	}
	bar.end()
	fmt.Fprintf(e.stdout, "call %s: transcript revision %d; the one before: earshot show %s --revision %d\n", id, at.Revision, id, at.Revision-1)
	return nil
}

// everything has all calls transcribed again, one after the other. A call that
// fails does not keep the others from it.
func (c againFlags) everything(e *env, engine string) error {
	since, err := c.since()
	if err != nil {
		return err
	}
	api, err := e.api(c.API)
	if err != nil {
		return err
	}
	var ids []earshot.CallID
	for cursor := ""; ; {
		var page struct {
			Items []earshot.Call
			Next  string
		}
		if err := getJSON(e.ctx, api+"/api/v1/calls?state=ended&limit=500&cursor="+url.QueryEscape(cursor), &page); err != nil {
			return err
		}
		for _, call := range page.Items {
			if call.RecordingReady && !call.StartedAt.Before(since) {
				ids = append(ids, call.ID)
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	var failed error
	for i := len(ids) - 1; i >= 0 && e.ctx.Err() == nil; i-- {
		failed = errors.Join(failed, c.again(e, string(ids[i]), engine))
	}
	return failed
}

func (c againFlags) since() (time.Time, error) {
	if c.Since == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, c.Since); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--since %s: not a date or a time", c.Since)
}
