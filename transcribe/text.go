package transcribe

import (
	"earshot"
	"earshot/transcribe/line"
	"earshot/transcribe/normal"
	"earshot/transcribe/redact"
)

// readable makes of the masked words of an utterance what people read, and
// keeps what was heard as Raw where that differs. What only shows once it is
// written in digits is masked now, and then nothing is kept of how it was
// heard.
func (t *Transcriber) readable(u *earshot.Utterance) {
	words := u.Words
	if words == nil {
		words = line.Split(u.Text)
	}
	heard := line.Text(words)
	words = normal.Words(t.correct(u, words))
	u.Text = line.Text(words)
	if u.Text != heard {
		u.Raw = heard
	}
	if masked := t.cfg.Mask.Mask(redact.Mask(u.Text)); masked != u.Text {
		u.Text, u.Raw, words = masked, "", nil
	}
	if u.Words != nil {
		u.Words = words
	}
}

// correct corrects what was likely misheard.
func (t *Transcriber) correct(u *earshot.Utterance, words []earshot.Word) []earshot.Word {
	if t.cfg.Vocabulary == nil {
		return words
	}
	var names []string
	if t.cfg.Names != nil {
		names = t.cfg.Names(u.StreamID)
	}
	confidence := u.Confidence
	if confidence == 0 { // the engine does not say
		confidence = 1
	}
	return t.cfg.Vocabulary.Correct(words, confidence, names)
}
