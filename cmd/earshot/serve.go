package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"earshot/cmd/earshot/app"
)

// shutdownTimeout bounds the whole of a shutdown.
const shutdownTimeout = 60 * time.Second

// drainLook is how often a draining server looks whether calls are up.
const drainLook = 100 * time.Millisecond

type serveCmd struct{}

// Run serves until it is told to stop. Calls that are up may end by themselves
// for sip.drain_timeout. What is up then is not ended: dialogs, ports and
// recordings are on disk and the next start goes on with them.
func (serveCmd) Run(e *env) error {
	cfg, err := e.load()
	if err != nil {
		return err
	}
	log, err := logger(cfg.Log, e.stderr)
	if err != nil {
		return err
	}
	spareMemory()
	began := time.Now()
	server, err := app.Start(e.ctx, cfg, log)
	if err != nil {
		return err
	}
	log.Info("earshot is up", "sip", server.SIPAddr().String(), "http", server.HTTPAddr().String(),
		"data_dir", cfg.Data.Dir, "took_ms", time.Since(began).Milliseconds())
	notifySystemd("READY=1")
	<-e.ctx.Done()
	drain(server, cfg.SIP.DrainTimeout, log)
	return stopServer(server, log)
}

// collectAt is the growth of the heap in percent at which it is collected. A
// call allocates when it begins and hardly at all while it lasts, so that less
// than Go's 100 saves a third of the memory per call for next to nothing.
const collectAt = 40

// spareMemory leaves it as the environment has it, if it says something.
func spareMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
}

// drain refuses new calls and waits for those that are up to end, until the
// time is over or a second signal says that it is enough.
func drain(server *app.App, timeout time.Duration, log *slog.Logger) {
	server.Drain()
	notifySystemd("STOPPING=1")
	if timeout == 0 || server.LiveCalls() == 0 {
		return
	}
	log.Info("draining", "live_calls", server.LiveCalls(), "timeout", timeout.String())
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	look, tell := time.NewTicker(drainLook), time.NewTicker(systemdPatience/3)
	defer look.Stop()
	defer tell.Stop()
	extendSystemd()
	for server.LiveCalls() > 0 {
		select {
		case <-look.C:
		case <-tell.C:
			extendSystemd()
		case <-ctx.Done():
			return
		}
	}
	<-look.C // the answer to the last BYE may be on its way
}

func stopServer(server *app.App, log *slog.Logger) error {
	log.Info("stopping", "live_calls", server.LiveCalls())
	server.Drain()
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	err := server.Stop(ctx)
	log.Info("stopped")
	return err
}
