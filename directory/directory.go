package directory

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
)

// Store is where the directory is kept.
type Store interface {
	Directory(ctx context.Context) (earshot.Directory, error)
	// DirectoryRevision rises with each change, of any process.
	DirectoryRevision(ctx context.Context) (int64, error)
	// SaveDirectory inserts or replaces entries by ID; with replace it removes
	// the others.
	SaveDirectory(ctx context.Context, d earshot.Directory, replace bool) error
}

// DefaultInterval is how often file and store are looked at.
const DefaultInterval = 2 * time.Second

// Config of a [Directory].
type Config struct {
	// File is where everything comes from; "" for the API and imports.
	File string
	// Interval is how often file and store are looked at; 0 for the default.
	Interval time.Duration
}

// Directory answers who somebody is. It is safe for concurrent use.
type Directory struct {
	cfg   Config
	store Store
	log   *slog.Logger
	now   atomic.Pointer[index]

	errors prometheus.Counter

	mu sync.Mutex // guards what follows and is held over writes
	// revision is that of what is in memory, file what was last read of it.
	revision int64
	file     stamp
	seen     stamp
}

// New returns an empty directory. [Directory.Load] comes next.
func New(cfg Config, store Store, log *slog.Logger) *Directory {
	if cfg.Interval == 0 {
		cfg.Interval = DefaultInterval
	}
	d := &Directory{
		cfg: cfg, store: store, log: log, revision: -1,
		errors: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "earshot", Subsystem: "directory", Name: "errors_total",
			Help: "Times that the file of the directory or the store could not be read; what was known stayed.",
		}),
	}
	d.now.Store(newIndex(earshot.Directory{}))
	return d
}

// Agent returns the agent with an address of record, a number or an ID.
func (d *Directory) Agent(address string) (earshot.Agent, bool) { return d.now.Load().agent(address) }

// Queue returns the queue with a number, an address with that number as its
// user, or an ID.
func (d *Directory) Queue(address string) (earshot.Queue, bool) { return d.now.Load().queue(address) }

// Entries returns everything, each list by ID. It belongs to all who ask: it
// must not be changed.
func (d *Directory) Entries() earshot.Directory { return d.now.Load().entries }

// Load reads the file, if there is one, then the store. A file that can't be
// used is logged and counted, and the store's entries stay: nobody's call is
// to wait for a typing mistake. Only an error of the store is returned.
func (d *Directory) Load(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cfg.File != "" {
		d.file = stampOf(d.cfg.File)
		d.seen = d.file
		d.importFile(ctx)
	}
	return d.reload(ctx)
}

// Save inserts or replaces entries by ID. With create each must be new, else it
// is earshot.ErrExists; while there is a file it is earshot.ErrManaged. What
// can't be used is an *[earshot.DirectoryError].
func (d *Directory) Save(ctx context.Context, with earshot.Directory, create bool) error {
	if d.cfg.File != "" {
		return fmt.Errorf("the directory is that of directory.file: %w", earshot.ErrManaged)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	// Another process may have changed it since.
	if err := d.reload(ctx); err != nil {
		return err
	}
	have := d.now.Load()
	if create && have.hasAny(with) {
		return earshot.ErrExists
	}
	if err := have.entries.Merge(with).Check(); err != nil {
		return err
	}
	if err := d.store.SaveDirectory(ctx, with, false); err != nil {
		return fmt.Errorf("save directory: %w", err)
	}
	return d.reload(ctx)
}

// reload takes over what the store has, if it has changed.
func (d *Directory) reload(ctx context.Context) error {
	revision, err := d.store.DirectoryRevision(ctx)
	if err != nil || revision == d.revision {
		return err
	}
	entries, err := d.store.Directory(ctx)
	if err != nil {
		return err
	}
	d.now.Store(newIndex(entries))
	d.revision = revision
	d.log.Info("directory read", "agents", len(entries.Agents), "teams", len(entries.Teams), "queues", len(entries.Queues))
	return nil
}

// Collectors returns the metrics of this package.
func (d *Directory) Collectors() []prometheus.Collector {
	gauge := func(kind earshot.DirectoryKind, count func(earshot.Directory) int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "earshot", Subsystem: "directory", Name: "entries", Help: "Entries of the directory.",
			ConstLabels: prometheus.Labels{"kind": string(kind)},
		}, func() float64 { return float64(count(d.Entries())) })
	}
	return []prometheus.Collector{
		d.errors,
		gauge(earshot.DirectoryAgent, func(e earshot.Directory) int { return len(e.Agents) }),
		gauge(earshot.DirectoryTeam, func(e earshot.Directory) int { return len(e.Teams) }),
		gauge(earshot.DirectoryQueue, func(e earshot.Directory) int { return len(e.Queues) }),
	}
}
