package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"earshot"
	"earshot/cmd/earshot/app"
	"earshot/cmd/earshot/config"
	"earshot/measure"
	"earshot/store/sqlite"
	"earshot/web/export"
)

var defaultLog = config.Default().Log

// reader opens the store beside a server that may be running on it.
func (e *env) reader() (*sqlite.Store, config.Config, error) {
	cfg, err := e.load()
	if err != nil {
		return nil, cfg, err
	}
	if _, err := os.Stat(app.Database(cfg)); err != nil {
		return nil, cfg, fmt.Errorf("%s has no calls yet: start `earshot serve` there or set data.dir", cfg.Data.Dir)
	}
	store, err := sqlite.OpenReadOnly(e.ctx, app.Database(cfg))
	return store, cfg, err
}

// writer opens the store to change it, beside a server that may be running on
// it; it makes one where there is none.
func (e *env) writer() (*sqlite.Store, error) {
	cfg, err := e.load()
	if err != nil {
		return nil, err
	}
	log, err := logger(cfg.Log, e.stderr)
	if err != nil {
		return nil, err
	}
	return sqlite.Open(e.ctx, app.Database(cfg), log)
}

type searchCmd struct {
	Words []string `arg:"" help:"Words that were said; \"a phrase\" in quotes, pre* for beginnings."`
	Limit int      `default:"20" help:"How many hits at the most."`
	Rank  bool     `help:"Best match first, not newest first."`
}

func (c searchCmd) Run(e *env) error {
	store, _, err := e.reader()
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	hits, _, err := store.Search(e.ctx, sqlite.SearchQuery{Text: strings.Join(c.Words, " "), Rank: c.Rank, Limit: c.Limit})
	if err != nil {
		return err
	}
	if len(hits) == 0 {
		return fmt.Errorf("nobody said %q", strings.Join(c.Words, " "))
	}
	for _, h := range hits {
		fmt.Fprintf(e.stdout, "%s  %s  %s  %s: %s\n", h.Utterance.CallID, h.CallStartedAt.Local().Format(time.DateTime),
			clock(h.Utterance.StartMS), speakerName(h.Speaker, h.Utterance.Role), h.Utterance.Text)
	}
	return nil
}

type showCmd struct {
	Call string `arg:"" help:"ID of the call, or \"last\"."`
	SIP  bool   `name:"sip" help:"The SIP messages as a ladder diagram."`
	revisionChoice
}

func (c showCmd) Run(e *env) error {
	store, cfg, err := e.reader()
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	call, err := findCall(e.ctx, store, c.Call)
	if err != nil {
		return err
	}
	if c.SIP {
		messages, err := store.SIPMessages(e.ctx, call.ID)
		if err != nil {
			return err
		}
		return export.Ladder(e.stdout, call.ID, messages)
	}
	return show(e, store, cfg, call, c.revisionChoice)
}

// revisionChoice says which transcript of a call is meant.
type revisionChoice struct {
	Revision *int `placeholder:"N" help:"An earlier transcript of a call that was transcribed again, 0 for the first."`
}

func (c revisionChoice) read(ctx context.Context, store *sqlite.Store, call earshot.Call) ([]earshot.Utterance, error) {
	switch {
	case c.Revision == nil || *c.Revision == call.TranscriptRevision:
		return store.Utterances(ctx, call.ID)
	case *c.Revision < 0 || *c.Revision > call.TranscriptRevision:
		return nil, fmt.Errorf("call %s has no transcript %d: the newest is %d", call.ID, *c.Revision, call.TranscriptRevision)
	}
	return store.EarlierTranscript(ctx, call.ID, *c.Revision)
}

func show(e *env, store *sqlite.Store, cfg config.Config, call earshot.Call, which revisionChoice) error {
	us, err := which.read(e.ctx, store, call)
	if err != nil {
		return err
	}
	suggestions, err := store.Suggestions(e.ctx, call.ID)
	if err != nil {
		return err
	}
	deliveries, err := store.Deliveries(e.ctx, call.ID)
	if err != nil {
		return err
	}
	w := e.stdout
	printCall(w, call, app.RecordingFile(cfg, call.ID))
	fmt.Fprintf(w, "\nTranscript%s\n", revisionOf(us))
	for _, u := range earshot.JoinContinued(us) {
		fmt.Fprintf(w, "  %s  %s: %s\n", clock(u.StartMS), speakerOf(&call, u), u.Text)
	}
	printSuggestions(w, suggestions)
	printSummary(w, call.Summary)
	if which.Revision == nil {
		measures := measure.Of(&call, call.SureRoles(us), time.Now())
		printMeasures(w, &call, &measures)
	}
	for _, d := range deliveries {
		fmt.Fprintf(w, "\nNote to %s, revision %d: %s (%d attempts) %s\n", d.Connector, d.Revision, d.State, d.Attempts, d.Error)
	}
	return nil
}

// revisionOf tells which transcript it is, unless it is the first.
func revisionOf(us []earshot.Utterance) string {
	if len(us) == 0 || us[0].Revision == 0 {
		return ""
	}
	return fmt.Sprintf(", revision %d", us[0].Revision)
}

func printCall(w io.Writer, call earshot.Call, file string) {
	fmt.Fprintf(w, "Call %s, %s, %s, began %s, %s long\n", call.ID, call.State, call.Direction,
		call.StartedAt.Local().Format(time.DateTime), call.Duration(time.Now()).Round(time.Second))
	for _, p := range call.Participants {
		fmt.Fprintf(w, "  %s (%s) %s\n", speakerName(p.Name, p.Role), p.Role, p.AOR)
	}
	for _, s := range call.Streams {
		fmt.Fprintf(w, "  stream %s: %s, %d packets, %d lost, jitter %.1f ms%s\n", s.Label, s.Codec,
			s.PacketsReceived, s.PacketsLost, s.JitterMS, opinion(s.Quality))
	}
	for i := range call.Matches {
		fmt.Fprintf(w, "  in %s: %s\n", call.Matches[i].Connector, contactOf(&call.Matches[i], false))
	}
	for _, p := range call.Problems {
		fmt.Fprintf(w, "  problem: %s\n", p)
	}
	printMarks(w, &call)
	if call.RecordingReady {
		fmt.Fprintf(w, "  recording %s\n", file)
	}
}

// opinion tells the MOS of a stream and by what it was estimated.
func opinion(q *earshot.Quality) string {
	if q == nil || q.MOS == nil {
		return ""
	}
	return fmt.Sprintf(", MOS %.1f (%s, worst 10 s %.1f)", *q.MOS, q.Model, *q.MOSWorst)
}

func printSuggestions(w io.Writer, list []earshot.Suggestion) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintln(w, "\nSuggestions")
	for _, s := range list {
		printSuggestion(w, s)
	}
}

func printSuggestion(w io.Writer, s earshot.Suggestion) {
	source := ""
	if s.Source != nil {
		source = fmt.Sprintf(" [%s: %s]", s.Source.Article, s.Source.Heading)
	}
	text := s.Title
	if s.Text != "" {
		text += ": " + s.Text
	}
	if s.SpeakerUnsure {
		source += " (perhaps not the customer's words)"
	}
	if s.Fallback != "" {
		source += " (in the article's words: " + s.Fallback + ")"
	}
	if s.Feedback != nil {
		source += fmt.Sprintf(" (%s, says %s)", s.Feedback.Verdict, s.Feedback.By)
	}
	fmt.Fprintf(w, "  %s  [%s] %s%s\n", clock(s.AtMS), s.Kind, text, source)
	if s.Reply != "" {
		fmt.Fprintf(w, "           say: %s\n", s.Reply)
	}
}

func printSummary(w io.Writer, s *earshot.Summary) {
	if s == nil {
		return
	}
	fmt.Fprintf(w, "\nSummary (%s", s.By)
	if s.Incomplete {
		fmt.Fprint(w, ", transcript not complete")
	}
	if s.RolesUnsure {
		fmt.Fprint(w, ", who is the agent is not sure")
	}
	fmt.Fprintf(w, ")\n  %s\n  Reason: %s\n", s.Text, s.Reason)
	for _, f := range s.Facts {
		fmt.Fprintf(w, "  %s  %s: %s\n", clock(f.AtMS), f.Kind, f.Value)
	}
	for _, a := range s.Actions {
		fmt.Fprintf(w, "  %s  promised by %s: %s\n", clock(a.AtMS), a.Owner, a.Text)
	}
	for _, q := range s.OpenQuestions {
		fmt.Fprintf(w, "  %s  not answered: %s\n", clock(q.AtMS), q.Text)
	}
	if s.Disposition != "" {
		fmt.Fprintf(w, "  Outcome: %s\n", s.Disposition)
	}
}

type exportCmd struct {
	Call   string `arg:"" help:"ID of the call, or \"last\"."`
	Format string `enum:"text,srt,vtt,json,wav,ogg" default:"text" help:"text, srt, vtt or json; wav or ogg: the recording."`
	audioChoice
	revisionChoice
}

func (c exportCmd) Run(e *env) error {
	if err := c.check(c.Format); err != nil {
		return err
	}
	store, cfg, err := e.reader()
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	call, err := findCall(e.ctx, store, c.Call)
	if err != nil {
		return err
	}
	if c.Format == "wav" || c.Format == "ogg" {
		return c.write(e.stdout, cfg, &call, c.Format)
	}
	us, err := c.read(e.ctx, store, call)
	if err != nil {
		return err
	}
	return export.Write(e.stdout, export.Format(c.Format), call, us)
}

// findCall returns the call with an ID, or the newest for "last".
func findCall(ctx context.Context, store *sqlite.Store, id string) (earshot.Call, error) {
	if id == "last" {
		list, _, err := store.Calls(ctx, sqlite.CallQuery{Limit: 1})
		if err != nil {
			return earshot.Call{}, err
		}
		if len(list) == 0 {
			return earshot.Call{}, errors.New("there are no calls yet")
		}
		return list[0], nil
	}
	call, err := store.Call(ctx, earshot.CallID(id))
	if errors.Is(err, earshot.ErrNotFound) {
		return call, fmt.Errorf("no call %s: `earshot show last` shows the newest", id)
	}
	return call, err
}

// clock writes milliseconds as minutes and seconds.
func clock(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	return fmt.Sprintf("%02d:%04.1f", int(d.Minutes()), (d % time.Minute).Seconds())
}

func speakerName(name string, role earshot.Role) string {
	if name != "" {
		return name
	}
	return string(role)
}

func speakerOf(call *earshot.Call, u earshot.Utterance) string {
	if p := call.Participant(u.ParticipantID); p != nil {
		return speakerName(p.Name, p.Role)
	}
	return string(u.Role)
}

func closeQuietly(c io.Closer) { _ = c.Close() }
