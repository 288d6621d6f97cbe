package main

import (
	"context"
	"log/slog"
	"time"

	"earshot/cmd/earshot/app"
)

// shutdownTimeout bounds the whole of a shutdown.
const shutdownTimeout = 60 * time.Second

type serveCmd struct{}

// Run serves until it is told to stop. Calls that are up are not ended: their
// dialogs, ports and recordings are on disk and the next start goes on with
// them.
func (serveCmd) Run(e *env) error {
	cfg, err := e.load()
	if err != nil {
		return err
	}
	log, err := logger(cfg.Log, e.stderr)
	if err != nil {
		return err
	}
	began := time.Now()
	server, err := app.Start(e.ctx, cfg, log)
	if err != nil {
		return err
	}
	log.Info("earshot is up", "sip", server.SIPAddr().String(), "http", server.HTTPAddr().String(),
		"data_dir", cfg.Data.Dir, "took_ms", time.Since(began).Milliseconds())
	<-e.ctx.Done()
	return stopServer(server, log)
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
