package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sys/unix"

	"earshot"
	"earshot/calls"
	"earshot/cmd/earshot/config"
	"earshot/directory"
	"earshot/media"
	"earshot/pipeline"
	"earshot/siprec"
	"earshot/store/sqlite"
	"earshot/web"
)

// Version is what the program calls itself; the build sets it.
var Version = "dev"

// App is the whole server.
type App struct {
	cfg config.Config
	log *slog.Logger
	lifecycle

	metrics *prometheus.Registry
	store   *sqlite.Store
	media   *media.Engine
	trans   *recognition
	again   *again
	people  *directory.Directory
	calls   *calls.Manager
	bus     *pipeline.Bus
	relay   *pipeline.Relay
	workers *pipeline.Workers
	sip     *siprec.Server
	web     *web.Server
	broker  *web.Broker
	derived *derived
	ready   chan struct{}
	drains  atomic.Bool
	disk    *reserve
}

// Database returns the file of the embedded store.
func Database(cfg config.Config) string { return filepath.Join(cfg.Data.Dir, "earshot.db") }

// RecordingFile returns the WAV file of a call.
func RecordingFile(cfg config.Config, id earshot.CallID) string {
	return filepath.Join(cfg.Data.Dir, "recordings", string(id)+".wav")
}

// LockFile returns the file that a running server holds locked.
func LockFile(cfg config.Config) string { return filepath.Join(cfg.Data.Dir, "lock") }

func masterDir(cfg config.Config) string { return filepath.Join(cfg.Data.Dir, "master") }

// Start brings the server up. On an error everything that was started is
// stopped again. The order matters after a crash: calls that are still up are
// received again within moments, then comes signalling, and only then the
// loading of the models, which takes longest.
func Start(ctx context.Context, cfg config.Config, log *slog.Logger) (*App, error) {
	a := &App{
		cfg: cfg, log: log, lifecycle: lifecycle{log: log},
		metrics: prometheus.NewRegistry(), broker: web.NewBroker(), trans: &recognition{log: log}, ready: make(chan struct{}),
	}
	a.again = newAgain(a)
	a.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, step := range []struct {
		name  string
		start func(context.Context) error
	}{
		{"data folder", a.startData},
		{"store", a.startStore},
		{"media", a.startMedia},
		{"bus", a.startBus},
		{"directory", a.startDirectory},
		{"calls", a.startCalls},
		{"jobs", a.startJobs},
		{"page", a.startWeb},
		{"signalling", a.startSIP},
		{"recognition", a.startTranscribe},
	} {
		began := time.Now()
		if err := step.start(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("start %s: %w", step.name, err), a.Stop(context.WithoutCancel(ctx)))
		}
		log.Debug("started", "part", step.name, "took_ms", time.Since(began).Milliseconds())
	}
	close(a.ready)
	return a, nil
}

// Stop ends the server in the opposite order. Live calls are not ended: the
// next start goes on with them.
func (a *App) Stop(ctx context.Context) error { return a.stop(ctx) }

// HTTPAddr returns where the page is.
func (a *App) HTTPAddr() net.Addr { return a.web.Addr() }

// SIPAddr returns the host and port of SIP over UDP and TCP.
func (a *App) SIPAddr() net.Addr { return a.sip.Addr() }

// Drain refuses new calls; those that are up go on.
func (a *App) Drain() {
	a.drains.Store(true)
	a.calls.Drain()
	a.sip.Drain()
}

// LiveCalls returns how many calls are up.
func (a *App) LiveCalls() int { return a.calls.Live() }

func (a *App) startData(context.Context) error {
	for _, dir := range []string{a.cfg.Data.Dir, filepath.Join(a.cfg.Data.Dir, "recordings"), masterDir(a.cfg)} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return err
		}
	}
	a.disk = newReserve(a.cfg.Data.Dir, int64(a.cfg.Data.ReserveMB)<<20)
	a.metrics.MustRegister(a.disk.collectors()...)
	return a.lock()
}

// lock keeps a second server off the data folder. The kernel gives it up with
// the process.
func (a *App) lock() error {
	f, err := os.OpenFile(LockFile(a.cfg), os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return fmt.Errorf("%s is in use by another earshot: stop it or set data.dir", a.cfg.Data.Dir)
	}
	a.onStop("data folder lock", func(context.Context) error { return f.Close() })
	return nil
}

func (a *App) startStore(ctx context.Context) error {
	store, err := sqlite.Open(ctx, Database(a.cfg), a.log)
	if err != nil {
		return err
	}
	a.store = store
	a.onStop("store", func(context.Context) error { return store.Close() })
	a.metrics.MustRegister(store.Collectors()...)
	return nil
}

func (a *App) startMedia(context.Context) error {
	first, last, err := a.cfg.RTP.Range()
	if err != nil {
		return err
	}
	engine, err := media.New(media.Config{
		Dir: masterDir(a.cfg), BindIP: mediaAddr(a.cfg.SIP), MinPort: first, MaxPort: last, Secured: a.secured,
		KeepDigits: a.cfg.Media.DTMF == "keep", Unheard: a.cfg.Transcribe.Engine == "none",
	}, a.log)
	if err != nil {
		return err
	}
	a.media = engine
	engine.Start()
	a.onStop("media", func(context.Context) error { return engine.Close() })
	a.metrics.MustRegister(engine.Collectors()...)
	return nil
}

// secured stores what came of the protection of a stream with its dialog.
func (a *App) secured(news earshot.StreamSecurity) error {
	select {
	case <-a.ready:
	default:
		return errors.New("starting")
	}
	dialog, err := a.calls.Secured(context.Background(), news)
	if err != nil || news.Security == nil {
		return err
	}
	return a.sip.SaveSecurity(dialog, news.StreamID, news.Security)
}

func (a *App) startSIP(ctx context.Context) error {
	dialogs, err := a.store.Dialogs(ctx)
	if err != nil {
		return err
	}
	sip := a.cfg.SIP
	server, err := siprec.NewServer(siprec.Config{
		Listen: sip.Listen, Advertise: sip.Advertise, RTPAdvertise: a.cfg.RTP.Advertise,
		Peers: sip.Peers, Policies: policies(sip.Policies), SRTP: earshot.SRTPPolicy(a.cfg.Media.SRTP),
		TLSListen: sip.TLSListen, TLS: siprec.TLSFiles{Cert: sip.TLSCert, Key: sip.TLSKey, ClientCA: sip.TLSClientCA},
		Trace: siprec.Trace(sip.Trace), Traces: journal{a.store},
	}, a.calls, journal{a.store}, a.log)
	if err != nil {
		return err
	}
	a.sip = server
	if err := server.Restore(dialogs); err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	a.onStop("signalling", func(context.Context) error { return server.Close() })
	a.metrics.MustRegister(server.Collectors()...)
	return nil
}

func policies(list []config.Policy) []siprec.Policy {
	out := make([]siprec.Policy, 0, len(list))
	for _, p := range list {
		out = append(out, siprec.Policy{
			Peers: p.Peers, RequireSIPREC: p.RequireSIPREC, RequireTLS: p.RequireTLS, ClientNames: p.ClientNames,
			DigestUser: p.DigestUser, DigestPassword: p.DigestPassword, SRTP: earshot.SRTPPolicy(p.SRTP),
		})
	}
	return out
}

// journal keeps dialogs in the store.
type journal struct{ store *sqlite.Store }

func (j journal) SaveDialog(ctx context.Context, d earshot.Dialog) error {
	_, err := j.store.Apply(ctx, earshot.Commit{Dialogs: []earshot.Dialog{d}})
	return err
}

func (j journal) DeleteDialog(ctx context.Context, id string) error {
	_, err := j.store.Apply(ctx, earshot.Commit{EndedDialogs: []string{id}})
	return err
}

// SaveSIP implements [siprec.Traces].
func (j journal) SaveSIP(ctx context.Context, messages []earshot.SIPMessage) error {
	_, err := j.store.Apply(ctx, earshot.Commit{SIPMessages: messages})
	return err
}
