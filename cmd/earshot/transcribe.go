package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"earshot"
	"earshot/cmd/earshot/app"
	"earshot/cmd/earshot/config"
	"earshot/media/resample"
	"earshot/media/wav"
	"earshot/store/sqlite"
)

// importedTag is the tag of calls that came from files.
const importedTag = "imported"

type transcribeCmd struct {
	File   string   `arg:"" optional:"" name:"file|call" help:"Recording as 16-bit WAV, any rate, a channel for each party; or the ID of a call, or \"last\": a running server transcribes it again."`
	Engine string   `placeholder:"NAME" help:"Engine to ask. Default: for a file moonshine, for a call those of the server's settings."`
	Print  bool     `help:"Only print the text; store nothing."`
	Name   []string `placeholder:"NAME" help:"Names of the parties, in the order of the channels."`
	Role   []string `placeholder:"ROLE" help:"Their roles: agent, customer or unknown. Default: unknown."`
	At     string   `placeholder:"TIME" help:"When the call began, like 2024-05-01T14:30:00Z. Default: the time of the file."`
	againFlags
}

// Run recognises a recording with the settings of live recognition. Unless it
// is only to be printed, it becomes a call that is found, shown and exported
// like others, also beside a running server. Ended early, it leaves nothing
// behind. A call that is there already is for the server to recognise again.
func (c transcribeCmd) Run(e *env) error {
	if (c.File == "") != c.All {
		return errors.New("give a file, the ID of a call, or --all")
	}
	_, err := os.Stat(c.File)
	switch {
	case c.All:
		return c.everything(e, c.Engine)
	case !errors.Is(err, fs.ErrNotExist):
	case c.Print:
		if c, err = c.recorded(e); err != nil {
			return err
		}
	case strings.ContainsAny(c.File, "./"):
		return fmt.Errorf("%s: no such file", c.File)
	default:
		return c.again(e, c.File, c.Engine)
	}
	return c.file(e)
}

// file recognises a file.
func (c transcribeCmd) file(e *env) error {
	cfg, err := e.load()
	if err != nil {
		return err
	}
	log, err := logger(cfg.Log, e.stderr)
	if err != nil {
		return err
	}
	f, err := openSound(c.File)
	if err != nil {
		return err
	}
	call, err := c.call(f)
	if err != nil {
		return err
	}
	sounds := make([]app.Sound, len(f.channels))
	for i, pcm := range f.channels {
		sounds[i] = app.Sound{StreamID: call.Streams[i].ID, PCM: pcm, Hertz: f.rate}
	}
	bar := newProgressBar(e.stderr, "transcribing "+filepath.Base(c.File))
	us, missed, err := app.Batch{Config: cfg, Log: log, CallID: call.ID, Names: c.Name, Engine: c.Engine, Progress: bar.show}.Run(e.ctx, sounds)
	bar.end()
	if err != nil {
		return fmt.Errorf("transcribe %s: %w", c.File, err)
	}
	attribute(call, us)
	if missed > 0 {
		call.Problems = append(call.Problems, fmt.Sprintf("transcript: %d parts could not be recognised", missed))
		fmt.Fprintf(e.stderr, "%d parts could not be recognised and have no text\n", missed)
	}
	if !c.Print {
		if err := importCall(e, cfg, log, call, us, f); err != nil {
			return fmt.Errorf("import %s: %w", c.File, err)
		}
		fmt.Fprintf(e.stdout, "call %s: %d utterances of %s\n", call.ID, len(us), c.File)
		return nil
	}
	for _, u := range earshot.JoinContinued(us) {
		fmt.Fprintf(e.stdout, "%s  %s: %s\n", clock(u.StartMS), speakerOf(call, u), u.Text)
	}
	return nil
}

// recorded returns the command for the recording of a call.
func (c transcribeCmd) recorded(e *env) (transcribeCmd, error) {
	store, cfg, err := e.reader()
	if err != nil {
		return c, err
	}
	defer closeQuietly(store)
	call, err := findCall(e.ctx, store, c.File)
	if err != nil {
		return c, err
	}
	if !call.RecordingReady {
		return c, fmt.Errorf("call %s has no recording yet", call.ID)
	}
	channels := 0
	for _, s := range call.Streams {
		channels = max(channels, s.Channel+1)
	}
	c.File, c.Name, c.Role = app.RecordingFile(cfg, call.ID), make([]string, channels), make([]string, channels)
	for _, s := range call.Streams {
		if s.Redundant() {
			continue
		}
		c.Role[s.Channel] = string(earshot.RoleUnknown)
		if p := call.Speaker(s.ID); p != nil {
			c.Name[s.Channel], c.Role[s.Channel] = p.Name, string(p.Role)
		}
	}
	return c, nil
}

// soundFile is a recording that is read.
type soundFile struct {
	channels [][]int16
	rate     int
	modified time.Time
}

func (f *soundFile) length() time.Duration {
	return earshot.At(int64(len(f.channels[0])), f.rate).Duration()
}

// openSound reads a WAV file. A rate that is not one of telephony becomes
// 16,000 samples per second.
func openSound(path string) (*soundFile, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer closeQuietly(in)
	info, err := in.Stat()
	if err != nil {
		return nil, err
	}
	r, err := wav.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	out := &soundFile{rate: r.Rate, modified: info.ModTime()}
	if out.channels, err = r.ReadAll(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	shortest := len(out.channels[len(out.channels)-1]) // a last frame may be cut short
	if shortest == 0 {
		return nil, fmt.Errorf("%s: no samples in it", path)
	}
	switch out.rate {
	case 8000, 12000, 16000, 24000, 48000:
	default:
		out.rate = 16000
	}
	for i, pcm := range out.channels {
		out.channels[i] = resample.All(pcm[:shortest], r.Rate, out.rate)
	}
	return out, nil
}

// call describes the recording as a call that is over.
func (c transcribeCmd) call(f *soundFile) (*earshot.Call, error) {
	n := len(f.channels)
	if len(c.Name) > n || len(c.Role) > n {
		return nil, fmt.Errorf("%s has %d channels: more names or roles than that were given", c.File, n)
	}
	began := f.modified.Add(-f.length())
	if c.At != "" {
		var err error
		if began, err = time.Parse(time.RFC3339, c.At); err != nil {
			return nil, fmt.Errorf("--at: %w", err)
		}
	}
	began = began.UTC().Truncate(time.Millisecond)
	ended := began.Add(f.length())
	call := &earshot.Call{
		ID: earshot.NewCallID(), State: earshot.CallSettled, Direction: earshot.DirectionUnknown, StartedAt: began, EndedAt: &ended,
		Tags: []string{importedTag}, Marks: []earshot.Mark{}, TranscriptComplete: true,
	}
	segment := earshot.Segment{
		ID: earshot.NewSegmentID(), Peer: filepath.Base(c.File), StartedAt: began, EndedAt: &ended, EndReason: importedTag,
	}
	for i := range n {
		p := earshot.Participant{ID: earshot.NewParticipantID(), Role: earshot.RoleUnknown, Name: fmt.Sprintf("channel %d", i)}
		if i < len(c.Name) {
			p.Name = c.Name[i]
		}
		if i < len(c.Role) {
			p.Role, p.RoleConfidence = earshot.Role(strings.ToLower(c.Role[i])), 1
		}
		switch p.Role {
		case earshot.RoleAgent, earshot.RoleCustomer, earshot.RoleUnknown:
		default:
			return nil, fmt.Errorf("--role %s: not agent, customer or unknown", p.Role)
		}
		call.Participants = append(call.Participants, p)
		segment.ParticipantIDs = append(segment.ParticipantIDs, p.ID)
		call.Streams = append(call.Streams, earshot.Stream{
			ID: earshot.NewStreamID(), SegmentID: segment.ID, Label: fmt.Sprint(i + 1), ParticipantIDs: []earshot.ParticipantID{p.ID},
			Codec: fmt.Sprintf("L16/%d", f.rate), Channel: i, Started: true, EndedAt: &ended,
		})
	}
	call.Segments = []earshot.Segment{segment}
	return call, nil
}

// attribute gives utterances their speakers.
func attribute(call *earshot.Call, us []earshot.Utterance) {
	for i := range us {
		p := call.Speaker(us[i].StreamID)
		us[i].ParticipantID, us[i].Role = p.ID, p.Role
	}
}

// importCall stores the call: first its recording, then all the rest at once.
func importCall(e *env, cfg config.Config, log *slog.Logger, call *earshot.Call, us []earshot.Utterance, f *soundFile) (err error) {
	path := app.RecordingFile(cfg, call.ID)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	store, err := sqlite.Open(e.ctx, app.Database(cfg), log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if call.Recording, err = writeRecording(path, f); err != nil {
		return err
	}
	call.RecordingReady = true
	commit := earshot.Commit{Calls: []earshot.Call{*call}, Utterances: us}
	for _, s := range call.Streams {
		mark := earshot.Watermark{StreamID: s.ID, Position: earshot.PositionOf(f.length()), Completed: true}
		for _, u := range us {
			if u.StreamID == s.ID {
				mark.Finals++
			}
		}
		commit.Watermarks = append(commit.Watermarks, mark)
	}
	if _, err := store.Apply(e.ctx, commit); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// writeRecording writes the sound as the WAV file of a call.
func writeRecording(path string, f *soundFile) (*earshot.Recording, error) {
	n := len(f.channels)
	out, err := wav.Create(path, wav.Format{Rate: f.rate, Channels: n}, int64(len(f.channels[0])))
	if err != nil {
		return nil, err
	}
	defer out.Abort()
	frame := make([]int16, n)
	for i := range f.channels[0] {
		for c, pcm := range f.channels {
			frame[c] = pcm[i]
		}
		if err := out.Write(frame); err != nil {
			return nil, err
		}
	}
	if err := out.Commit(); err != nil {
		return nil, err
	}
	return &earshot.Recording{
		SHA256: out.SHA256(), Bytes: out.Size(), Rate: f.rate, Channels: n, DurationMS: f.length().Milliseconds(),
	}, nil
}

// progressBar shows how far something is: on a terminal as a bar, else a line
// at each quarter. It is safe for one caller at a time.
type progressBar struct {
	w        io.Writer
	what     string
	terminal bool
	quarters int
}

func newProgressBar(w io.Writer, what string) *progressBar {
	f, ok := w.(*os.File)
	return &progressBar{w: w, what: what, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

// show takes the share that is done, from 0 to 1.
func (p *progressBar) show(done float64) {
	const width = 30
	if p.terminal {
		n := int(done * width)
		fmt.Fprintf(p.w, "\r%s [%s%s] %3.0f %%", p.what, strings.Repeat("#", n), strings.Repeat(".", width-n), 100*done)
		return
	}
	if q := int(done * 4); q > p.quarters {
		p.quarters = q
		fmt.Fprintf(p.w, "%s: %d %%\n", p.what, 25*q)
	}
}

// end leaves the line of the bar. It may be called twice.
func (p *progressBar) end() {
	if p.terminal {
		fmt.Fprintln(p.w)
		p.terminal = false
	}
}
