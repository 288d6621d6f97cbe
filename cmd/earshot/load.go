package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"earshot"
	"earshot/media"
	"earshot/siprec"
)

type loadCmd struct {
	To       string        `required:"" placeholder:"sip:HOST:PORT" help:"Recording server to call; only one on this machine."`
	N        int           `short:"n" default:"100" help:"How many calls."`
	Rate     float64       `default:"600" help:"Calls begun per minute."`
	Duration time.Duration `default:"10s" help:"Length of each call."`
	Audio    []string      `placeholder:"FILE" help:"WAV files of the parties, repeated to the call's length. Default: two tones."`
	API      string        `placeholder:"URL" help:"API of the server, for loss and CPU. Default: http.listen of the settings."`
}

// load is what one run has measured.
type load struct {
	cmd    loadCmd
	audio  [][]int16
	client *siprec.Client

	mu     sync.Mutex
	setups []time.Duration
	sent   int
	errs   map[string]int
	ids    map[string]bool // SIP Call-IDs of the calls that were answered
}

// Run places the calls and prints what it measured. It fails when a call did,
// or a packet was lost.
func (c loadCmd) Run(e *env) error {
	to, err := recordingServer(c.To, false)
	if err != nil {
		return err
	}
	if err := onThisMachine(to); err != nil {
		return err
	}
	c.To = to
	if c.API == "" {
		cfg, err := e.load()
		if err != nil {
			return err
		}
		c.API = "http://" + cfg.HTTP.Listen
	}
	l := &load{cmd: c, errs: map[string]int{}, ids: map[string]bool{}}
	if err := l.loadAudio(); err != nil {
		return err
	}
	if l.client, err = siprec.NewClient(siprec.ClientConfig{Transport: "udp"}); err != nil {
		return err
	}
	defer closeQuietly(l.client)
	before, haveMetrics := metricsOf(e.ctx, c.API)
	began := time.Now()
	l.place(e.ctx)
	took := time.Since(began)
	after, _ := metricsOf(e.ctx, c.API)
	l.print(e, took)
	if !haveMetrics {
		fmt.Fprintln(e.stdout, "The server's API is not in reach; give --api URL to see loss and CPU.")
		return l.failed()
	}
	return errors.Join(l.failed(), l.printServer(e, before, after))
}

// onThisMachine keeps a load test from hitting somebody else's server.
func onThisMachine(to string) error {
	host, _, _ := strings.Cut(strings.TrimPrefix(to, "sip:"), ";")
	if ap, err := netip.ParseAddrPort(host); err == nil && ap.Addr().IsLoopback() {
		return nil
	}
	if strings.HasPrefix(host, "localhost:") {
		return nil
	}
	return fmt.Errorf("--to %s: load is only placed on a loopback address", to)
}

func (l *load) loadAudio() error {
	for _, path := range l.cmd.Audio {
		pcm, err := readAudio(path)
		if err != nil {
			return err
		}
		l.audio = append(l.audio, pcm)
	}
	for i := len(l.audio); i < 2; i++ {
		l.audio = append(l.audio, tone(float64(300+100*i)))
	}
	return nil
}

// tone is a second of a quiet tone.
func tone(hz float64) []int16 {
	pcm := make([]int16, 8000)
	for i := range pcm {
		pcm[i] = int16(2000 * math.Sin(2*math.Pi*hz*float64(i)/8000))
	}
	return pcm
}

// place begins the calls at even distances and waits for the last.
func (l *load) place(ctx context.Context) {
	var wg sync.WaitGroup
	tick := time.NewTicker(time.Duration(float64(time.Minute) / l.cmd.Rate))
	defer tick.Stop()
	for range l.cmd.N {
		wg.Go(func() { l.one(ctx) })
		select {
		case <-tick.C:
		case <-ctx.Done():
			wg.Wait()
			return
		}
	}
	wg.Wait()
}

func (l *load) one(ctx context.Context) {
	senders, err := l.senders()
	defer func() {
		for _, s := range senders {
			closeQuietly(s)
		}
	}()
	if err != nil {
		l.fail(err)
		return
	}
	spec := callSpec{audio: make([]string, len(senders))}
	began := time.Now()
	session, err := l.client.Call(ctx, siprec.CallSpec{To: l.cmd.To, Media: spec.media(senders), Metadata: spec.metadata(began)})
	if err != nil {
		l.fail(err)
		return
	}
	setup := time.Since(began)
	if err := send(ctx, session, senders); err != nil {
		l.fail(err)
	}
	byeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), byeTimeout)
	defer cancel()
	if err := session.Bye(byeCtx); err != nil {
		l.fail(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.setups = append(l.setups, setup)
	l.ids[session.CallID()] = true
	for _, s := range senders {
		l.sent += s.Sent()
	}
}

// send sends all audio to where the answer says, at the same time.
func send(ctx context.Context, session *siprec.ClientSession, senders []*media.Sender) error {
	var wg sync.WaitGroup
	errs := make([]error, len(senders))
	for i, m := range session.Answer() {
		if m.Port == 0 || i >= len(senders) {
			continue
		}
		senders[i].SetRemote(m.Remote)
		wg.Go(func() { errs[i] = senders[i].Run(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (l *load) senders() ([]*media.Sender, error) {
	var out []*media.Sender
	for i, pcm := range l.audio {
		s, err := media.NewSender(media.SenderConfig{
			Local: netip.MustParseAddrPort("127.0.0.1:0"), Format: callSpec{}.format(), Label: strconv.Itoa(i + 1),
			Audio: &repeat{pcm: pcm, left: int(l.cmd.Duration.Seconds() * 8000)},
		})
		if err != nil {
			return out, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (l *load) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errs[err.Error()]++
}

func (l *load) failed() error {
	if len(l.errs) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d calls went wrong", l.cmd.N-len(l.setups), l.cmd.N)
}

func (l *load) print(e *env, took time.Duration) {
	slices.Sort(l.setups)
	fmt.Fprintf(e.stdout, "%d calls in %s, %d answered, %d packets sent\n", l.cmd.N, took.Round(time.Millisecond), len(l.setups), l.sent)
	fmt.Fprintf(e.stdout, "set-up p50 %s  p95 %s  p99 %s\n", percentile(l.setups, 50), percentile(l.setups, 95), percentile(l.setups, 99))
	for text, n := range l.errs {
		fmt.Fprintf(e.stdout, "%d times: %s\n", n, text)
	}
}

// printServer says what the server has of the calls and what they cost it.
func (l *load) printServer(e *env, before, after map[string]float64) error {
	received, lost, err := l.recorded(e.ctx)
	if err != nil {
		return err
	}
	minutes := float64(len(l.setups)) * l.cmd.Duration.Minutes()
	fmt.Fprintf(e.stdout, "recorded %d packets of %d sent, the server counts %d lost\n", received, l.sent, lost)
	fmt.Fprintf(e.stdout, "server CPU %.4f s per call-minute, resident %.1f MiB\n",
		(after["process_cpu_seconds_total"]-before["process_cpu_seconds_total"])/minutes, after["process_resident_memory_bytes"]/(1<<20))
	if received != l.sent {
		return fmt.Errorf("%d packets are not in the recordings", l.sent-received)
	}
	return nil
}

// recorded sums up the streams of our calls.
func (l *load) recorded(ctx context.Context) (received, lost int, err error) {
	next := ""
	for {
		var page struct {
			Items []earshot.Call
			Next  string
		}
		if err := getJSON(ctx, l.cmd.API+"/api/v1/calls?limit=200&cursor="+next, &page); err != nil {
			return 0, 0, err
		}
		for _, call := range page.Items {
			if len(call.Segments) == 0 || !l.ids[call.Segments[0].SIPCallID] {
				continue
			}
			for _, s := range call.Streams {
				received += int(s.PacketsReceived)
				lost += int(s.PacketsLost)
			}
		}
		if next = page.Next; next == "" {
			return received, lost, nil
		}
	}
}

func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*p/100)].Round(10 * time.Microsecond)
}

// metricsOf reads the plain numbers of /metrics.
func metricsOf(ctx context.Context, api string) (map[string]float64, bool) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api+"/metrics", http.NoBody)
	if err != nil {
		return nil, false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, false
	}
	defer closeQuietly(resp.Body)
	out := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			out[name] = n
		}
	}
	return out, resp.StatusCode == http.StatusOK
}

// repeat is audio said again and again.
type repeat struct {
	pcm  []int16
	at   int
	left int
}

func (r *repeat) Read(pcm []int16) (int, error) {
	n := 0
	for n < len(pcm) && r.left > 0 {
		k := copy(pcm[n:], r.pcm[r.at:min(len(r.pcm), r.at+r.left)])
		r.at, r.left, n = (r.at+k)%len(r.pcm), r.left-k, n+k
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
