// Package config holds the settings of the server: the struct that names
// them, their defaults, and how they are read from YAML, the environment and
// flags.
package config

import (
	"fmt"
	"net"
	"path"
	"strconv"
	"strings"
	"time"
)

// Config is all settings. The koanf tags are the keys of the YAML file; each
// scalar or list key is also an environment variable: sip.tls_listen is
// EARSHOT_SIP_TLS_LISTEN. The doc tags are the text of docs/configuration.md.
type Config struct {
	Data           Data           `koanf:"data"`
	SIP            SIP            `koanf:"sip"`
	RTP            RTP            `koanf:"rtp"`
	Media          Media          `koanf:"media"`
	HTTP           HTTP           `koanf:"http"`
	Transcribe     Transcribe     `koanf:"transcribe"`
	LLM            LLM            `koanf:"llm"`
	Assist         Assist         `koanf:"assist"`
	Summary        Summary        `koanf:"summary"`
	CRM            CRM            `koanf:"crm"`
	Dynamics       Dynamics       `koanf:"dynamics"`
	EspoCRM        EspoCRM        `koanf:"espocrm"`
	Odoo           Odoo           `koanf:"odoo"`
	Pipedrive      Pipedrive      `koanf:"pipedrive"`
	RequestTracker RequestTracker `koanf:"request_tracker"`
	Tryton         Tryton         `koanf:"tryton"`
	Salesforce     Salesforce     `koanf:"salesforce"`
	Webhook        Webhook        `koanf:"webhook"`
	HubSpot        HubSpot        `koanf:"hubspot"`
	Zendesk        Zendesk        `koanf:"zendesk"`
	Calls          Calls          `koanf:"calls"`
	Directory      Directory      `koanf:"directory"`
	Bus            Bus            `koanf:"bus"`
	Store          Store          `koanf:"store"`
	Recordings     Recordings     `koanf:"recordings"`
	Log            Log            `koanf:"log"`
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

	TrustedProxies []string `koanf:"trusted_proxies" doc:"Addresses and networks of proxies whose X-Forwarded-For says where a request comes from, for the audit trail and the limit on sign-ins."`
	FrameAncestors []string `koanf:"frame_ancestors" doc:"Origins of pages that may show the page in a frame, such as https://crm.example."`

	OIDC OIDC `koanf:"oidc"`
}

// LLM is an optional language model behind an OpenAI-compatible endpoint.
type LLM struct {
	BaseURL string        `koanf:"base_url" doc:"OpenAI-compatible endpoint, ending in /v1; empty: no language model."`
	APIKey  string        `koanf:"api_key" doc:"Key of that endpoint."`
	Model   string        `koanf:"model" doc:"Model to ask for."`
	Timeout time.Duration `koanf:"timeout" doc:"Time one answer may take."`

	CallTokens int     `koanf:"call_tokens" doc:"Tokens that the suggestions of one call may use; 0: no limit."`
	CallCost   float64 `koanf:"call_cost" doc:"What they may cost, in the currency of the prices; 0: no limit."`
	PriceIn    float64 `koanf:"price_in" doc:"Price of a million tokens of prompts."`
	PriceOut   float64 `koanf:"price_out" doc:"Price of a million tokens of answers."`
}

func (l LLM) check() error {
	switch {
	case l.CallTokens < 0 || l.CallCost < 0 || l.PriceIn < 0 || l.PriceOut < 0:
		return fmt.Errorf("llm.call_tokens, call_cost, price_in and price_out: below zero")
	case l.CallCost > 0 && l.PriceIn == 0 && l.PriceOut == 0:
		return fmt.Errorf("llm.call_cost: needs llm.price_in or llm.price_out")
	}
	return nil
}

// Assist is what suggestions are made of.
type Assist struct {
	Playbook  string `koanf:"playbook" doc:"Playbook file (YAML); empty: none."`
	Knowledge string `koanf:"knowledge" doc:"Folder of knowledge articles (Markdown, HTML, text); empty: none."`
	Prompt    string `koanf:"prompt" doc:"File with the prompt of the language model; empty: the built-in one (docs/suggestions.md)."`

	ModelSilence time.Duration `koanf:"model_silence" doc:"How long the language model may say nothing before the article's own words are shown."`
	ModelTimeout time.Duration `koanf:"model_timeout" doc:"How long its whole answer may take."`
}

// Summary is what is written about a call.
type Summary struct {
	Dispositions []string `koanf:"dispositions" doc:"Outcomes that calls are given, of those in docs/summaries.md, or others as NAME: PHRASE; PHRASE. Empty: all of docs/summaries.md."`
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
		HTTP: HTTP{
			Listen: "127.0.0.1:8080",
			OIDC:   OIDC{Name: "single sign-on", Scopes: []string{"profile", "email"}, LoginClaim: "email"},
		},
		Transcribe: Transcribe{
			Engine: "moonshine", Fallback: []string{"moonshine"}, Timeout: 5 * time.Second,
			OpenAI:   OpenAI{Format: "verbose_json"},
			Deepgram: Deepgram{URL: "wss://api.deepgram.com", Model: "nova-3"},
			Partials: "auto", EndSilence: 600 * time.Millisecond, MaxUtterance: 15 * time.Second,
			BacklogAge: 72 * time.Hour, BacklogLimit: 200 * time.Hour,
		},
		LLM:        LLM{Timeout: 20 * time.Second, CallTokens: 100_000},
		Assist:     Assist{ModelSilence: 3 * time.Second, ModelTimeout: 8 * time.Second},
		HubSpot:    HubSpot{URL: "https://api.hubapi.com", Property: "earshot_note_id", TaskProperty: "earshot_task_key"},
		Dynamics:   Dynamics{Login: "https://login.microsoftonline.com", MaxBody: 2000},
		Salesforce: Salesforce{Audience: "https://login.salesforce.com", Company: "Unknown"},
		Calls: Calls{
			WrapUp: 30 * time.Second, SummaryDeadline: 60 * time.Second,
			ResumeWindow: 10 * time.Second, MediaTimeout: 5 * time.Minute,
		},
		RequestTracker: RequestTracker{Queue: "General"},
		Odoo:           Odoo{API: "json2", Partner: "Unknown callers"},
		Tryton:         Tryton{Party: "Unknown callers"},
		Webhook:        Webhook{Format: "standard"},
		Recordings:     Recordings{Opus: "off"},
		Log:            Log{Level: "info", Format: "text"},
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
	if err := c.HTTP.OIDC.check(); err != nil {
		return err
	}
	if err := c.checkConnectors(); err != nil {
		return err
	}
	if c.LLM.BaseURL != "" && c.LLM.Model == "" {
		return fmt.Errorf("llm.model: needed when llm.base_url is set")
	}
	if err := c.LLM.check(); err != nil {
		return err
	}
	if c.Assist.ModelSilence <= 0 || c.Assist.ModelTimeout <= 0 || c.Assist.ModelTimeout > 30*time.Second {
		return fmt.Errorf("assist.model_silence and model_timeout: not above zero, or over 30s")
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
