package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"

	"earshot"
	"earshot/calls"
	"earshot/media/record"
	"earshot/media/wav"
	"earshot/store"
	"earshot/store/sqlite"
	"earshot/web"
	"earshot/web/access"
)

func (a *App) startWeb(context.Context) error {
	provider, err := openIDProvider(a.cfg.HTTP.OIDC)
	if err != nil {
		return err
	}
	server, err := web.New(web.Config{
		Listen: a.cfg.HTTP.Listen, PublicURL: a.cfg.HTTP.PublicURL,
		TLSCert: a.cfg.HTTP.TLSCert, TLSKey: a.cfg.HTTP.TLSKey, Version: Version,
		TrustedProxies: a.cfg.HTTP.TrustedProxies, FrameAncestors: a.cfg.HTTP.FrameAncestors,
	}, web.Deps{
		Reader: webReader{a.store}, Live: a.calls, Recorder: a.calls, Again: a.again, Audio: webAudio{a}, Jobs: webJobs{a.store, a.workers.Wake}, Traces: webTraces{a},
		Accounts: webAccounts{access.New(a.store), a.store, provider != nil}, Provider: provider, Directory: a.people, Insight: insight{a.derived}, Feedback: newFeedback(a),
		WrapUp:     wrapUp{a.store, a.derived.summarizer.Outcomes(), a.workers.Wake},
		Connectors: webConnectors{a.derived.notes},
		Broker:     a.broker, Ready: a.notReady, Gatherer: a.metrics,
	}, a.log)
	if err != nil {
		return err
	}
	a.web = server
	if err := server.Start(); err != nil {
		return err
	}
	a.onStop("page", server.Close)
	a.metrics.MustRegister(server.Collectors()...)
	return nil
}

// notReady returns why the server can't do its work.
func (a *App) notReady() []error {
	var errs []error
	select {
	case <-a.ready:
	default:
		errs = append(errs, errors.New("starting"))
	}
	if a.drains.Load() {
		errs = append(errs, errors.New("draining"))
	}
	if err := a.disk.check(); err != nil {
		errs = append(errs, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := a.bus.Check(ctx); err != nil {
		errs = append(errs, err)
	}
	return errs
}

// webReader is the store as the page sees it.
type webReader struct{ *sqlite.Store }

var _ web.Reader = webReader{}

func (r webReader) Calls(ctx context.Context, q web.CallQuery) ([]earshot.Call, string, error) {
	list, next, err := r.Store.Calls(ctx, sqlite.CallQuery(q))
	return list, next, webCursor(err)
}

func (r webReader) Search(ctx context.Context, q web.SearchQuery) ([]web.SearchHit, string, error) {
	found, next, err := r.Store.Search(ctx, sqlite.SearchQuery(q))
	hits := make([]web.SearchHit, len(found))
	for i, h := range found {
		hits[i] = web.SearchHit{
			Utterance: h.Utterance, Snippet: h.Snippet, CallStartedAt: h.CallStartedAt, Speaker: h.Speaker,
		}
	}
	return hits, next, webCursor(err)
}

func webCursor(err error) error {
	if errors.Is(err, store.ErrCursor) {
		return web.ErrCursor
	}
	return err
}

var (
	_ web.Live     = (*calls.Manager)(nil)
	_ web.Recorder = (*calls.Manager)(nil)
	_ web.Again    = (*again)(nil)
)

type webAudio struct{ app *App }

func (w webAudio) Path(id earshot.CallID) (string, error) {
	path := RecordingFile(w.app.cfg, id)
	if _, err := os.Stat(path); err != nil {
		return "", earshot.ErrNotFound
	}
	return path, nil
}

func (w webAudio) OpusPath(id earshot.CallID) (string, error) {
	path := OpusFile(w.app.cfg, id)
	if _, err := os.Stat(path); err != nil {
		return "", earshot.ErrNotFound
	}
	return path, nil
}

func (w webAudio) View(recording io.ReaderAt, size int64, channel string) (io.ReadSeeker, error) {
	n := wav.Mix
	if channel != "" {
		var err error
		if n, err = strconv.Atoi(channel); err != nil {
			return nil, fmt.Errorf("%w: channel %q", earshot.ErrNotFound, channel)
		}
	}
	v, err := wav.NewView(recording, size, n)
	if errors.Is(err, wav.ErrChannel) {
		return nil, fmt.Errorf("%w: %w", earshot.ErrNotFound, err)
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (w webAudio) Waveform(id earshot.CallID) (earshot.Waveform, error) {
	form, err := record.ReadPeaks(PeaksFile(w.app.cfg, id))
	if errors.Is(err, fs.ErrNotExist) {
		return form, fmt.Errorf("%w: %w", earshot.ErrNotFound, err)
	}
	return form, err
}

// webAccounts is the keeper of accounts with what the store has of them.
type webAccounts struct {
	*access.Keeper
	store *sqlite.Store
	// external says that there is a provider, whose people sign in.
	external bool
}

var _ web.Accounts = webAccounts{}

func (w webAccounts) Any(ctx context.Context) (bool, error) {
	if w.external {
		return true, nil
	}
	return w.Keeper.Any(ctx)
}

func (w webAccounts) Accounts(ctx context.Context) ([]earshot.Account, error) {
	return w.store.Accounts(ctx)
}

func (w webAccounts) Tokens(ctx context.Context, account string) ([]earshot.Token, error) {
	return w.store.Tokens(ctx, account)
}

func (w webAccounts) RevokeToken(ctx context.Context, account, id string) error {
	return w.store.RevokeToken(ctx, account, id)
}

func (w webAccounts) Audit(ctx context.Context, e earshot.AuditEntry) error {
	return w.store.Audit(ctx, e)
}

func (w webAccounts) AuditTrail(ctx context.Context, call earshot.CallID, limit int, before string) ([]earshot.AuditEntry, string, error) {
	list, next, err := w.store.AuditTrail(ctx, call, limit, before)
	return list, next, webCursor(err)
}

// webJobs wakes the workers when jobs are sent round again.
type webJobs struct {
	*sqlite.Store
	wake func()
}

func (w webJobs) ReplayJob(ctx context.Context, id int64) error {
	defer w.wake()
	return w.Store.ReplayJob(ctx, id)
}

func (w webJobs) ReplayDead(ctx context.Context) (int, error) {
	defer w.wake()
	return w.Store.ReplayDead(ctx)
}
