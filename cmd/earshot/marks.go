package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"earshot"
)

// printMarks prints what else happened in a call, a line each.
func printMarks(w io.Writer, call *earshot.Call) {
	for _, m := range call.Marks {
		fmt.Fprintf(w, "  %s  %s\n", clock(m.AtMS), describeMark(call, m))
	}
	if call.Paused && !call.State.Ended() {
		fmt.Fprintln(w, "  recording is paused")
	}
}

// describeMark is a mark in words: "pause by mira: card number".
func describeMark(call *earshot.Call, m earshot.Mark) string {
	var b strings.Builder
	b.WriteString(string(m.Kind))
	if s := call.Stream(m.StreamID); s != nil {
		fmt.Fprintf(&b, " on stream %s", s.Label)
	}
	switch {
	case m.Masked:
		b.WriteString(", digit not kept")
	case m.Digit != "":
		b.WriteString(" " + m.Digit)
	}
	if m.Packets > 0 {
		fmt.Fprintf(&b, ", %d packets", m.Packets)
	}
	if length := time.Duration(m.EndMS-m.AtMS) * time.Millisecond; length > 0 {
		fmt.Fprintf(&b, ", %v", length)
	}
	if m.By != "" {
		b.WriteString(" by " + m.By)
	}
	if m.Reason != "" {
		b.WriteString(": " + m.Reason)
	}
	return b.String()
}
