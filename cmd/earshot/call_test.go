package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"earshot/siprec"
)

func TestSessionExpiresFlag(t *testing.T) {
	for value, want := range map[string]struct {
		seconds   int
		refresher string
		ok        bool
	}{
		"": {0, "", true}, "1800": {1800, "", true}, "90:uas": {90, "uas", true}, "90:uac": {90, "uac", true},
		"0": {}, "90:both": {}, "soon": {},
	} {
		seconds, refresher, err := sessionExpires(value)
		if seconds != want.seconds || refresher != want.refresher || (err == nil) != want.ok {
			t.Errorf("%q: %d %q %v", value, seconds, refresher, err)
		}
	}
}

func TestScriptFlags(t *testing.T) {
	mixed, err := siprec.DialectOf("metaswitch")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		flags scriptFlags
		spec  callSpec
		wrong string
	}{
		"fine":           {scriptFlags{Hold: []string{"5s:1s", "1s:1s"}}, callSpec{}, ""},
		"overlap":        {scriptFlags{Hold: []string{"2s:1s", "1s:1500ms"}}, callSpec{}, "before the last has ended"},
		"no length":      {scriptFlags{Hold: []string{"2s"}}, callSpec{}, "not AT:FOR"},
		"negative":       {scriptFlags{Hold: []string{"2s:-1s"}}, callSpec{}, "not AT:FOR"},
		"keys":           {scriptFlags{DTMF: []string{"12#@2", "*0ad@500ms", "7@1.8s"}}, callSpec{}, ""},
		"no key":         {scriptFlags{DTMF: []string{"1x"}}, callSpec{}, "is no key"},
		"no time":        {scriptFlags{DTMF: []string{"1@soon"}}, callSpec{}, "not DIGITS@SECONDS"},
		"two keys":       {scriptFlags{DTMF: []string{"123@1", "4@1.25"}}, callSpec{}, "before the last is released"},
		"one stream":     {scriptFlags{AddStream: time.Second}, callSpec{dialect: mixed, audio: []string{"a", "b"}}, "one stream for all"},
		"only one party": {scriptFlags{AddStream: time.Second}, callSpec{audio: []string{"a"}}, "no second party"},
	} {
		err := tc.flags.apply(&tc.spec)
		if (err == nil) != (tc.wrong == "") || err != nil && !strings.Contains(err.Error(), tc.wrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := (script{addStream: time.Second, transfer: 3 * time.Second}).latest(); got != 3*time.Second {
		t.Errorf("latest %s", got)
	}
}

// TestHandOver compares the two ways to tell of a transfer.
func TestHandOver(t *testing.T) {
	spec := callSpec{audio: []string{"a.wav", "b.wav"}, names: []string{"Ada", "Bob", "Eve"}}
	md := spec.metadata(time.Now())
	part := spec.handOver(md, time.Now())
	if len(part.ParticipantStreams) != 2 || len(part.ParticipantStreams[0].Send) != 0 || part.ParticipantStreams[0].ParticipantID != md.Participants[0].ID {
		t.Errorf("the old party still sends: %+v", part.ParticipantStreams)
	}
	if part.Participants[0].Names[0] != "Eve" || !slices.Equal(part.ParticipantStreams[1].Send, md.ParticipantStreams[0].Send) {
		t.Errorf("the new party does not take its place: %+v", part)
	}
	whole := spec.handedOver(md, time.Now())
	if whole.Sessions[0].ID == md.Sessions[0].ID || whole.Groups[0].ID != md.Groups[0].ID || whole.Streams[0].ID == md.Streams[0].ID {
		t.Errorf("not a new session of the same group: %+v", whole)
	}
	if whole.ParticipantStreams[0].Send[0] != whole.Streams[0].ID || whole.ParticipantStreams[1].Recv[0] != whole.Streams[0].ID {
		t.Errorf("streams are not renamed: %+v", whole.ParticipantStreams)
	}
	if md.Participants[0].Names[0] != "Ada" || md.ParticipantStreams[1].Recv[0] != md.Streams[0].ID {
		t.Error("the metadata before the transfer has changed")
	}
}

func TestMixSaturates(t *testing.T) {
	if got := mix([][]int16{{30000, -30000, 5}, {30000, -30000}}); !slices.Equal(got, []int16{32767, -32768, 5}) {
		t.Errorf("mix %v", got)
	}
}

func TestRecordingServerAddress(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1:5060": "sip:127.0.0.1:5060", "sip:[::]:5060": "sip:127.0.0.1:5060", "sip:0.0.0.0:5060": "sip:127.0.0.1:5060",
		"sip:srs.example": "sip:srs.example",
	} {
		if got, err := recordingServer(in, false); err != nil || got != want {
			t.Errorf("%s: %s %v", in, got, err)
		}
	}
	if got, _ := recordingServer("sip:[::]:5060", true); got != "sip:[::1]:5060" {
		t.Errorf("IPv6: %s", got)
	}
}
