package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "earshot.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDefaultsNeedNothing(t *testing.T) {
	cfg, err := Load("", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(cfg, Default()) {
		t.Errorf("Load without sources = %+v", cfg)
	}
	if cfg.SIP.Listen != "0.0.0.0:5060" || cfg.HTTP.Listen != "127.0.0.1:8080" || cfg.Data.Dir != "./data" ||
		cfg.RTP.Ports != "20000-39999" || cfg.Transcribe.Engine != "moonshine" {
		t.Errorf("a documented default changed: %+v", cfg)
	}
}

func TestFlagsWinOverEnvironmentOverFile(t *testing.T) {
	file := write(t, "sip:\n  listen: 127.0.0.1:1\n  peers: [10.0.0.1]\nhttp:\n  listen: 127.0.0.1:2\nrtp:\n  ports: 1000-1999\n")
	cfg, err := Load(file,
		[]string{
			"EARSHOT_SIP_LISTEN=127.0.0.1:3", "EARSHOT_HTTP_LISTEN=127.0.0.1:4", "EARSHOT_CALLS_WRAP_UP=7s",
			"EARSHOT_CALLS_AGENTS=2??, *@pbx.example", "EARSHOT_DATA_RESERVE_MB=5", "PATH=/bin",
		},
		[]string{"sip.listen=127.0.0.1:5"})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.SIP.Listen != "127.0.0.1:5" || cfg.HTTP.Listen != "127.0.0.1:4" || cfg.RTP.Ports != "1000-1999" {
		t.Errorf("order of sources: %+v %+v %+v", cfg.SIP, cfg.HTTP, cfg.RTP)
	}
	if cfg.Calls.WrapUp != 7*time.Second || cfg.Data.ReserveMB != 5 {
		t.Errorf("typed values: %v %v", cfg.Calls.WrapUp, cfg.Data.ReserveMB)
	}
	if want := []string{"2??", "*@pbx.example"}; !reflect.DeepEqual(cfg.Calls.Agents, want) {
		t.Errorf("agents = %q", cfg.Calls.Agents)
	}
	if want := []string{"10.0.0.1"}; !reflect.DeepEqual(cfg.SIP.Peers, want) {
		t.Errorf("peers = %q", cfg.SIP.Peers)
	}
}

func TestEveryKeyHasItsOwnVariableAndText(t *testing.T) {
	seen := map[string]string{}
	for _, k := range Keys() {
		if other := seen[k.Env]; other != "" && k.Env != "" {
			t.Errorf("%s and %s share %s", k.Name, other, k.Env)
		}
		seen[k.Env] = k.Name
		if k.Doc == "" {
			t.Errorf("%s has no text", k.Name)
		}
	}
	for _, name := range []string{"EARSHOT_SIP_TLS_LISTEN", "EARSHOT_LLM_BASE_URL", "EARSHOT_HTTP_PUBLIC_URL", "EARSHOT_RTP_ADVERTISE"} {
		if seen[name] == "" {
			t.Errorf("%s names no setting", name)
		}
	}
}

func TestBadSettingsAreNamed(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		env, sets  []string
		want       string
	}{
		{name: "unknown variable", env: []string{"EARSHOT_SIP_LISTN=x"}, want: "EARSHOT_SIP_LISTN"},
		{name: "unknown key", file: "sip:\n  listn: x\n", want: "listn"},
		{name: "unknown flag", sets: []string{"nosuch=1"}, want: "nosuch"},
		{name: "flag without value", sets: []string{"sip.listen"}, want: "sip.listen"},
		{name: "not YAML", file: "sip: [\n", want: "parse configuration"},
		{name: "postgres", env: []string{"EARSHOT_STORE_URL=postgres://x"}, want: "store.url"},
		{name: "s3", env: []string{"EARSHOT_RECORDINGS_URL=s3://x"}, want: "recordings.url"},
		{name: "engine", env: []string{"EARSHOT_TRANSCRIBE_ENGINE=magic"}, want: "transcribe.engine"},
		{name: "engine without endpoint", env: []string{"EARSHOT_TRANSCRIBE_ENGINE=openai"}, want: "transcribe.openai.base_url"},
		{name: "engine without key", env: []string{"EARSHOT_TRANSCRIBE_ENGINE=deepgram"}, want: "transcribe.deepgram.api_key"},
		{name: "rule", file: "transcribe:\n  rules:\n  - {queue: a, engine: magic}\n", want: "transcribe.rules[0].engine"},
		{name: "fallback of a rule", file: "transcribe:\n  rules:\n  - {engine: none}\n  - {engine: moonshine, fallback: [none]}\n", want: "transcribe.rules[1].fallback"},
		{name: "peers of a rule", file: "transcribe:\n  rules:\n  - {peers: [sbc], engine: none}\n", want: "transcribe.rules[0].peers"},
		{name: "engine of a rule", file: "transcribe:\n  rules:\n  - {queue: a, engine: deepgram}\n", want: "transcribe.deepgram.api_key"},
		{name: "rules in the environment", env: []string{"EARSHOT_TRANSCRIBE_RULES=x"}, want: "EARSHOT_TRANSCRIBE_RULES"},
		{name: "fallback", env: []string{"EARSHOT_TRANSCRIBE_FALLBACK=none"}, want: "transcribe.fallback"},
		{name: "timeout of engines", env: []string{"EARSHOT_TRANSCRIBE_TIMEOUT=0s"}, want: "transcribe.timeout"},
		{name: "format of transcriptions", env: []string{"EARSHOT_TRANSCRIBE_OPENAI_FORMAT=srt"}, want: "transcribe.openai.format"},
		{name: "ports", env: []string{"EARSHOT_RTP_PORTS=5-1"}, want: "rtp.ports"},
		{name: "trace", env: []string{"EARSHOT_SIP_TRACE=some"}, want: "sip.trace"},
		{name: "drain", env: []string{"EARSHOT_SIP_DRAIN_TIMEOUT=-1s"}, want: "sip.drain_timeout"},
		{name: "listen", env: []string{"EARSHOT_HTTP_LISTEN=8080"}, want: "http.listen"},
		{name: "cost without prices", env: []string{"EARSHOT_LLM_CALL_COST=0.1"}, want: "llm.price_in"},
		{name: "tokens", env: []string{"EARSHOT_LLM_CALL_TOKENS=-1"}, want: "llm.call_tokens"},
		{name: "patience", env: []string{"EARSHOT_ASSIST_MODEL_TIMEOUT=1m"}, want: "assist.model_silence"},
		{name: "model", env: []string{"EARSHOT_LLM_BASE_URL=http://127.0.0.1:1/v1"}, want: "llm.model"},
		{name: "pattern", env: []string{"EARSHOT_CALLS_AGENTS=2[0"}, want: "calls.agents"},
		{name: "directory", env: []string{"EARSHOT_DIRECTORY_FILE=people.txt"}, want: "directory.file"},
		{name: "webhook", env: []string{"EARSHOT_WEBHOOK_URL=http://127.0.0.1:1"}, want: "webhook.secrets"},
		{name: "webhook format", sets: []string{"webhook.format=xml"}, want: "webhook.format"},
		{name: "webhook events", sets: []string{"webhook.events=call.started,call.begun"}, want: "call.begun"},
		{name: "espocrm", sets: []string{"espocrm.url=https://espo.example"}, want: "espocrm.key"},
		{name: "odoo", sets: []string{"odoo.url=https://odoo.example", "odoo.key=k", "odoo.database=d", "odoo.api=jsonrpc"}, want: "odoo.user"},
		{name: "pipedrive", sets: []string{"pipedrive.url=https://acme.pipedrive.com"}, want: "pipedrive.token"},
		{name: "zendesk", sets: []string{"zendesk.url=https://acme.zendesk.com", "zendesk.token=t"}, want: "zendesk.user"},
		{name: "request tracker", sets: []string{"request_tracker.url=https://rt.example"}, want: "request_tracker.token"},
		{name: "tryton", sets: []string{"tryton.url=https://tryton.example", "tryton.user=x"}, want: "tryton.database"},
		{name: "crm region", sets: []string{"crm.region=Germany"}, want: "crm.region"},
		{name: "TLS", env: []string{"EARSHOT_SIP_TLS_CERT=a.pem"}, want: "sip.tls_key"},
		{name: "policies in the environment", env: []string{"EARSHOT_SIP_POLICIES=x"}, want: "EARSHOT_SIP_POLICIES"},
		{name: "unknown key of a policy", file: "sip:\n  policies:\n  - tls: true\n", want: "tls"},
		{name: "pattern to mask", file: "transcribe:\n  mask:\n  - {name: ssn, regexp: '(\\d'}\n", want: "transcribe.mask: pattern ssn: error parsing regexp"},
		{name: "masks in the environment", env: []string{"EARSHOT_TRANSCRIBE_MASK=x"}, want: "EARSHOT_TRANSCRIBE_MASK"},
		{name: "number", env: []string{"EARSHOT_DATA_RESERVE_MB=lots"}, want: "reserve_mb"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := ""
			if tc.file != "" {
				file = write(t, tc.file)
			}
			_, err := Load(file, tc.env, tc.sets)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error = %v, want one that names %s", err, tc.want)
			}
		})
	}
}

// TestEngines: the order in which engines are asked, and that there may be none
// to fall back on.
func TestEngines(t *testing.T) {
	endpoint := []string{"EARSHOT_TRANSCRIBE_OPENAI_BASE_URL=http://127.0.0.1:1/v1", "EARSHOT_TRANSCRIBE_OPENAI_MODEL=m"}
	for _, tc := range []struct {
		file string
		env  []string
		want []string
	}{
		{want: []string{"moonshine"}},
		{env: []string{"EARSHOT_TRANSCRIBE_ENGINE=none"}},
		{env: []string{"EARSHOT_TRANSCRIBE_ENGINE=openai"}, want: []string{"openai", "moonshine"}},
		{env: []string{"EARSHOT_TRANSCRIBE_ENGINE=deepgram", "EARSHOT_TRANSCRIBE_DEEPGRAM_API_KEY=k"}, want: []string{"deepgram", "moonshine"}},
		{env: []string{"EARSHOT_TRANSCRIBE_FALLBACK=openai"}, want: []string{"moonshine", "openai"}},
		{file: "transcribe:\n  engine: openai\n  fallback: []\n", want: []string{"openai"}},
		{env: []string{"EARSHOT_TRANSCRIBE_ENGINE=openai", "EARSHOT_TRANSCRIBE_FALLBACK="}, want: []string{"openai"}},
	} {
		file := ""
		if tc.file != "" {
			file = write(t, tc.file)
		}
		cfg, err := Load(file, append(tc.env, endpoint...), nil)
		if err != nil || !reflect.DeepEqual(cfg.Transcribe.Engines(), tc.want) {
			t.Errorf("%s %s: %v, %v", tc.file, tc.env, cfg.Transcribe.Engines(), err)
		}
	}
}

func TestPoliciesComeFromTheFile(t *testing.T) {
	cfg, err := Load(write(t, `
sip:
  policies:
  - peers: [192.0.2.0/24]
    require_tls: true
    client_names: ["*.sbc.example"]
  - require_siprec: true
    digest_user: sbc
    digest_password: quay
    srtp: require
`), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []Policy{
		{Peers: []string{"192.0.2.0/24"}, RequireTLS: true, ClientNames: []string{"*.sbc.example"}},
		{RequireSIPREC: true, DigestUser: "sbc", DigestPassword: "quay", SRTP: "require"},
	}
	if !reflect.DeepEqual(cfg.SIP.Policies, want) {
		t.Errorf("policies %+v", cfg.SIP.Policies)
	}
}

func TestRange(t *testing.T) {
	from, to, err := RTP{Ports: "20000-39999"}.Range()
	if err != nil || from != 20000 || to != 39999 {
		t.Errorf("Range = %d %d %v", from, to, err)
	}
}

// TestRules: which engines are asked for whose calls.
func TestRules(t *testing.T) {
	cfg, err := Load(write(t, `transcribe:
  engine: moonshine
  deepgram: {api_key: k}
  openai: {base_url: "http://127.0.0.1:1/v1", model: m}
  rules:
  - {queue: sales, peers: [10.1.0.0/16, "2001:db8::1"], engine: deepgram}
  - {queue: sales, engine: openai, fallback: []}
  - {peers: [10.1.2.3], engine: none}
`), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	set := cfg.Transcribe
	if want := []string{"moonshine", "deepgram", "openai"}; !reflect.DeepEqual(set.AllEngines(), want) {
		t.Errorf("engines %v", set.AllEngines())
	}
	for _, c := range []struct {
		queue, peer string
		want        []string
	}{
		{"sales", "10.1.9.9", []string{"deepgram", "moonshine"}},
		{"sales", "::ffff:10.1.9.9", []string{"deepgram", "moonshine"}},
		{"sales", "2001:db8::1", []string{"deepgram", "moonshine"}},
		{"sales", "10.2.0.1", []string{"openai"}},
		{"", "10.1.2.3", nil},
		{"support", "10.1.2.4", []string{"moonshine"}},
	} {
		got := set.Engines()
		for _, r := range set.Rules {
			if r.Fits(c.queue, netip.MustParseAddr(c.peer)) {
				got = set.EnginesOf(r)
				break
			}
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("queue %q, peer %s: %v, want %v", c.queue, c.peer, got, c.want)
		}
	}
	if set.Rules[0].Fits("sales", netip.Addr{}) {
		t.Error("a peer that is not known fits")
	}
}
