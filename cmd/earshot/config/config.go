// Package config holds the settings of the server: the struct that names
// them, their defaults, and how they are read from YAML, the environment and
// flags.
package config

import (
	"fmt"
	"net"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"earshot/transcribe/redact"
)

// Config is all settings. The koanf tags are the keys of the YAML file; each
// scalar or list key is also an environment variable: sip.tls_listen is
// EARSHOT_SIP_TLS_LISTEN. The doc tags are the text of docs/configuration.md.
type Config struct {
	Data       Data       `koanf:"data"`
	SIP        SIP        `koanf:"sip"`
	RTP        RTP        `koanf:"rtp"`
	Media      Media      `koanf:"media"`
	HTTP       HTTP       `koanf:"http"`
	Transcribe Transcribe `koanf:"transcribe"`
	LLM        LLM        `koanf:"llm"`
	Assist     Assist     `koanf:"assist"`
	Summary    Summary    `koanf:"summary"`
	Webhook    Webhook    `koanf:"webhook"`
	Calls      Calls      `koanf:"calls"`
	Directory  Directory  `koanf:"directory"`
	Bus        Bus        `koanf:"bus"`
	Store      Store      `koanf:"store"`
	Recordings Recordings `koanf:"recordings"`
	Log        Log        `koanf:"log"`
}

// Data is where everything is kept.
type Data struct {
	Dir       string `koanf:"dir" doc:"Folder of the database, the recordings and the bus."`
	ReserveMB int    `koanf:"reserve_mb" doc:"Free disk space in MiB below which new calls are refused with 503."`
}

// SIP is the signalling side.
type SIP struct {
	Listen       string        `koanf:"listen" doc:"Address of SIP over UDP and TCP."`
	TLSListen    string        `koanf:"tls_listen" doc:"Address of SIP over TLS, used when sip.tls_cert is set."`
	TLSCert      string        `koanf:"tls_cert" doc:"Certificate file (PEM) of SIP over TLS."`
	TLSKey       string        `koanf:"tls_key" doc:"Key file (PEM) of SIP over TLS."`
	TLSClientCA  string        `koanf:"tls_client_ca" doc:"CA file (PEM) that client certificates must come from."`
	Peers        []string      `koanf:"peers" doc:"Addresses and networks that may send calls; empty: loopback and private networks."`
	Trace        string        `koanf:"trace" doc:"SIP messages kept with each call: redacted (no numbers, names or metadata), full or off. Keys and credentials are never kept."`
	DrainTimeout time.Duration `koanf:"drain_timeout" doc:"How long a server that is told to stop waits for its calls to end, while new ones are refused with 503. Those that outlast it go on with the next start."`
	Advertise    string        `koanf:"advertise" doc:"Host put into Contact; empty: the local address the peer reached."`
	Policies     []Policy      `koanf:"policies" doc:"What some peers must do, see below; only in the file."`
}

// Policy is what some of the peers must do. The first that fits counts.
type Policy struct {
	Peers          []string `koanf:"peers"`
	RequireSIPREC  bool     `koanf:"require_siprec"`
	RequireTLS     bool     `koanf:"require_tls"`
	ClientNames    []string `koanf:"client_names"`
	DigestUser     string   `koanf:"digest_user"`
	DigestPassword string   `koanf:"digest_password"`
	SRTP           string   `koanf:"srtp"`
}

// RTP is the media side.
type RTP struct {
	Advertise string `koanf:"advertise" doc:"Address put into the SDP; empty: the local address the peer reached."`
	Ports     string `koanf:"ports" doc:"Range of UDP ports for RTP (even) and RTCP (odd)."`
}

// Media is what is taken of it.
type Media struct {
	SRTP string `koanf:"srtp" doc:"Encrypted media (SDES and DTLS-SRTP): allow (plain or encrypted, as offered), require or off."`
	DTMF string `koanf:"dtmf" doc:"mask: digits that callers key are neither stored nor shown: events carry no digit, in-band tones are silenced in recordings; keep: they are kept."`
}

// HTTP is the API and the page.
type HTTP struct {
	Listen    string `koanf:"listen" doc:"Address of the API and the page; loopback only while there are no accounts (earshot accounts add)."`
	PublicURL string `koanf:"public_url" doc:"URL under which the page is reached from outside; links are built from it."`
	TLSCert   string `koanf:"tls_cert" doc:"Certificate file (PEM) of HTTPS."`
	TLSKey    string `koanf:"tls_key" doc:"Key file (PEM) of HTTPS."`
}

// Transcribe is recognition.
type Transcribe struct {
	Engine     string        `koanf:"engine" doc:"moonshine (built in), openai (any OpenAI-compatible endpoint), deepgram (or what speaks its protocol) or none, see docs/engines.md."`
	Fallback   []string      `koanf:"fallback" doc:"Engines that recognise, in this order, what transcribe.engine fails at or takes too long for; without one its failures are tried again later."`
	Rules      []Rule        `koanf:"rules" doc:"Other engines for the calls of some queues or peers, see docs/engines.md; only in the file."`
	Timeout    time.Duration `koanf:"timeout" doc:"Time an engine behind the network may take for one utterance."`
	Language   string        `koanf:"language" doc:"Language spoken (ISO 639-1), for engines behind the network; empty: they find out."`
	OpenAI     OpenAI        `koanf:"openai"`
	Deepgram   Deepgram      `koanf:"deepgram"`
	Model      string        `koanf:"model" doc:"Folder of the models, also larger ones of your own, see docs/engines.md; empty: models/dist beside the program or in the working folder."`
	Vocabulary string        `koanf:"vocabulary" doc:"File of names and products (YAML) that are corrected where they were misheard, read again when it changes; empty: none."`
	Mask       []Mask        `koanf:"mask" doc:"What is masked besides cards, see docs/text.md; only in the file."`
	Workers    int           `koanf:"workers" doc:"Recognisers at work at the same time; 0: one per core. They give way to whatever receives media."`

	Partials     string        `koanf:"partials" doc:"Text of what is still being said: auto (each second, less often the longer the utterance and the more there is to do), off, or an interval such as 500ms."`
	EndSilence   time.Duration `koanf:"end_silence" doc:"How long nobody speaks before an utterance is over."`
	MaxUtterance time.Duration `koanf:"max_utterance" doc:"Longest utterance; speech that goes on is cut at its quietest moment before."`
	BacklogAge   time.Duration `koanf:"backlog_age" doc:"How long ago something may have been said that is still transcribed; what is older is given up and marked on the call. 0: no bound."`
	BacklogLimit time.Duration `koanf:"backlog_limit" doc:"How much audio may wait to be transcribed (an hour of G.711 takes 35 MB of disk); of more, the oldest calls are given up and marked. 0: no bound."`
}

// OpenAI is an OpenAI-compatible transcription endpoint.
type OpenAI struct {
	BaseURL string `koanf:"base_url" doc:"OpenAI-compatible transcription endpoint, ending in /v1."`
	APIKey  string `koanf:"api_key" doc:"Key of that endpoint; empty: none is sent."`
	Model   string `koanf:"model" doc:"Speech model to ask for."`
	Format  string `koanf:"format" doc:"verbose_json (brings a confidence) or json (for models that know no other)."`
	Prompt  string `koanf:"prompt" doc:"Names and products that are likely said; empty: none."`
}

// Deepgram is a streaming transcription endpoint.
type Deepgram struct {
	URL    string `koanf:"url" doc:"Endpoint that speaks Deepgram's streaming protocol, without a path."`
	APIKey string `koanf:"api_key" doc:"Key of that endpoint."`
	Model  string `koanf:"model" doc:"Speech model to ask for."`
}

// Rule names the engine of the calls of a queue, of some peers, or of both; the
// first that fits counts. An empty field fits all.
type Rule struct {
	// Queue is the ID of a queue of the directory.
	Queue string `koanf:"queue"`
	// Peers are addresses and networks of recording clients.
	Peers  []string `koanf:"peers"`
	Engine string   `koanf:"engine"`
	// Fallback is transcribe.fallback where it is not set.
	Fallback []string `koanf:"fallback"`
}

// engineNames are the engines that there are.
var engineNames = []string{"moonshine", "openai", "deepgram"}

// Engines returns the engines in the order in which they are asked; none if
// nothing is recognised.
func (t Transcribe) Engines() []string { return order(t.Engine, t.Fallback) }

// EnginesOf returns those of a rule.
func (t Transcribe) EnginesOf(r Rule) []string {
	if r.Fallback == nil {
		return order(r.Engine, t.Fallback)
	}
	return order(r.Engine, r.Fallback)
}

// AllEngines returns every engine that may be asked.
func (t Transcribe) AllEngines() []string {
	all := t.Engines()
	for _, r := range t.Rules {
		all = union(all, t.EnginesOf(r))
	}
	return all
}

func order(engine string, fallback []string) []string {
	if engine == "none" {
		return nil
	}
	return union([]string{engine}, fallback)
}

// union appends the names that are not there yet.
func union(names, more []string) []string {
	for _, name := range more {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// checkEngines returns an error that names the first setting of the engines
// that can't be used.
func (t Transcribe) checkEngines() error {
	if err := checkOrder("transcribe", t.Engine, t.Fallback); err != nil {
		return err
	}
	for i, r := range t.Rules {
		if err := checkOrder(fmt.Sprintf("transcribe.rules[%d]", i), r.Engine, r.Fallback); err != nil {
			return err
		}
		for _, p := range r.Peers {
			if _, err := prefix(p); err != nil {
				return fmt.Errorf("transcribe.rules[%d].peers: %q is not an address or a network", i, p)
			}
		}
	}
	if t.Timeout <= 0 {
		return fmt.Errorf("transcribe.timeout: %v is no time", t.Timeout)
	}
	all := t.AllEngines()
	if slices.Contains(all, "openai") && (t.OpenAI.BaseURL == "" || t.OpenAI.Model == "") {
		return fmt.Errorf("transcribe.openai.base_url: needed for the engine openai, with transcribe.openai.model")
	}
	if d := t.Deepgram; slices.Contains(all, "deepgram") && (d.URL == "" || d.APIKey == "" || d.Model == "") {
		return fmt.Errorf("transcribe.deepgram.api_key: needed for the engine deepgram, with transcribe.deepgram.url and model")
	}
	if t.OpenAI.Format != "verbose_json" && t.OpenAI.Format != "json" {
		return fmt.Errorf("transcribe.openai.format: %q is not verbose_json or json", t.OpenAI.Format)
	}
	return nil
}

// checkOrder returns an error if an engine or one to fall back on is none.
func checkOrder(key, engine string, fallback []string) error {
	names := strings.Join(engineNames, ", ")
	if engine != "none" && !slices.Contains(engineNames, engine) {
		return fmt.Errorf("%s.engine: %q is not one of %s, none", key, engine, names)
	}
	for _, name := range fallback {
		if !slices.Contains(engineNames, name) {
			return fmt.Errorf("%s.fallback: %q is not one of %s", key, name, names)
		}
	}
	return nil
}

// Fits reports whether a call of a queue from a peer's address is one of the
// rule's.
func (r Rule) Fits(queue string, peer netip.Addr) bool {
	if r.Queue != "" && r.Queue != queue {
		return false
	}
	return len(r.Peers) == 0 || slices.ContainsFunc(r.Peers, func(p string) bool {
		net, err := prefix(p)
		return err == nil && net.Contains(peer.Unmap())
	})
}

// prefix reads an address or a network.
func prefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr.Unmap().Prefix(addr.Unmap().BitLen())
	}
	return netip.ParsePrefix(text)
}

// PartialInterval returns how much new speech makes a partial: 0 for auto, -1
// for none.
func (t Transcribe) PartialInterval() (time.Duration, error) {
	switch t.Partials {
	case "auto":
		return 0, nil
	case "off":
		return -1, nil
	}
	d, err := time.ParseDuration(t.Partials)
	if err != nil || d < 100*time.Millisecond || d > time.Minute {
		return 0, fmt.Errorf("transcribe.partials: %q is not auto, off or an interval from 100ms to 1m", t.Partials)
	}
	return d, nil
}

func (t Transcribe) check() error {
	_, err := t.PartialInterval()
	switch {
	case err != nil:
		return err
	case t.EndSilence < 200*time.Millisecond || t.EndSilence > 5*time.Second:
		return fmt.Errorf("transcribe.end_silence: %v is not from 200ms to 5s", t.EndSilence)
	case t.MaxUtterance < 5*time.Second || t.MaxUtterance > 30*time.Second:
		return fmt.Errorf("transcribe.max_utterance: %v is not from 5s to 30s", t.MaxUtterance)
	case t.BacklogAge < 0 || t.BacklogLimit < 0:
		return fmt.Errorf("transcribe.backlog_age and transcribe.backlog_limit are 0 or more")
	}
	return nil
}

// Mask is a kind of number that is masked in what was said.
type Mask struct {
	Name   string `koanf:"name"`
	Regexp string `koanf:"regexp"`
	Label  string `koanf:"label"`
}

// Patterns returns the patterns of transcribe.mask, ready for use.
func (t Transcribe) Patterns() (*redact.Patterns, error) {
	list := make([]redact.Pattern, len(t.Mask))
	for i, m := range t.Mask {
		list[i] = redact.Pattern(m)
	}
	p, err := redact.Compile(list)
	if err != nil {
		return nil, fmt.Errorf("transcribe.mask: %w", err)
	}
	return p, nil
}

// LLM is an optional language model behind an OpenAI-compatible endpoint.
type LLM struct {
	BaseURL string        `koanf:"base_url" doc:"OpenAI-compatible endpoint, ending in /v1; empty: no language model."`
	APIKey  string        `koanf:"api_key" doc:"Key of that endpoint."`
	Model   string        `koanf:"model" doc:"Model to ask for."`
	Timeout time.Duration `koanf:"timeout" doc:"Time one answer may take."`
}

// Assist is what suggestions are made of.
type Assist struct {
	Playbook  string `koanf:"playbook" doc:"Playbook file (YAML); empty: none."`
	Knowledge string `koanf:"knowledge" doc:"Folder of knowledge articles (Markdown, HTML, text); empty: none."`
}

// Summary is what is written about a call.
type Summary struct {
	Dispositions []string `koanf:"dispositions" doc:"Outcomes that calls are given, of those in docs/summaries.md, or others as NAME: PHRASE; PHRASE. Empty: all of docs/summaries.md."`
}

// Webhook is the connector that posts notes.
type Webhook struct {
	URL     string   `koanf:"url" doc:"Where notes are posted; empty: nowhere."`
	Secrets []string `koanf:"secrets" doc:"Signing secrets (whsec_...); the first signs first, further ones are for rotation."`
}

// Calls is the life of a call.
type Calls struct {
	WrapUp          time.Duration `koanf:"wrap_up" doc:"How long an ended call waits for a further segment (transfer) before it settles."`
	SummaryDeadline time.Duration `koanf:"summary_deadline" doc:"How long after its end a call is summarised at the latest, complete or not."`
	ResumeWindow    time.Duration `koanf:"resume_window" doc:"How long after a restart a call may stay silent before it counts as interrupted."`
	MediaTimeout    time.Duration `koanf:"media_timeout" doc:"Time without any packet after which a session is ended; a session whose streams are all on hold is not."`
	PauseLimit      time.Duration `koanf:"pause_limit" doc:"How long a call may be paused before its recording goes on by itself; 0: until somebody resumes it."`
	Agents          []string      `koanf:"agents" doc:"Patterns of addresses that are agents, like 2??, 2000-2099, +4930* or *@pbx.example."`
}

// Directory is who works in the contact centre.
type Directory struct {
	File string `koanf:"file" doc:"File of agents, teams and queues (YAML or CSV), read again when it changes; empty: kept by the API and imports."`
}

// Bus is where events are published.
type Bus struct {
	URL string `koanf:"url" doc:"NATS server; empty: one inside this process."`
}

// Store is where the truth is.
type Store struct {
	URL string `koanf:"url" doc:"Empty: SQLite in data.dir."`
}

// Recordings is where recordings go.
type Recordings struct {
	URL  string `koanf:"url" doc:"Empty: files in data.dir."`
	Opus string `koanf:"opus" doc:"add: an Ogg/Opus file is made beside each WAV file after the call; off: none is."`
}

// Log is what the server says.
type Log struct {
	Level  string `koanf:"level" doc:"debug, info, warn or error."`
	Format string `koanf:"format" doc:"text or json."`
}

// Default returns the defaults, as docs/configuration.md states them.
func Default() Config {
	return Config{
		Data:  Data{Dir: "./data", ReserveMB: 512},
		SIP:   SIP{Listen: "0.0.0.0:5060", TLSListen: ":5061", Trace: "redacted"},
		RTP:   RTP{Ports: "20000-39999"},
		Media: Media{SRTP: "allow", DTMF: "mask"},
		HTTP:  HTTP{Listen: "127.0.0.1:8080"},
		Transcribe: Transcribe{
			Engine: "moonshine", Fallback: []string{"moonshine"}, Timeout: 5 * time.Second,
			OpenAI:   OpenAI{Format: "verbose_json"},
			Deepgram: Deepgram{URL: "wss://api.deepgram.com", Model: "nova-3"},
			Partials: "auto", EndSilence: 600 * time.Millisecond, MaxUtterance: 15 * time.Second,
			BacklogAge: 72 * time.Hour, BacklogLimit: 200 * time.Hour,
		},
		LLM: LLM{Timeout: 20 * time.Second},
		Calls: Calls{
			WrapUp: 30 * time.Second, SummaryDeadline: 60 * time.Second,
			ResumeWindow: 10 * time.Second, MediaTimeout: 5 * time.Minute,
		},
		Recordings: Recordings{Opus: "off"},
		Log:        Log{Level: "info", Format: "text"},
	}
}

// Check returns an error that names the first setting that can't be used.
func (c Config) Check() error {
	if c.Store.URL != "" {
		return fmt.Errorf("store.url: only SQLite under data.dir is supported, leave it empty")
	}
	if c.Recordings.URL != "" {
		return fmt.Errorf("recordings.url: only files under data.dir are supported, leave it empty")
	}
	if c.Recordings.Opus != "off" && c.Recordings.Opus != "add" {
		return fmt.Errorf("recordings.opus: %q is not off or add", c.Recordings.Opus)
	}
	if err := c.Transcribe.checkEngines(); err != nil {
		return err
	}
	if err := c.Transcribe.check(); err != nil {
		return err
	}
	if (c.SIP.TLSCert == "") != (c.SIP.TLSKey == "") || c.SIP.TLSClientCA != "" && c.SIP.TLSCert == "" {
		return fmt.Errorf("sip.tls_cert: SIP over TLS needs both sip.tls_cert and sip.tls_key")
	}
	switch c.SIP.Trace {
	case "redacted", "full", "off":
	default:
		return fmt.Errorf("sip.trace: %q is not redacted, full or off", c.SIP.Trace)
	}
	switch c.Media.SRTP {
	case "allow", "require", "off":
	default:
		return fmt.Errorf("media.srtp: %q is not allow, require or off", c.Media.SRTP)
	}
	switch c.Media.DTMF {
	case "mask", "keep":
	default:
		return fmt.Errorf("media.dtmf: %q is not mask or keep", c.Media.DTMF)
	}
	if c.SIP.DrainTimeout < 0 {
		return fmt.Errorf("sip.drain_timeout: %v is negative", c.SIP.DrainTimeout)
	}
	if c.Calls.PauseLimit < 0 {
		return fmt.Errorf("calls.pause_limit: %v is negative", c.Calls.PauseLimit)
	}
	for _, p := range c.Calls.Agents {
		if _, err := path.Match(p, ""); err != nil {
			return fmt.Errorf("calls.agents: %q is no pattern", p)
		}
	}
	if ext := strings.ToLower(path.Ext(c.Directory.File)); c.Directory.File != "" && ext != ".yaml" && ext != ".yml" && ext != ".csv" {
		return fmt.Errorf("directory.file: %q ends in neither .yaml nor .csv", c.Directory.File)
	}
	if c.LLM.BaseURL != "" && c.LLM.Model == "" {
		return fmt.Errorf("llm.model: needed when llm.base_url is set")
	}
	if c.Webhook.URL != "" && len(c.Webhook.Secrets) == 0 {
		return fmt.Errorf("webhook.secrets: needed when webhook.url is set (make one: openssl rand -base64 32, with whsec_ in front)")
	}
	for key, addr := range map[string]string{
		"sip.listen": c.SIP.Listen, "sip.tls_listen": c.SIP.TLSListen, "http.listen": c.HTTP.Listen,
	} {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return fmt.Errorf("%s: %q is not HOST:PORT", key, addr)
		}
	}
	if _, err := c.Transcribe.Patterns(); err != nil {
		return err
	}
	_, _, err := c.RTP.Range()
	return err
}

// Range returns the first and the last RTP port.
func (r RTP) Range() (from, to int, err error) {
	a, b, ok := strings.Cut(r.Ports, "-")
	from, errA := strconv.Atoi(strings.TrimSpace(a))
	to, errB := strconv.Atoi(strings.TrimSpace(b))
	if !ok || errA != nil || errB != nil || from < 1 || to > 65535 || to-from < 1 {
		return 0, 0, fmt.Errorf("rtp.ports: %q is not a range like 20000-39999", r.Ports)
	}
	return from, to, nil
}
