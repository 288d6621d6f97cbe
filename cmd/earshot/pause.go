package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/user"
	"time"

	"earshot"
)

// pauseCmd and resumeCmd ask a running server.
type (
	pauseCmd  struct{ pauseFlags }
	resumeCmd struct{ pauseFlags }
)

type pauseFlags struct {
	Call   string `arg:"" help:"ID of the call, or \"last\" for the newest live one."`
	Reason string `placeholder:"TEXT" help:"Why, for the call's timeline."`
	By     string `placeholder:"NAME" help:"Who wants it, for the call's timeline. Default: your user name."`
	API    string `placeholder:"URL" help:"API of the server. Default: http.listen of the settings."`
}

func (c pauseCmd) Run(e *env) error {
	call, err := c.ask(e, "pause")
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "call %s is not recorded until: earshot resume %s\n", call.ID, call.ID)
	return nil
}

func (c resumeCmd) Run(e *env) error {
	call, err := c.ask(e, "resume")
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "call %s is recorded again\n", call.ID)
	return nil
}

// askTimeout bounds one question to the server.
const askTimeout = 10 * time.Second

func (c pauseFlags) ask(e *env, what string) (earshot.Call, error) {
	ctx, cancel := context.WithTimeout(e.ctx, askTimeout)
	defer cancel()
	api, err := e.api(c.API)
	if err != nil {
		return earshot.Call{}, err
	}
	if c.Call == "last" {
		var live struct{ Items []earshot.Call }
		if err := getJSON(ctx, api+"/api/v1/calls?state=live&limit=1", &live); err != nil {
			return earshot.Call{}, err
		}
		if len(live.Items) == 0 {
			return earshot.Call{}, errors.New("no call is live")
		}
		c.Call = string(live.Items[0].ID)
	}
	if who, err := user.Current(); err == nil && c.By == "" {
		c.By = who.Username
	}
	var call earshot.Call
	err = postJSON(ctx, api+"/api/v1/calls/"+url.PathEscape(c.Call)+"/"+what, map[string]string{"by": c.By, "reason": c.Reason}, &call)
	return call, err
}
