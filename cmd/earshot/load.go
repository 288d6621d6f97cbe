package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"earshot"
	"earshot/siprec"
)

type loadCmd struct {
	To        string        `required:"" placeholder:"sip:HOST:PORT" help:"Recording server to call; only one on this machine."`
	N         int           `short:"n" default:"100" help:"How many calls."`
	Rate      float64       `default:"600" help:"Calls begun per minute."`
	Duration  time.Duration `default:"10s" help:"Length of each call."`
	Audio     []string      `placeholder:"FILE" help:"WAV files of the parties, repeated to the call's length. Default: two tones."`
	Transport string        `enum:"udp,tcp" default:"udp" help:"udp or tcp."`
	Dialect   []string      `default:"rfc" placeholder:"NAME,..." help:"Dialects that the calls take in turn: ${dialects}."`
	API       string        `placeholder:"URL" help:"API of the server, for loss, CPU and memory. Default: http.listen of the settings."`
}

// load is what one run has measured.
type load struct {
	cmd      loadCmd
	audio    [][]int16 // of a whole call, by party
	mixed    []int16   // of all parties
	dialects []*siprec.Dialect
	client   *siprec.Client
	watch    *watch

	mu     sync.Mutex
	setups []time.Duration
	sent   int
	errs   map[string]int
	ids    map[string]bool // SIP Call-IDs of the sessions that were answered
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
	l := &load{cmd: c, errs: map[string]int{}, ids: map[string]bool{}, watch: newWatch(c, e.stdout)}
	if err := l.prepare(); err != nil {
		return err
	}
	defer closeQuietly(l.client)
	before, haveMetrics := metricsOf(e.ctx, c.API)
	began := time.Now()
	watched := l.watch.start(e.ctx, before[residentMetric])
	l.place(e.ctx)
	watched()
	took := time.Since(began)
	after, _ := metricsOf(e.ctx, c.API)
	l.print(e, took)
	if !haveMetrics {
		fmt.Fprintln(e.stdout, "The server's API is not in reach; give --api URL to see loss, CPU and memory.")
		return l.failed()
	}
	return errors.Join(l.failed(), l.printServer(e, before, after))
}

// prepare makes what all calls share.
func (l *load) prepare() error {
	for _, name := range l.cmd.Dialect {
		d, err := siprec.DialectOf(name)
		if err != nil {
			return fmt.Errorf("--dialect: %w", err)
		}
		l.dialects = append(l.dialects, d)
	}
	if err := l.loadAudio(); err != nil {
		return err
	}
	var err error
	l.client, err = siprec.NewClient(siprec.ClientConfig{Transport: l.cmd.Transport})
	return err
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
		pcm, err := readAudio(path, loadRate)
		if err != nil {
			return err
		}
		l.audio = append(l.audio, l.repeated(pcm))
	}
	for i := len(l.audio); i < 2; i++ {
		l.audio = append(l.audio, l.repeated(tone(float64(300+100*i))))
	}
	l.mixed = mix(l.audio)
	return nil
}

// loadRate is the samples per second of G.711.
const loadRate = 8000

// tone is a second of a quiet tone.
func tone(hz float64) []int16 {
	pcm := make([]int16, loadRate)
	for i := range pcm {
		pcm[i] = int16(2000 * math.Sin(2*math.Pi*hz*float64(i)/loadRate))
	}
	return pcm
}

// repeated is audio said again and again for as long as a call.
func (l *load) repeated(pcm []int16) []int16 {
	out := make([]int16, 0, earshot.PositionOf(l.cmd.Duration).Samples(loadRate))
	for len(out) < cap(out) && len(pcm) > 0 {
		out = append(out, pcm[:min(len(pcm), cap(out)-len(out))]...)
	}
	return out
}

// place begins the calls at even distances and waits for the last.
func (l *load) place(ctx context.Context) {
	var wg sync.WaitGroup
	tick := time.NewTicker(time.Duration(float64(time.Minute) / l.cmd.Rate))
	defer tick.Stop()
	for i := range l.cmd.N {
		d := l.dialects[i%len(l.dialects)]
		wg.Go(func() { l.one(ctx, d) })
		select {
		case <-tick.C:
		case <-ctx.Done():
			wg.Wait()
			return
		}
	}
	wg.Wait()
}

func (l *load) one(ctx context.Context, d *siprec.Dialect) {
	spec := callSpec{to: l.cmd.To, audio: make([]string, len(l.audio)), dialect: d}
	pcm := l.audio
	if d.Mixed {
		pcm = [][]int16{l.mixed}
	}
	a := &act{spec: spec, client: l.client, pcm: pcm, md: spec.metadata(time.Now())}
	l.watch.live.Add(1)
	l.watch.begun.Add(1)
	var result callResult
	err := a.run(ctx, &result)
	l.watch.live.Add(-1)
	if err != nil {
		l.fail(err)
	}
	if len(result.sipCallIDs) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.setups = append(l.setups, result.setup)
	for _, id := range result.sipCallIDs {
		l.ids[id] = true
	}
	l.sent += result.packets
}

func (l *load) fail(err error) {
	l.watch.failed.Add(1)
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
	fmt.Fprintf(e.stdout, "recorded %d packets of %d sent, %d are missing, the server counts %d lost\n", received, l.sent, l.sent-received, lost)
	fmt.Fprintf(e.stdout, "server CPU %.4f s per call-minute\n",
		(after["process_cpu_seconds_total"]-before["process_cpu_seconds_total"])/minutes)
	l.watch.print(before[residentMetric])
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
			if !slices.ContainsFunc(call.Segments, func(s earshot.Segment) bool { return l.ids[s.SIPCallID] }) {
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
	resp, err := ask(ctx, http.MethodGet, api+"/metrics", http.NoBody, nil)
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
