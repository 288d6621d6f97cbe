package siprec

import (
	"strings"

	"earshot"
)

// parseXR reads the value of a=rtcp-xr (RFC 3611 5.1), as far as a receiver can
// send what is asked for: "rcvr-rtt=all:10 stat-summary=loss,jitt voip-metrics".
func parseXR(value string) earshot.XR {
	var xr earshot.XR
	for format := range strings.FieldsSeq(value) {
		name, param, _ := strings.Cut(strings.ToLower(format), "=")
		switch name {
		case "rcvr-rtt":
			mode, _, _ := strings.Cut(param, ":")
			if xr.RoundTrip = "all"; mode == "sender" {
				xr.RoundTrip = mode
			}
		case "stat-summary":
			for flag := range strings.SplitSeq(param, ",") {
				statistic(&xr, flag)
			}
		case "voip-metrics":
			xr.VoIPMetrics = true
		}
	}
	return xr
}

// statistic notes a flag of the summary. Those about the time to live cannot be
// served; no flags at all stand for whatever there is.
func statistic(xr *earshot.XR, flag string) {
	xr.Loss = xr.Loss || flag == "loss" || flag == ""
	xr.Duplicates = xr.Duplicates || flag == "dup" || flag == ""
	xr.Jitter = xr.Jitter || flag == "jitt" || flag == ""
}

// writeXR answers with what of the offer's reports will be sent (RFC 3611 5.2).
func writeXR(b *strings.Builder, xr earshot.XR) {
	var formats []string
	if xr.RoundTrip != "" {
		formats = append(formats, "rcvr-rtt="+xr.RoundTrip)
	}
	var flags []string
	for _, f := range []struct {
		on   bool
		name string
	}{{xr.Loss, "loss"}, {xr.Duplicates, "dup"}, {xr.Jitter, "jitt"}} {
		if f.on {
			flags = append(flags, f.name)
		}
	}
	if len(flags) > 0 {
		formats = append(formats, "stat-summary="+strings.Join(flags, ","))
	}
	if xr.VoIPMetrics {
		formats = append(formats, "voip-metrics")
	}
	if len(formats) > 0 {
		b.WriteString("a=rtcp-xr:" + strings.Join(formats, " ") + "\r\n")
	}
}
