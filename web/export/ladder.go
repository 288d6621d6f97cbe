package export

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"earshot"
)

// laneWidth is how many characters lie between the two lines of a ladder.
const laneWidth = 40

// Ladder writes the SIP messages of a call as a diagram in ASCII: the
// recording client on the left, Earshot on the right, a line for each message
// with the seconds since the first.
func Ladder(w io.Writer, call earshot.CallID, messages []earshot.SIPMessage) error {
	b := bufio.NewWriter(w)
	if len(messages) == 0 {
		fmt.Fprintf(b, "No SIP messages of call %s are kept.\n", call)
	}
	var segment earshot.SegmentID
	var start time.Time
	for i, m := range messages {
		if i == 0 || m.SegmentID != segment {
			if i > 0 {
				fmt.Fprintln(b)
			}
			segment, start = m.SegmentID, m.At
			fmt.Fprintf(b, "Recording session %s, %s, %s over %s\n\n", segment,
				m.At.UTC().Format("2006-01-02 15:04:05.000 MST"), m.Peer, m.Transport)
			fmt.Fprintf(b, "%14s%s%s\n", "SRC", strings.Repeat(" ", laneWidth-2), "Earshot")
		}
		fmt.Fprintf(b, "%10.3f   |%s|  %s\n", m.At.Sub(start).Seconds(), arrow(m), details(m))
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write ladder: %w", err)
	}
	return nil
}

func arrow(m earshot.SIPMessage) string {
	label := []rune(" " + title(m.FirstLine) + " ")
	if limit := laneWidth - 6; len(label) > limit {
		label = append(label[:limit-2], '.', ' ')
	}
	dashes := laneWidth - 1 - len(label)
	left, right := strings.Repeat("-", dashes/2), strings.Repeat("-", dashes-dashes/2)
	if m.Sent {
		return "<" + right + string(label) + left
	}
	return left + string(label) + right + ">"
}

// title is the method of a request, or status and reason.
func title(first string) string {
	first = oneLine(first)
	if answer, found := strings.CutPrefix(first, "SIP/2.0 "); found {
		return answer
	}
	method, _, _ := strings.Cut(first, " ")
	return method
}

func details(m earshot.SIPMessage) string {
	out := fmt.Sprintf("CSeq %s, %d bytes", oneLine(m.CSeq), m.Size)
	if _, uri, found := strings.Cut(strings.TrimSuffix(oneLine(m.FirstLine), " SIP/2.0"), " "); found && !strings.HasPrefix(m.FirstLine, "SIP/") {
		out += ", " + uri
	}
	return out
}
