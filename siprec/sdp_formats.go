package siprec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"earshot"
)

const (
	// lastEvent is the last of the events that are understood: 0 to 15 are the
	// keys of a telephone (RFC 4733 3.2).
	lastEvent = 15
	// shortestPacket and longestPacket bound the packets that are asked for, in
	// ms of audio; Opus has the longest (RFC 7587 4.2).
	shortestPacket, longestPacket = 5, 120
)

// soundFirst moves events and comfort noise behind the codecs: some clients
// send what stands first.
func soundFirst(formats []earshot.Format) []earshot.Format {
	out := slices.Clone(formats)
	slices.SortStableFunc(out, func(a, b earshot.Format) int { return rank(a) - rank(b) })
	return out
}

func rank(f earshot.Format) int {
	if f.Is("telephone-event") || f.Is("CN") {
		return 1
	}
	return 0
}

// writeFormats writes what an m-line's payload types mean, in the offer's
// spelling.
func writeFormats(b *strings.Builder, formats []earshot.Format, spelled map[uint8]string) {
	for _, f := range formats {
		name := spelled[f.PayloadType]
		if !f.Is(name) {
			name = f.Name()
		}
		_, rest, _ := strings.Cut(f.String(), "/")
		fmt.Fprintf(b, "a=rtpmap:%d %s/%s\r\n", f.PayloadType, name, rest)
		if params := receiving(f); params != "" {
			fmt.Fprintf(b, "a=fmtp:%d %s\r\n", f.PayloadType, params)
		}
	}
}

// receiving are the parameters of a format as we take it, having been offered
// it with its own. Most are repeated: those of G.729, for one, must be the same
// on both sides (RFC 4856 2.1.9).
func receiving(f earshot.Format) string {
	switch {
	case f.Is("telephone-event"):
		return events(f.FMTP)
	case f.Is("opus"): // each side states its own (RFC 7587 7.1)
		return "useinbandfec=1"
	}
	return f.FMTP
}

// events are those of an offer that we understand; without a list it offers
// all of them (RFC 4733 2.4.1, 2.5.1.1).
func events(offered string) string {
	if offered == "" {
		return "0-" + strconv.Itoa(lastEvent)
	}
	var out []string
	for item := range strings.SplitSeq(offered, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(item), "-")
		from, errFrom := strconv.Atoi(strings.TrimSpace(low))
		until, errUntil := from, error(nil)
		if isRange {
			until, errUntil = strconv.Atoi(strings.TrimSpace(high))
		}
		until = min(until, lastEvent)
		switch {
		case errFrom != nil || errUntil != nil || from < 0 || from > until:
		case from == until:
			out = append(out, strconv.Itoa(from))
		default:
			out = append(out, fmt.Sprintf("%d-%d", from, until))
		}
	}
	return strings.Join(out, ",")
}

// milliseconds reads the value of an a=ptime or a=maxptime (RFC 8866 6.4, 6.5);
// 0 when it makes no sense.
func milliseconds(value string) int {
	n, err := strconv.ParseFloat(value, 64) // "20.0" is seen
	if err != nil || n < 1 || n > 10_000 {
		return 0
	}
	return int(n)
}

// writePTime asks for packets as long as they were offered, unless that is
// longer than any codec has or than the offer itself allows.
func writePTime(b *strings.Builder, o *earshot.MediaOffer) {
	longest := o.MaxPTime
	if longest == 0 || longest > longestPacket {
		longest = longestPacket
	}
	if o.PTime >= shortestPacket && o.PTime <= longest {
		fmt.Fprintf(b, "a=ptime:%d\r\n", o.PTime)
	}
	if o.MaxPTime >= shortestPacket {
		fmt.Fprintf(b, "a=maxptime:%d\r\n", longest)
	}
}

// payloadTypes never returns an empty list, which the grammar forbids.
func payloadTypes(formats []earshot.Format) string {
	if len(formats) == 0 {
		return "0"
	}
	out := make([]string, len(formats))
	for i, f := range formats {
		out[i] = strconv.Itoa(int(f.PayloadType))
	}
	return strings.Join(out, " ")
}
