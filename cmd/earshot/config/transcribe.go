package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"earshot/transcribe/redact"
)

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
