package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"earshot"
	"earshot/cmd/earshot/app"
	"earshot/cmd/earshot/config"
	"earshot/store/sqlite"
)

type verifyCmd struct {
	Call   string `arg:"" optional:"" help:"ID of the call, or \"last\"."`
	All    bool   `help:"Every call with a recording."`
	Repair bool   `help:"Make damaged or missing files anew from the recorded packets."`
}

// Run prints a line per call, and returns an error that says what to do when
// any is not as it was made.
func (c verifyCmd) Run(e *env) error {
	if (c.Call == "") == !c.All {
		return errors.New("name a call or say --all")
	}
	store, cfg, err := e.reader()
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	bad := 0
	check := func(call earshot.Call) error {
		v := verifier{ctx: e.ctx, cfg: cfg, call: call, repair: c.Repair}
		problems := v.run()
		if err := e.ctx.Err(); err != nil {
			return err
		}
		report(e.stdout, v, problems)
		if len(problems) > 0 {
			bad++
		}
		return nil
	}
	if err := c.each(e, store, check); err != nil {
		return err
	}
	switch {
	case bad == 0:
		return nil
	case c.Repair:
		return fmt.Errorf("%d calls are not as they were made and could not be repaired: restore data.dir from a backup", bad)
	}
	return fmt.Errorf("%d calls are not as they were made: run `earshot verify --repair` with the call, or restore a backup", bad)
}

func (c verifyCmd) each(e *env, store *sqlite.Store, check func(earshot.Call) error) error {
	if !c.All {
		call, err := findCall(e.ctx, store, c.Call)
		if err != nil {
			return err
		}
		if !call.RecordingReady {
			return fmt.Errorf("call %s has no recording yet", call.ID)
		}
		return check(call)
	}
	q := sqlite.CallQuery{Limit: 200}
	for {
		list, next, err := store.Calls(e.ctx, q)
		if err != nil {
			return err
		}
		for _, call := range list {
			if !call.RecordingReady {
				continue
			}
			if err := check(call); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		q.Before = next
	}
}

func report(w io.Writer, v verifier, problems []string) {
	for _, p := range problems {
		fmt.Fprintf(w, "%s  BAD  %s\n", v.call.ID, p)
	}
	for _, r := range v.repaired {
		fmt.Fprintf(w, "%s  repaired  %s\n", v.call.ID, r)
	}
	switch {
	case len(problems)+len(v.repaired) > 0:
	case v.call.Recording == nil:
		fmt.Fprintf(w, "%s  ok  no checksum was kept, the packets are whole\n", v.call.ID)
	default:
		fmt.Fprintf(w, "%s  ok  sha256 %s\n", v.call.ID, v.call.Recording.SHA256)
	}
}

// verifier checks the files of one call.
type verifier struct {
	ctx      context.Context
	cfg      config.Config
	call     earshot.Call
	repair   bool
	repaired []string
}

// run returns what is wrong and stays so.
func (v *verifier) run() []string {
	problems := v.master()
	rec := v.call.Recording
	if rec == nil {
		return problems
	}
	problems = v.file(problems, app.RecordingFile(v.cfg, v.call.ID), rec.SHA256, func(path string) (string, error) {
		info, err := app.RenderCall(v.ctx, v.cfg, v.call, path)
		return info.SHA256, err
	})
	if rec.Opus == nil {
		return problems
	}
	return v.file(problems, app.OpusFile(v.cfg, v.call.ID), rec.Opus.SHA256, func(path string) (string, error) {
		made, err := app.MakeOpus(v.ctx, v.cfg, v.call.ID, path)
		return made.SHA256, err
	})
}

// master checks the recorded packets, each of which has a checksum.
func (v *verifier) master() []string {
	var problems []string
	for _, s := range v.call.Streams {
		r, err := app.OpenMaster(v.cfg, v.call.ID, s.ID)
		switch {
		case errors.Is(err, earshot.ErrNotFound) && s.PacketsReceived == 0:
		case err != nil:
			problems = append(problems, fmt.Sprintf("recorded packets of stream %s: %v", s.ID, err))
		case r.Problem() != nil:
			problems = append(problems, fmt.Sprintf("recorded packets: %v", r.Problem()))
		}
	}
	return problems
}

// file compares a file with its checksum. The one made anew takes its place
// only if it is the same to the octet.
func (v *verifier) file(problems []string, path, want string, again func(path string) (string, error)) []string {
	got, err := sum(path)
	if err == nil && got == want {
		return problems
	}
	what := fmt.Sprintf("%s: its sha256 is %s, not %s", path, got, want)
	if err != nil {
		what = err.Error()
	}
	if !v.repair {
		return append(problems, what)
	}
	fresh := path + ".again"
	got, err = again(fresh)
	if err != nil {
		return append(problems, fmt.Sprintf("%s; made anew: %v", what, err))
	}
	if got != want {
		return append(problems, fmt.Sprintf("%s; made anew it is another, kept as %s", what, fresh))
	}
	if err := os.Rename(fresh, path); err != nil {
		return append(problems, fmt.Sprintf("%s; made anew: %v", what, err))
	}
	v.repaired = append(v.repaired, path)
	return problems
}

// sum returns the SHA-256 of a file in hexadecimal.
func sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer closeQuietly(f)
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
