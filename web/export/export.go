// Package export writes the transcript of a call as plain text, as SubRip or
// WebVTT subtitles that run beside the recording, or as JSON.
package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"earshot"
)

// Format is a format of a transcript.
type Format string

// The formats of a transcript.
const (
	Text Format = "text"
	SRT  Format = "srt"
	VTT  Format = "vtt"
	JSON Format = "json"
)

// Formats lists every format.
func Formats() []Format { return []Format{Text, SRT, VTT, JSON} }

// ContentType returns the media type of the format.
func (f Format) ContentType() string {
	switch f {
	case SRT:
		return "application/x-subrip; charset=utf-8"
	case VTT:
		return "text/vtt; charset=utf-8"
	case JSON:
		return "application/json"
	default:
		return "text/plain; charset=utf-8"
	}
}

// Extension returns the usual ending of a file's name, with its dot.
func (f Format) Extension() string {
	if f == Text {
		return ".txt"
	}
	return "." + string(f)
}

// Turn is one utterance as the JSON format writes it.
type Turn struct {
	earshot.Utterance
	// Speaker is the participant's name, or the role when it has none.
	Speaker string `json:"speaker"`
}

// Transcript is what the JSON format writes.
type Transcript struct {
	Call       earshot.Call `json:"call"`
	Utterances []Turn       `json:"utterances"`
}

// Write writes the final utterances of the call in the order they were
// spoken. A turn keeps its own times, so that two people who speak at once
// overlap in the subtitles too.
func Write(w io.Writer, f Format, call earshot.Call, us []earshot.Utterance) error {
	turns := turnsOf(&call, us)
	b := bufio.NewWriter(w)
	switch f {
	case Text:
		writeText(b, &call, linesOf(&call, us))
	case SRT:
		writeSRT(b, turns)
	case VTT:
		writeVTT(b, turns)
	case JSON:
		if err := writeJSON(b, call, turns); err != nil {
			return fmt.Errorf("write transcript: %w", err)
		}
	default:
		return fmt.Errorf("write transcript: unknown format %q", f)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write transcript: %w", err)
	}
	return nil
}

// Speaker returns who said the utterance, for people to read.
func Speaker(call *earshot.Call, u earshot.Utterance) string {
	role := u.Role
	if p := call.Participant(u.ParticipantID); p != nil {
		if name := oneLine(p.Name); name != "" {
			return name
		}
		role = p.Role
	}
	switch role {
	case earshot.RoleAgent:
		return "Agent"
	case earshot.RoleCustomer:
		return "Customer"
	default:
		return "Speaker"
	}
}

// linesOf are the turns as people read them.
func linesOf(call *earshot.Call, us []earshot.Utterance) []Turn {
	us = slices.Clone(us)
	slices.SortStableFunc(us, func(a, b earshot.Utterance) int { return int(a.StartMS - b.StartMS) })
	return turnsOf(call, earshot.JoinContinued(us))
}

func turnsOf(call *earshot.Call, us []earshot.Utterance) []Turn {
	turns := make([]Turn, 0, len(us))
	for _, u := range us {
		if u.Final && strings.TrimSpace(u.Text) != "" {
			turns = append(turns, Turn{Utterance: u, Speaker: Speaker(call, u)})
		}
	}
	slices.SortStableFunc(turns, func(a, b Turn) int { return int(a.StartMS - b.StartMS) })
	return turns
}

func writeText(w *bufio.Writer, call *earshot.Call, turns []Turn) {
	fmt.Fprintf(w, "Call %s, %s", call.ID, call.StartedAt.UTC().Format("2006-01-02 15:04 MST"))
	if call.EndedAt != nil {
		fmt.Fprintf(w, ", %s long", call.EndedAt.Sub(call.StartedAt).Round(time.Second))
	}
	fmt.Fprint(w, "\n\n")
	for _, t := range turns {
		ms := max(t.StartMS, 0)
		fmt.Fprintf(w, "%02d:%02d  %s: %s\n", ms/60_000, ms/1000%60, t.Speaker, oneLine(t.Text))
	}
}

// writeSRT writes SubRip: numbered cues, a comma before the milliseconds.
func writeSRT(w *bufio.Writer, turns []Turn) {
	for i, t := range cues(turns) {
		start, end := span(t)
		text := strings.ReplaceAll(oneLine(t.Text), "-->", "->")
		fmt.Fprintf(w, "%d\n%s --> %s\n%s: %s\n\n", i+1, clock(start, ','), clock(end, ','), t.Speaker, text)
	}
}

// writeVTT writes WebVTT with a voice span per cue.
func writeVTT(w *bufio.Writer, turns []Turn) {
	fmt.Fprint(w, "WEBVTT\n\n")
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	for _, t := range cues(turns) {
		start, end := span(t)
		fmt.Fprintf(w, "%s --> %s\n<v %s>%s</v>\n\n", clock(start, '.'), clock(end, '.'),
			escape.Replace(t.Speaker), escape.Replace(oneLine(t.Text)))
	}
}

func writeJSON(w io.Writer, call earshot.Call, turns []Turn) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(Transcript{Call: call, Utterances: turns})
}

// span returns the times of a cue in milliseconds. A cue can't begin before
// the recording does and must end after it begins.
func span(t Turn) (start, end int64) {
	start = max(t.StartMS, 0)
	return start, max(t.EndMS, start+1)
}

func clock(ms int64, point byte) string {
	return fmt.Sprintf("%02d:%02d:%02d%c%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, point, ms%1000)
}

// oneLine joins the words of s with single spaces: a line feed would end a
// cue.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
