package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"earshot/assist"
	"earshot/cmd/earshot/app"
	"earshot/cmd/earshot/config"
	"earshot/media/codec"
	"earshot/siprec"
	"earshot/transcribe/models"
	"earshot/transcribe/moonshine"
	"earshot/transcribe/vocabulary"
)

// checkTimeout bounds the look at one endpoint.
const checkTimeout = 5 * time.Second

type doctorCmd struct{}

// finding is what one check found; an empty problem means that all is well.
type finding struct {
	what, found, problem, remedy string
}

// Run prints a line for each check and fails when one of them did.
func (doctorCmd) Run(e *env) error {
	cfg, err := e.load()
	if err != nil {
		return err
	}
	bad := 0
	for _, f := range examine(e.ctx, cfg) {
		if f.problem == "" {
			fmt.Fprintf(e.stdout, "ok    %-12s %s\n", f.what, f.found)
			continue
		}
		bad++
		fmt.Fprintf(e.stdout, "WRONG %-12s %s\n      %-12s -> %s\n", f.what, f.problem, "", f.remedy)
	}
	if bad > 0 {
		return fmt.Errorf("%d of the checks failed", bad)
	}
	return nil
}

func examine(ctx context.Context, cfg config.Config) []finding {
	out := []finding{checkData(cfg), checkModels(cfg), checkCodecs()}
	if up := running(ctx, cfg); up != "" {
		out = append(out, finding{what: "ports", found: "in use by the server that is up: " + up})
	} else {
		out = append(out, checkSIP(ctx, cfg), checkTCP(ctx, "http.listen", cfg.HTTP.Listen), checkRTP(ctx, cfg))
		if cfg.SIP.TLSCert != "" {
			out = append(out, checkTCP(ctx, "sip.tls_listen", cfg.SIP.TLSListen))
		}
	}
	if cfg.LLM.BaseURL != "" {
		out = append(out, checkModelEndpoint(ctx, cfg.LLM))
	}
	if slices.Contains(cfg.Transcribe.AllEngines(), "openai") {
		out = append(out, checkSpeechEndpoint(ctx, cfg.Transcribe.OpenAI))
	}
	if slices.Contains(cfg.Transcribe.AllEngines(), "deepgram") {
		out = append(out, checkDeepgram(ctx, cfg.Transcribe))
	}
	for what, endpoint := range map[string]string{"webhook": cfg.Webhook.URL, "bus": cfg.Bus.URL} {
		if endpoint != "" {
			out = append(out, checkReachable(ctx, what, endpoint))
		}
	}
	if cfg.SIP.TLSCert != "" {
		out = append(out, checkTLS(cfg.SIP))
	}
	if cfg.HTTP.OIDC.On() {
		out = append(out, checkOpenID(ctx, cfg.HTTP.OIDC))
	}
	if cfg.Directory.File != "" {
		out = append(out, checkDirectory(cfg.Directory.File))
	}
	return append(out, checkFiles(cfg)...)
}

// certificateNotice is how long before its end a certificate is a problem.
const certificateNotice = 14 * 24 * time.Hour

func checkTLS(cfg config.SIP) finding {
	f := finding{what: "sip.tls_cert", remedy: "set sip.tls_cert and sip.tls_key to a pair that belongs together and is valid"}
	tls, err := siprec.TLSFiles{Cert: cfg.TLSCert, Key: cfg.TLSKey, ClientCA: cfg.TLSClientCA}.Load()
	if err != nil {
		f.problem = err.Error()
		return f
	}
	until := tls.Certificates[0].Leaf.NotAfter
	f.found = cfg.TLSCert + " is valid until " + until.Format(time.DateOnly)
	if time.Until(until) < certificateNotice {
		f.problem = f.found
		f.remedy = "renew the certificate: a new file is taken up without a restart"
	}
	return f
}

func checkData(cfg config.Config) finding {
	f := finding{what: "data folder", remedy: "set data.dir to a folder this user may write to"}
	if err := os.MkdirAll(cfg.Data.Dir, 0o750); err != nil {
		f.problem = err.Error()
		return f
	}
	probe, err := os.CreateTemp(cfg.Data.Dir, "doctor-")
	if err != nil {
		f.problem = err.Error()
		return f
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	var st unix.Statfs_t
	if err := unix.Statfs(cfg.Data.Dir, &st); err != nil {
		f.problem = err.Error()
		return f
	}
	free := int64(st.Bavail) * st.Bsize >> 20
	f.found = fmt.Sprintf("%s, %d MiB free", cfg.Data.Dir, free)
	if free < int64(cfg.Data.ReserveMB) {
		f.problem = fmt.Sprintf("%s has %d MiB free, data.reserve_mb keeps %d: calls are refused", cfg.Data.Dir, free, cfg.Data.ReserveMB)
		f.remedy = "free space, move data.dir or lower data.reserve_mb"
	}
	return f
}

// checkCodecs tells whether the one codec that may be missing is there.
func checkCodecs() finding {
	f := finding{what: "codecs", found: "G.711, G.722, G.729, Opus, L16"}
	if err := codec.G729(); err != nil {
		f.found = "G.711, G.722, Opus, L16; not G.729: " + err.Error()
	}
	return f
}

func checkModels(cfg config.Config) finding {
	f := finding{what: "models", remedy: "run `make setup`, or set transcribe.engine=none to record without transcripts"}
	if cfg.Transcribe.Engine == "none" {
		f.found = "not needed: transcribe.engine is none"
		return f
	}
	dir, err := models.Find(cfg.Transcribe.Model)
	if err == nil {
		err = tryModels(dir)
	}
	if err != nil {
		f.problem = err.Error()
		return f
	}
	f.found = dir + " is complete"
	return f
}

// tryModels loads what is whole.
func tryModels(dir string) error {
	if err := models.Verify(dir); err != nil {
		return err
	}
	r, err := moonshine.New(dir)
	if err != nil {
		return err
	}
	return r.Close()
}

// running returns the address of a server that uses this data folder.
func running(ctx context.Context, cfg config.Config) string {
	lock, err := os.OpenFile(app.LockFile(cfg), os.O_RDWR, 0)
	if err != nil {
		return ""
	}
	defer closeQuietly(lock)
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_SH|unix.LOCK_NB); err == nil {
		return ""
	}
	if err := httpGet(ctx, "http://"+cfg.HTTP.Listen+"/livez", ""); err != nil {
		return "it does not answer on " + cfg.HTTP.Listen
	}
	return "http://" + cfg.HTTP.Listen
}

func checkSIP(ctx context.Context, cfg config.Config) finding {
	f := checkTCP(ctx, "sip.listen", cfg.SIP.Listen)
	u, err := new(net.ListenConfig).ListenPacket(ctx, "udp", cfg.SIP.Listen)
	if err != nil {
		f.problem = err.Error()
		return f
	}
	_ = u.Close()
	return f
}

func checkTCP(ctx context.Context, key, addr string) finding {
	f := finding{what: key, found: addr + " is free", remedy: "stop what listens there or set " + key}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		f.problem = err.Error()
		return f
	}
	_ = l.Close()
	return f
}

// checkRTP tries the ports of the range and counts the pairs that are free.
func checkRTP(ctx context.Context, cfg config.Config) finding {
	f := finding{what: "rtp.ports", remedy: "set rtp.ports to a range that nothing else uses"}
	first, last, err := cfg.RTP.Range()
	if err != nil {
		f.problem = err.Error()
		return f
	}
	pairs, free := 0, 0
	for p := first + first%2; p+1 <= last; p += 2 {
		pairs++
		if udpFree(ctx, p) && udpFree(ctx, p+1) {
			free++
		}
	}
	f.found = fmt.Sprintf("%s: %d of %d port pairs are free", cfg.RTP.Ports, free, pairs)
	if free < pairs/2 || free == 0 {
		f.problem = f.found
	}
	return f
}

func udpFree(ctx context.Context, port int) bool {
	c, err := new(net.ListenConfig).ListenPacket(ctx, "udp", ":"+strconv.Itoa(port))
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

func checkModelEndpoint(ctx context.Context, cfg config.LLM) finding {
	f := finding{what: "llm", found: cfg.BaseURL + " answers", remedy: "check llm.base_url (it ends in /v1) and llm.api_key"}
	if err := httpGet(ctx, cfg.BaseURL+"/models", cfg.APIKey); err != nil {
		f.problem = err.Error()
	}
	return f
}

func checkSpeechEndpoint(ctx context.Context, cfg config.OpenAI) finding {
	f := finding{
		what: "speech", found: cfg.BaseURL + " answers",
		remedy: "check transcribe.openai.base_url (it ends in /v1) and transcribe.openai.api_key",
	}
	if err := httpGet(ctx, cfg.BaseURL+"/models", cfg.APIKey); err != nil {
		f.problem = err.Error()
	}
	return f
}

// checkDeepgram sends an instant of silence.
func checkDeepgram(ctx context.Context, cfg config.Transcribe) finding {
	f := finding{
		what: "speech", found: cfg.Deepgram.URL + " answers",
		remedy: "check transcribe.deepgram.url, api_key and model",
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if err := app.TryDeepgram(ctx, cfg); err != nil {
		f.problem = err.Error()
	}
	return f
}

// checkReachable connects and hangs up: nothing is posted.
func checkReachable(ctx context.Context, what, endpoint string) finding {
	f := finding{what: what, remedy: "check " + what + ".url and the network"}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		f.problem = what + ".url is not a URL"
		return f
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "nats": "4222", "tls": "4222"}[u.Scheme]
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		f.problem = err.Error()
		return f
	}
	_ = conn.Close()
	f.found = net.JoinHostPort(u.Hostname(), port) + " takes connections"
	return f
}

func checkFiles(cfg config.Config) []finding {
	var out []finding
	for key, path := range map[string]string{"assist.playbook": cfg.Assist.Playbook, "assist.knowledge": cfg.Assist.Knowledge} {
		if path == "" {
			continue
		}
		f := finding{what: key, found: path, remedy: "set " + key + " to what exists, or leave it empty"}
		if _, err := os.Stat(path); err != nil {
			f.problem = err.Error()
		} else if key == "assist.playbook" {
			f = checkPlaybook(path)
		}
		out = append(out, f)
	}
	if file := cfg.Transcribe.Vocabulary; file != "" {
		f := finding{what: "transcribe.vocabulary", remedy: "correct the file; until then what was known stays in use"}
		terms, err := vocabulary.ReadFile(file)
		if f.found = fmt.Sprintf("%s with %d terms", file, len(terms)); err != nil {
			f.problem = err.Error()
		}
		out = append(out, f)
	}
	return out
}

func httpGet(ctx context.Context, target, key string) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return err
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer closeQuietly(resp.Body)
	if resp.StatusCode >= http.StatusBadRequest {
		return errors.New(target + " answers " + resp.Status)
	}
	return nil
}

func checkPlaybook(path string) finding {
	f := finding{what: "assist.playbook", remedy: "correct the lines that are named (docs/playbook.md)"}
	book, err := assist.ReadPlaybook(path)
	if err != nil {
		f.problem = err.Error()
		return f
	}
	f.found = fmt.Sprintf("%s with %d rules", path, len(book.Rules))
	return f
}

func checkOpenID(ctx context.Context, cfg config.OIDC) finding {
	f := finding{
		what: "http.oidc", found: cfg.Issuer + " answers",
		remedy: "check http.oidc.issuer: it must be what the provider calls itself, to the last slash",
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	provider, err := app.NewOpenID(cfg)
	if err == nil {
		err = provider.Check(ctx)
	}
	if err != nil {
		f.problem = err.Error()
	}
	return f
}
