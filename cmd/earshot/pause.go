package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/user"
	"strings"
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
	api := strings.TrimSuffix(c.API, "/")
	if api == "" {
		cfg, err := e.load()
		if err != nil {
			return earshot.Call{}, err
		}
		scheme := "http://"
		if cfg.HTTP.TLSCert != "" {
			scheme = "https://"
		}
		api = scheme + cfg.HTTP.Listen
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
	return postPause(ctx, api+"/api/v1/calls/"+url.PathEscape(c.Call)+"/"+what, c.By, c.Reason)
}

// postPause returns the call, or an error with what the server says of why
// not.
func postPause(ctx context.Context, target, by, reason string) (call earshot.Call, err error) {
	body, err := json.Marshal(struct {
		By     string `json:"by,omitempty"`
		Reason string `json:"reason,omitempty"`
	}{by, reason})
	if err != nil {
		return call, err
	}
	resp, err := ask(ctx, http.MethodPost, target, bytes.NewReader(body), http.Header{"Content-Type": {"application/json"}})
	if err != nil {
		return call, err
	}
	defer closeQuietly(resp.Body)
	if resp.StatusCode == http.StatusOK {
		return call, json.NewDecoder(resp.Body).Decode(&call)
	}
	var problem struct{ Detail string }
	if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil || problem.Detail == "" {
		return call, fmt.Errorf("POST %s: %s", target, resp.Status)
	}
	return call, errors.New(problem.Detail)
}
