package app

import (
	"context"

	"earshot/calls"
	"earshot/directory"
	"earshot/store/sqlite"
	"earshot/web"
)

var (
	_ directory.Store = (*sqlite.Store)(nil)
	_ calls.Directory = (*directory.Directory)(nil)
	_ web.Directory   = (*directory.Directory)(nil)
)

// startDirectory comes before the calls: those that are up are cast with it.
func (a *App) startDirectory(ctx context.Context) error {
	a.people = directory.New(directory.Config{File: a.cfg.Directory.File}, a.store, a.log)
	a.metrics.MustRegister(a.people.Collectors()...)
	if err := a.people.Load(ctx); err != nil {
		return err
	}
	a.background("directory", a.people.Follow)
	return nil
}
