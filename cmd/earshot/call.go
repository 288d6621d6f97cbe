package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"earshot"
	"earshot/media/wav"
)

type callCmd struct {
	To    string   `required:"" placeholder:"sip:HOST:PORT" help:"Recording server to call."`
	Audio []string `required:"" placeholder:"FILE" help:"WAV file of one party; give it once per party. Any rate; sent at that of the codec."`
	Name  []string `placeholder:"NAME" help:"Names of the parties, in the order of --audio; one more is who a transfer goes to."`
	Role  []string `placeholder:"ROLE" help:"Roles of the parties: agent, customer or unknown. Default: agent, then customer."`
	AOR   []string `placeholder:"URI" help:"Addresses of the parties; one more is who a transfer goes to."`
	Codec string   `enum:"PCMU,PCMA,G722,G729,opus,L16" default:"PCMU" help:"PCMU, PCMA, G722, G729, opus or L16."`
	PTime int      `name:"ptime" enum:"10,20,40,60" default:"20" help:"Milliseconds of audio in a packet: 10, 20, 40 or 60."`
	Loss  float64  `placeholder:"PERCENT" help:"Lose this share of the packets by chance, from 0 to 100."`
	API   string   `placeholder:"URL" help:"API of the server; its transcript, suggestions and summary are printed. Default: http.listen of the settings, if it answers."`

	Signalling signalling  `embed:""`
	Script     scriptFlags `embed:""`
}

// signalling says how a call is placed.
type signalling struct {
	Dialect        string `default:"rfc" placeholder:"NAME" help:"Whose way to write headers, SDP and metadata: ${dialects}."`
	Transport      string `enum:"udp,tcp,tls" default:"udp" help:"udp, tcp or tls."`
	TLSCA          string `name:"tls-ca" placeholder:"FILE" help:"Certificate authorities to trust, in PEM. Default: the system's."`
	TLSCert        string `name:"tls-cert" placeholder:"FILE" help:"Own certificate, in PEM, for a server that asks for one."`
	TLSKey         string `name:"tls-key" placeholder:"FILE" help:"Its key."`
	TLSInsecure    bool   `name:"tls-insecure" help:"Do not check the server's certificate."`
	SessionExpires string `placeholder:"N[:uac|uas]" help:"Ask for a session timer of N seconds; uac: this side refreshes, uas: the server does."`
	DigestUser     string `placeholder:"NAME" help:"User name for a server that asks who calls."`
	DigestPassword string `placeholder:"PASSWORD" help:"Password for it."`
	IPv6           bool   `name:"ipv6" help:"Call from ::1."`
	SRTP           string `name:"srtp" enum:"off,sdes,dtls" default:"off" help:"Encrypt the audio: off, sdes or dtls."`
	Suite          string `default:"AES_CM_128_HMAC_SHA1_80" help:"Suite to offer with sdes."`
}

// scriptFlags say what happens during a call. Times are counted from its first packet.
type scriptFlags struct {
	Hold           []string      `placeholder:"AT:FOR" help:"Hold the call at a time for a time, like 5s:2s."`
	DTMF           []string      `name:"dtmf" placeholder:"DIGITS[@AT]" help:"The last party presses keys, like 1234#@5s; at 1s unless told otherwise."`
	AddStream      time.Duration `placeholder:"AT" help:"The second party's stream comes only then."`
	Transfer       time.Duration `placeholder:"AT" help:"The first party hands the call over to another then."`
	TransferBy     string        `enum:"update,snapshot,group" default:"update" help:"How: a partial update, a snapshot with a new session, or a new recording session of the same group."`
	UpdateMetadata time.Duration `placeholder:"AT" help:"The names of the parties come only then, with a partial update."`
	LateMetadata   bool          `help:"Metadata does not come with the INVITE but with an UPDATE after it."`
}

// Run places the call and prints what came of it.
func (c callCmd) Run(e *env) error {
	spec := callSpec{to: c.To, audio: c.Audio, names: c.Name, aors: c.AOR, codec: c.Codec, ptime: c.PTime, loss: c.Loss / 100}
	if c.Loss < 0 || c.Loss > 100 {
		return fmt.Errorf("--loss %g: not from 0 to 100", c.Loss)
	}
	if err := c.Signalling.apply(&spec); err != nil {
		return err
	}
	if err := c.Script.apply(&spec); err != nil {
		return err
	}
	for _, r := range c.Role {
		role := earshot.Role(strings.ToLower(r))
		if role != earshot.RoleAgent && role != earshot.RoleCustomer && role != earshot.RoleUnknown {
			return fmt.Errorf("--role %s: not agent, customer or unknown", r)
		}
		spec.roles = append(spec.roles, role)
	}
	steps := newStepPrinter(e.stdout)
	spec.observe = steps.print
	result, err := placeCall(e.ctx, spec)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "SIP Call-ID %s: answered after %d ms, %s long\n",
		result.last(), result.setup.Milliseconds(), result.duration.Round(10*time.Millisecond))
	for _, s := range result.streams {
		fmt.Fprintf(e.stdout, "  stream %s: %s to port %d, %d packets sent\n", s.label, filepath.Base(s.audio), s.port, s.packets)
	}
	api := c.API
	if api == "" {
		cfg, err := e.load()
		if err != nil {
			return err
		}
		api = "http://" + cfg.HTTP.Listen
		if !reachable(e.ctx, api) {
			fmt.Fprintln(e.stdout, "The server's API is not in reach; give --api URL to see the transcript.")
			return nil
		}
	}
	return outcome(e, strings.TrimSuffix(api, "/"), result.last())
}

func reachable(ctx context.Context, api string) bool { return httpGet(ctx, api+"/livez", "") == nil }

// outcomePatience bounds how long the command waits for the summary.
const outcomePatience = 90 * time.Second

// outcome waits until the server has finished with the call and prints it.
func outcome(e *env, api, sipCallID string) error {
	ctx, cancel := context.WithTimeout(e.ctx, outcomePatience)
	defer cancel()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		call, err := callBySIP(ctx, api, sipCallID)
		if err != nil && !errors.Is(err, earshot.ErrNotFound) {
			return err
		}
		if err == nil && call.TranscriptComplete && call.Summary != nil && call.RecordingReady {
			return printOutcome(ctx, e, api, call)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the server has not finished the call after %s: earshot show last", outcomePatience)
		}
	}
}

func printOutcome(ctx context.Context, e *env, api string, call earshot.Call) error {
	var us struct{ Items []earshot.Utterance }
	var suggestions struct{ Items []earshot.Suggestion }
	base := api + "/api/v1/calls/" + url.PathEscape(string(call.ID))
	if err := getJSON(ctx, base+"/transcript", &us); err != nil {
		return err
	}
	if err := getJSON(ctx, base+"/suggestions", &suggestions); err != nil {
		return err
	}
	printCall(e.stdout, call, base+"/audio")
	fmt.Fprintln(e.stdout, "\nTranscript")
	for _, u := range us.Items {
		fmt.Fprintf(e.stdout, "  %s  %s: %s\n", clock(u.StartMS), speakerOf(&call, u), u.Text)
	}
	printSuggestions(e.stdout, suggestions.Items)
	printSummary(e.stdout, call.Summary)
	return nil
}

// callBySIP finds the call that a recording session belongs to.
func callBySIP(ctx context.Context, api, sipCallID string) (earshot.Call, error) {
	var list struct{ Items []earshot.Call }
	if err := getJSON(ctx, api+"/api/v1/calls?limit=100", &list); err != nil {
		return earshot.Call{}, err
	}
	for _, call := range list.Items {
		for _, seg := range call.Segments {
			if seg.SIPCallID == sipCallID {
				return call, nil
			}
		}
	}
	return earshot.Call{}, fmt.Errorf("call with SIP Call-ID %s: %w", sipCallID, earshot.ErrNotFound)
}

func getJSON(ctx context.Context, target string, v any) error {
	resp, err := ask(ctx, http.MethodGet, target, http.NoBody, nil)
	if err != nil {
		return err
	}
	defer closeQuietly(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", target, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(v)
}

// readAudio reads one party's audio at a rate.
func readAudio(path string, rate int) ([]int16, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	pcm, err := wav.ReadMono(path, rate)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return pcm, nil
}
