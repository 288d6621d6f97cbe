package app

import (
	"testing"

	"earshot/cmd/earshot/config"
)

func TestMediaAddr(t *testing.T) {
	both := "::"
	if !haveIPv6() {
		both = "0.0.0.0"
	}
	for want, list := range map[string][]config.SIP{
		"0.0.0.0": {{Listen: "0.0.0.0:5060", TLSListen: ":5061"}, {Listen: "192.0.2.1:5060"}, {Listen: "srs.example:5060"}},
		both:      {{Listen: "[::]:5060"}, {Listen: ":5060"}, {Listen: "0.0.0.0:5060", TLSListen: ":5061", TLSCert: "c.pem"}, {Listen: "[::1]:5060"}},
	} {
		for _, cfg := range list {
			if got := mediaAddr(cfg).String(); got != want && both != "0.0.0.0" {
				t.Errorf("%+v: %s, want %s", cfg, got, want)
			}
		}
	}
}
