// Command earshot records, transcribes and explains calls. "earshot serve" is
// the server; the other commands place test calls, look into what it has
// stored and check the installation.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"earshot/cmd/earshot/config"
	"earshot/siprec"
)

// globals are the flags of every command.
type globals struct {
	Config string   `short:"c" placeholder:"FILE" help:"Settings in YAML; see docs/configuration.md."`
	Set    []string `placeholder:"KEY=VALUE" sep:"none" help:"Set one setting, over file and environment. May be given several times."`
}

type cli struct {
	globals
	Serve      serveCmd      `cmd:"" help:"Run the server."`
	Call       callCmd       `cmd:"" help:"Place a SIPREC call from audio files and print what came of it."`
	Load       loadCmd       `cmd:"" help:"Place many SIPREC calls and report set-up latency, loss and CPU."`
	Calls      callsCmd      `cmd:"" help:"List calls, the newest first, by tag and state."`
	Search     searchCmd     `cmd:"" help:"Search every word that was said."`
	Ask        askCmd        `cmd:"" help:"Ask a question of what was said, and see the passages that answer it."`
	Show       showCmd       `cmd:"" help:"Show a call: parties, transcript, suggestions, summary, notes."`
	Feedback   feedbackCmd   `cmd:"" help:"Show how often suggestions were used, dismissed and wrong, by rule and article."`
	Pause      pauseCmd      `cmd:"" help:"Stop recording a live call, as while a card number is read out."`
	Resume     resumeCmd     `cmd:"" help:"Go on with recording a paused call."`
	Export     exportCmd     `cmd:"" help:"Write the transcript of a call as text, SRT, VTT or JSON, or its recording as WAV or Ogg/Opus."`
	Transcribe transcribeCmd `cmd:"" help:"Transcribe a WAV file, so that it is found, shown and exported like other calls."`
	Verify     verifyCmd     `cmd:"" help:"Compare recordings with their checksums, and make damaged ones anew."`
	Jobs       jobsCmd       `cmd:"" help:"List the jobs that failed for good, or run them again."`
	Directory  directoryCmd  `cmd:"" help:"Show who works in the contact centre, or import them from a file."`
	Accounts   accountsCmd   `cmd:"" help:"Show who may sign in, make and change accounts."`
	Tokens     tokensCmd     `cmd:"" help:"Show tokens of programs, make and revoke them."`
	CRM        crmCmd        `cmd:"" name:"crm" help:"Show the connectors that notes go to, test one, see a note before it goes."`
	Doctor     doctorCmd     `cmd:"" help:"Check ports, models, data folder and endpoints, and say what to do."`
	Models     modelsCmd     `cmd:"" help:"Install or verify the speech models." hidden:""`
	Demo       demoCmd       `cmd:"" help:"Start a server of its own, place a call and show everything that comes of it."`
}

// env is what commands get of the world.
type env struct {
	ctx    context.Context
	stdout io.Writer
	stderr io.Writer
	load   func() (config.Config, error)
}

func main() {
	var c cli
	parser := kong.Must(&c, kong.Name("earshot"), kong.UsageOnError(),
		kong.Vars{"dialects": strings.Join(siprec.DialectNames(), ", ")},
		kong.Description("AI call-intelligence media server: SIPREC in, recordings, live transcripts, suggestions and CRM notes out."))
	k, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	e := &env{
		ctx: ctx, stdout: os.Stdout, stderr: os.Stderr,
		load: func() (config.Config, error) { return config.Load(c.Config, os.Environ(), c.Set) },
	}
	if err := k.Run(e); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "earshot:", err)
		stop()
		os.Exit(1)
	}
}

// logger returns the logger that the settings describe.
func logger(cfg config.Log, w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		return nil, fmt.Errorf("log.level: %w", err)
	}
	options := &slog.HandlerOptions{Level: level}
	switch cfg.Format {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	default:
		return nil, fmt.Errorf("log.format: %q is not text or json", cfg.Format)
	}
}
