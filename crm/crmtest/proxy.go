package crmtest

import (
	"cmp"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// Proxy stands before a real system and has some of its requests meet faults. It
// is safe for concurrent use.
type Proxy struct {
	*httptest.Server
	writes func(*http.Request) bool
	to     *httputil.ReverseProxy

	mu     sync.Mutex
	faults []Fault
	chaos  func() Fault
}

// NewProxy makes a proxy before the system at target. The requests that writes
// reports meet the faults.
func NewProxy(t testing.TB, target string, writes func(*http.Request) bool) *Proxy {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{writes: writes, to: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.Out.Host = u.Host
		},
		Transport: &http.Transport{DisableKeepAlives: true},
	}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// Fail has the next writes meet these faults, one each, in order.
func (p *Proxy) Fail(faults ...Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, faults...)
}

// Chaos has each write meet what choose returns, until it is called with nil.
func (p *Proxy) Chaos(choose func() Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.chaos = choose
}

func (p *Proxy) next(r *http.Request) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.faults) == 0 && p.chaos == nil || !p.writes(r) {
		return Fault{}
	}
	if len(p.faults) == 0 {
		return p.chaos()
	}
	f := p.faults[0]
	p.faults = p.faults[1:]
	return f
}

// ServeHTTP passes a request on, or not.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := p.next(r)
	if f == (Fault{}) {
		p.to.ServeHTTP(w, r)
		return
	}
	if f.Keep {
		p.to.ServeHTTP(httptest.NewRecorder(), r)
	}
	switch {
	case f.Stall:
		_, _ = io.Copy(io.Discard, r.Body) // only then a client that goes away is noticed
		<-r.Context().Done()
	case f.Status != 0 || f.Body != "":
		setIf(w.Header(), "Retry-After", f.RetryAfter)
		setIf(w.Header(), "Location", f.Location)
		w.WriteHeader(cmp.Or(f.Status, http.StatusOK))
		_, _ = io.WriteString(w, f.Body) // the client may be gone
	default:
		panic(http.ErrAbortHandler)
	}
}
