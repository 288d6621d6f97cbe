package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"earshot"
	"earshot/cmd/earshot/app"
	"earshot/cmd/earshot/config"
	"earshot/crm/webhook"
	"earshot/store/sqlite"
)

type demoCmd struct {
	Dir    string `default:"demo" help:"Folder with agent.wav, customer.wav, playbook.yaml and knowledge."`
	Search string `default:"refund" help:"Word to search for at the end."`
	Keep   bool   `help:"Keep the data folder."`
}

// demoPatience bounds how long the demo waits for what follows the call.
const demoPatience = 60 * time.Second

// Run shows the whole way of one call on a server of its own.
func (c demoCmd) Run(e *env) error {
	dir, err := os.MkdirTemp("", "earshot-demo-")
	if err != nil {
		return err
	}
	if !c.Keep {
		defer os.RemoveAll(dir)
	}
	out := e.stdout
	notes := make(chan earshot.Note, 8)
	hook, err := newHook(e.ctx, notes)
	if err != nil {
		return err
	}
	defer closeQuietly(hook)
	cfg, err := c.config(dir, hook)
	if err != nil {
		return err
	}
	log, err := logger(config.Log{Level: "warn", Format: "text"}, e.stderr)
	if err != nil {
		return err
	}
	began := time.Now()
	server, err := app.Start(e.ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			log.Error("stop", "error", err)
		}
	}()
	page := "http://" + server.HTTPAddr().String()
	fmt.Fprintf(out, "Earshot is up after %d ms: SIP on %s, page on %s, data in %s\n\n",
		time.Since(began).Milliseconds(), server.SIPAddr(), page, dir)
	if err := c.show(e, cfg, server, page, notes); err != nil {
		return err
	}
	if isTerminal(os.Stdout) && isTerminal(os.Stdin) {
		fmt.Fprintf(out, "\nThe page is on %s until you press Ctrl-C.\n", page)
		<-e.ctx.Done()
	}
	return nil
}

func (c demoCmd) config(dir string, hook *demoHook) (config.Config, error) {
	cfg := config.Default()
	cfg.Data.Dir = dir
	cfg.Data.ReserveMB = 64
	cfg.SIP.Listen, cfg.HTTP.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Assist.Playbook = filepath.Join(c.Dir, "playbook.yaml")
	cfg.Assist.Knowledge = filepath.Join(c.Dir, "knowledge")
	cfg.Webhook.URL, cfg.Webhook.Secrets = hook.url, []string{hook.secret}
	cfg.Calls.WrapUp = 5 * time.Second
	return cfg, cfg.Check()
}

// show places the call and prints what comes of it, as it comes.
func (c demoCmd) show(e *env, cfg config.Config, server *app.App, page string, notes <-chan earshot.Note) error {
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	summary := make(chan earshot.Summary, 8)
	followed := make(chan error, 1)
	f := &follower{out: e.stdout, summary: summary}
	go func() { followed <- f.follow(ctx, page+"/api/v1/events") }()

	fmt.Fprintln(e.stdout, "A call of about a minute is forked to it over SIPREC, in real time:")
	result, err := placeCall(ctx, callSpec{
		to:    "sip:" + server.SIPAddr().String(),
		audio: []string{filepath.Join(c.Dir, "agent.wav"), filepath.Join(c.Dir, "customer.wav")},
		names: []string{"Nora Winter", "Paul Becker"},
		roles: []earshot.Role{earshot.RoleAgent, earshot.RoleCustomer},
		aors:  []string{"sip:201@pbx.example", "tel:+15550147"},
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "\nThe caller hung up after %s, %d packets sent.\n", result.duration.Round(time.Second), result.packets)
	var note earshot.Note
	for got := 0; got < 2; {
		select {
		case s := <-summary:
			printSummary(e.stdout, &s)
			got++
		case note = <-notes:
			got++
		case err := <-followed:
			return fmt.Errorf("events ended: %w", err)
		case <-time.After(demoPatience):
			return fmt.Errorf("no summary and note within %s", demoPatience)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := printNote(e.stdout, note); err != nil {
		return err
	}
	return c.search(e, cfg)
}

func printNote(w io.Writer, note earshot.Note) error {
	raw, err := json.MarshalIndent(note, "  ", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nThe note as it left, signed, for the webhook:\n  %s\n", raw)
	return nil
}

func (c demoCmd) search(e *env, cfg config.Config) error {
	store, err := sqlite.OpenReadOnly(e.ctx, app.Database(cfg))
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	hits, _, err := store.Search(e.ctx, sqlite.SearchQuery{Text: c.Search, Limit: 3})
	if err != nil {
		return err
	}
	if len(hits) == 0 {
		return fmt.Errorf("searching for %q finds nothing", c.Search)
	}
	fmt.Fprintf(e.stdout, "\nSearching every call for %q:\n", c.Search)
	for _, h := range hits {
		fmt.Fprintf(e.stdout, "  call %s at %s, %s: %s\n", h.Utterance.CallID, clock(h.Utterance.StartMS),
			speakerName(h.Speaker, h.Utterance.Role), h.Utterance.Text)
	}
	return nil
}

// follower prints a server's events.
type follower struct {
	out     io.Writer
	call    earshot.Call
	summary chan<- earshot.Summary
}

func (f *follower) follow(ctx context.Context, url string) error {
	return readEvents(ctx, url, func(ev earshot.Event) error {
		switch ev.Type {
		case earshot.EventCallStarted, earshot.EventCallUpdated:
			return json.Unmarshal(ev.Data, &f.call)
		case earshot.EventUtteranceFinal:
			var u earshot.Utterance
			if err := json.Unmarshal(ev.Data, &u); err != nil {
				return err
			}
			fmt.Fprintf(f.out, "  %s  %-12s %s\n", clock(u.StartMS), speakerOf(&f.call, u)+":", u.Text)
		case earshot.EventSuggestionCreated:
			var s earshot.Suggestion
			if err := json.Unmarshal(ev.Data, &s); err != nil {
				return err
			}
			fmt.Fprint(f.out, "      ->")
			printSuggestion(f.out, s)
		case earshot.EventSummaryCreated:
			var s earshot.Summary
			if err := json.Unmarshal(ev.Data, &s); err != nil {
				return err
			}
			f.summary <- s
		}
		return nil
	})
}

// demoHook is a webhook receiver that checks signatures.
type demoHook struct {
	*http.Server
	url, secret string
}

func newHook(ctx context.Context, notes chan<- earshot.Note) (*demoHook, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	secret := webhook.NewSecret(key)
	h := &demoHook{url: "http://" + l.Addr().String() + "/notes", secret: secret}
	h.Server = &http.Server{ReadHeaderTimeout: checkTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err == nil {
			err = webhook.Verify(secret, r.Header, body, webhook.DefaultTolerance)
		}
		var envelope struct {
			Data earshot.Note `json:"data"`
		}
		if err == nil {
			err = json.Unmarshal(body, &envelope)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		notes <- envelope.Data
		w.WriteHeader(http.StatusNoContent)
	})}
	go func() { _ = h.Serve(l) }()
	return h, nil
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
