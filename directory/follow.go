package directory

import (
	"context"
	"os"
	"regexp"
	"strings"
	"time"
)

// stamp is how a file looks from outside.
type stamp struct {
	modified time.Time
	size     int64
}

// stampOf returns the zero stamp for a file that is not there.
func stampOf(name string) stamp {
	info, err := os.Stat(name)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}

// Follow takes over changes of the file and of the store until ctx is done.
func (d *Directory) Follow(ctx context.Context) error {
	tick := time.NewTicker(d.cfg.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			d.look(ctx)
		}
	}
}

// look reads what has changed since the last look.
func (d *Directory) look(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cfg.File != "" {
		// One that still changes is being written: half of it is not to be read.
		is := stampOf(d.cfg.File)
		if is == d.seen && is != d.file {
			d.file = is
			d.importFile(ctx)
		}
		d.seen = is
	}
	if err := d.reload(ctx); err != nil && ctx.Err() == nil {
		d.errors.Inc()
		d.log.Error("directory not read", "error", err)
	}
}

// importFile makes the store's directory that of the file. When that can't be
// done, everything stays as it was.
func (d *Directory) importFile(ctx context.Context) {
	entries, err := ReadFile(d.cfg.File)
	if err == nil {
		err = d.store.SaveDirectory(ctx, entries, true)
	}
	if err != nil {
		d.errors.Inc()
		d.log.Error("directory file not taken, what was known stays", "error", masked(err))
	}
}

// longNumber is a number that could be a subscriber's.
var longNumber = regexp.MustCompile(`\d{5,}`)

// masked leaves the last two digits of long numbers: logs have no whole ones.
func masked(err error) string {
	return longNumber.ReplaceAllStringFunc(err.Error(), func(s string) string {
		return strings.Repeat("*", len(s)-2) + s[len(s)-2:]
	})
}
