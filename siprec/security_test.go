package siprec

import (
	"errors"
	"testing"

	"earshot"
)

// What a handshake brought is stored with the dialog, unless the offer it came
// of has been replaced.
func TestSaveSecurity(t *testing.T) {
	r := newRig(t, Config{})
	agreement := func(print string) *earshot.Security {
		return &earshot.Security{
			DTLS:     &earshot.DTLS{Setup: "passive", Fingerprints: []string{"sha-256 00"}},
			PeerDTLS: &earshot.DTLS{Setup: "actpass", Fingerprints: []string{print}},
		}
	}
	d := &dialog{id: "d", begun: "b", state: dialogState{CallID: "c", Answer: []earshot.MediaAnswer{
		{StreamID: "other"}, {StreamID: "mine", Security: agreement("sha-256 AA")},
	}}}
	r.keep(d)
	stale, fresh := agreement("sha-256 BB"), agreement("sha-256 AA")
	key := earshot.NewCrypto(0, earshot.SuiteAES128GCM)
	stale.Remote, fresh.Remote, fresh.Rollover = &key, &key, 7
	for _, s := range []*earshot.Security{stale, fresh} {
		if err := r.SaveSecurity("d", "mine", s); err != nil {
			t.Fatal(err)
		}
		if s == stale && d.state.Answer[1].Security.Remote != nil {
			t.Error("keys of an offer that was replaced are stored")
		}
	}
	stored, err := d.stored()
	if err != nil {
		t.Fatal(err)
	}
	answers, err := stored.Answers()
	if err != nil || len(answers) != 2 || !answers[1].Security.Remote.Equal(&key) || answers[1].Security.Rollover != 7 {
		t.Errorf("stored %+v, %v", answers, err)
	}
	if err := r.SaveSecurity("nobody", "mine", fresh); !errors.Is(err, earshot.ErrNotFound) {
		t.Errorf("of no dialog: %v", err)
	}
}
