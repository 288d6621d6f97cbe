package app

import (
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"

	"earshot"
)

// diskCheckInterval bounds how often the file system is asked.
const diskCheckInterval = time.Second

// reserve watches over the free space of the data disk.
type reserve struct {
	dir  string
	keep int64 // bytes

	mu      sync.Mutex
	checked time.Time
	free    int64
	err     error
}

func newReserve(dir string, keep int64) *reserve { return &reserve{dir: dir, keep: keep} }

// check returns earshot.ErrDiskReserve when no new call should begin.
func (r *reserve) check() error {
	free, err := r.available()
	if err != nil {
		return fmt.Errorf("%w: %w", earshot.ErrDiskReserve, err)
	}
	if free < r.keep {
		return fmt.Errorf("%d MiB free on %s, %d MiB are kept: %w", free>>20, r.dir, r.keep>>20, earshot.ErrDiskReserve)
	}
	return nil
}

func (r *reserve) available() (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.checked) > diskCheckInterval {
		var st unix.Statfs_t
		r.err = unix.Statfs(r.dir, &st)
		r.free, r.checked = int64(st.Bavail)*st.Bsize, time.Now()
	}
	return r.free, r.err
}

func (r *reserve) collectors() []prometheus.Collector {
	return []prometheus.Collector{prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "earshot", Subsystem: "disk", Name: "free_bytes", Help: "Free space of the data disk.",
	}, func() float64 {
		free, _ := r.available()
		return float64(free)
	})}
}
