// Package transcribetest is what tests of recognisers share: recorded speech
// with its text, and the contract every recogniser keeps.
package transcribetest

import (
	"embed"
	"fmt"
	"strings"
)

// The speech is made with festival's cmu_us_slt_arctic_hts (the agent) and
// flite's rms (the customer) and written as G.711 mu-law at 8000 samples per
// second, each line of the text with 0.8 s of silence before and 0.7 after. The
// short answers are of flite's rms and slt, about a second of silence between them.
//
//go:embed testdata/*.ul testdata/*.txt
var files embed.FS

// Rate is the sample rate of all speech here.
const Rate = 8000

// Speech is one party's side of a dialogue.
type Speech struct {
	Name string
	// PCM is the decoded audio, Rate samples per second.
	PCM []int16
	// Turns are what is said, one utterance each.
	Turns []string
}

// Text is all that is said.
func (s Speech) Text() string { return strings.Join(s.Turns, " ") }

// Agent is a woman who helps a customer, about 42 s.
func Agent() Speech { return load("agent") }

// Customer is a man whose parcel is late, about 36 s.
func Customer() Speech { return load("customer") }

// Answers are single words said alone, by a man and then by a woman.
func Answers() Speech { return load("answers") }

func load(name string) Speech {
	coded, err := files.ReadFile("testdata/" + name + ".ul")
	if err != nil {
		panic(fmt.Sprintf("transcribetest: %v", err)) // embedded: cannot be missing
	}
	text, err := files.ReadFile("testdata/" + name + ".txt")
	if err != nil {
		panic(fmt.Sprintf("transcribetest: %v", err))
	}
	return Speech{Name: name, PCM: MuLaw(coded), Turns: strings.Split(strings.TrimSpace(string(text)), "\n")}
}

// MuLaw expands G.711 mu-law.
func MuLaw(coded []byte) []int16 {
	pcm := make([]int16, len(coded))
	for i, b := range coded {
		pcm[i] = muLaw(b)
	}
	return pcm
}

// muLaw expands one octet of G.711 mu-law.
func muLaw(b byte) int16 {
	b = ^b
	magnitude := (int16(b&0x0f)<<3+0x84)<<(b>>4&7) - 0x84
	if b&0x80 != 0 {
		return -magnitude
	}
	return magnitude
}
