package e2e

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"earshot"
	"earshot/media/resample"
	"earshot/media/wav"
)

// speechRate is the rate of the speech that word errors are counted in.
const speechRate = 16000

// Places of what the Debian packages hold.
const (
	sphinxData = "/usr/share/pocketsphinx/test/data"
	alsaSounds = "/usr/share/sounds/alsa"
)

// clip is a piece of a party's audio and what is said in it.
type clip struct {
	from, to int // samples
	text     string
}

// talker is what one party of a call says.
type talker struct {
	pcm   []int16
	clips []clip
}

// words returns everything the party says.
func (p *talker) words() string {
	var out []string
	for _, c := range p.clips {
		out = append(out, c.text)
	}
	return strings.Join(out, " ")
}

// say appends a clip with silence after it.
func (p *talker) say(pcm []int16, text string) {
	from := len(p.pcm)
	p.pcm = append(p.pcm, pcm...)
	p.clips = append(p.clips, clip{from, len(p.pcm), text})
	p.pcm = append(p.pcm, make([]int16, speechRate*3/2)...)
}

// speechSet is a call to count word errors in.
type speechSet struct {
	name    string
	parties [2]talker
}

func dialogueSet(b *testing.B) speechSet {
	b.Helper()
	set := speechSet{name: "dialogue"}
	for i, role := range []earshot.Role{earshot.RoleAgent, earshot.RoleCustomer} {
		p := &set.parties[i]
		p.pcm = resample.All(linear(b, mulaw(b, "testdata/support/"+string(role)+".ulaw")), 8000, speechRate)
		for _, turn := range readScript(b, "testdata/support/dialogue.json").Turns {
			if turn.Role == role {
				p.clips = append(p.clips, clip{int(turn.StartMS) * speechRate / 1000, int(turn.EndMS) * speechRate / 1000, turn.Text})
			}
		}
	}
	return set
}

// peopleSet is recordings of people with the texts that came with them: a novel
// read aloud, playing cards named, loudspeakers named.
func peopleSet(b *testing.B) speechSet {
	b.Helper()
	set := speechSet{name: "people"}
	for _, list := range []string{"librivox/transcription", "cards/cards.transcription"} {
		f, err := os.Open(filepath.Join(sphinxData, list))
		if err != nil {
			b.Fatalf("%v: make bench-asr installs it", err)
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			text, name, _ := strings.Cut(lines.Text(), "</s> (")
			file := filepath.Join(filepath.Dir(f.Name()), strings.TrimSuffix(name, ")")+".wav")
			set.parties[0].say(monoClip(b, file), strings.TrimPrefix(text, "<s> "))
		}
	}
	for _, place := range []string{
		"Front_Center", "Front_Left", "Front_Right", "Rear_Center", "Rear_Left", "Rear_Right", "Side_Left", "Side_Right",
	} {
		set.parties[1].say(monoClip(b, filepath.Join(alsaSounds, place+".wav")), strings.ReplaceAll(place, "_", " "))
	}
	return set
}

// sentences are what the voices say.
var sentences = []string{
	"Good morning, thank you for calling, how can I help you today?",
	"My washing machine stopped in the middle of a cycle and the door will not open.",
	"I would like to change the address on my account, please.",
	"The parcel was supposed to arrive on Tuesday, but nobody rang the bell.",
	"Could you tell me the number printed on the back of the box?",
	"I have been waiting for a refund for more than three weeks now.",
	"We can send a technician between nine and eleven on Friday morning.",
	"No, that is not what your colleague promised me last time.",
	"Let me put you on hold for a moment while I check with the warehouse.",
	"Yes, please send the invoice to my office and not to my home.",
	"Is there anything else I can do for you before we finish?",
	"Thank you, that is all, have a pleasant evening.",
}

// voicesSet is the sentences in five synthetic voices.
func voicesSet(b *testing.B) speechSet {
	b.Helper()
	set := speechSet{name: "voices"}
	dir := b.TempDir()
	voices := []string{"awb", "rms", "slt", "kal16", "festival"}
	for i := range 2 * len(sentences) {
		text, voice := sentences[i%len(sentences)], voices[i%len(voices)]
		file := filepath.Join(dir, fmt.Sprintf("%d.wav", i))
		cmd := exec.CommandContext(b.Context(), "flite", "-voice", voice, "-t", text, "-o", file)
		if voice == "festival" {
			cmd = exec.CommandContext(b.Context(), "text2wave", "-eval", "(voice_cmu_us_slt_arctic_hts)", "-o", file)
			cmd.Stdin = strings.NewReader(text)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %v: %s", cmd.Args, err, out)
		}
		set.parties[i%2].say(monoClip(b, file), text)
	}
	return set
}

func monoClip(b *testing.B, file string) []int16 {
	b.Helper()
	pcm, err := wav.ReadMono(file, speechRate)
	if err != nil {
		b.Fatalf("%v: make bench-asr installs it", err)
	}
	return pcm
}

// noisy returns the set with white noise so many dB below what is said, the
// same each time.
func (s speechSet) noisy(db int) speechSet {
	random := rand.New(rand.NewPCG(1, 2))
	out := speechSet{name: fmt.Sprintf("%s, noise %d dB below", s.name, db)}
	for i, p := range s.parties {
		power, n := 0.0, 0
		for _, c := range p.clips {
			for _, v := range p.pcm[c.from:c.to] {
				power += float64(v) * float64(v)
			}
			n += c.to - c.from
		}
		level := math.Sqrt(power / float64(n) / math.Pow(10, float64(db)/10))
		pcm := make([]int16, len(p.pcm))
		for k, v := range p.pcm {
			pcm[k] = int16(min(max(float64(v)+level*random.NormFloat64(), -32768), 32767))
		}
		out.parties[i] = talker{pcm: pcm, clips: p.clips}
	}
	return out
}
