package record

import (
	"encoding/json"
	"fmt"
	"os"

	"earshot"
)

// peaksPerSecond is how fine the waveform beside a recording is.
const peaksPerSecond = 50

// peaks collects the extremes of a file while it is written.
type peaks struct {
	form  earshot.Waveform
	point []int8 // of the point in the making
	have  int    // frames in it
}

func newPeaks(rate, channels int) *peaks {
	return &peaks{
		form:  earshot.NewWaveform(channels, rate, max(1, rate/peaksPerSecond)),
		point: make([]int8, 2*channels),
	}
}

// add takes the next frames, channels interleaved.
func (p *peaks) add(frames []int16) {
	for ; len(frames) > 0; frames = frames[p.form.Channels:] {
		for c, s := range frames[:p.form.Channels] {
			v := int8(s >> 8)
			if p.have == 0 {
				p.point[2*c], p.point[2*c+1] = v, v
				continue
			}
			p.point[2*c] = min(p.point[2*c], v)
			p.point[2*c+1] = max(p.point[2*c+1], v)
		}
		if p.have++; p.have == p.form.SamplesPerPixel {
			p.end()
		}
	}
}

// end closes the point in the making.
func (p *peaks) end() {
	if p.have > 0 {
		p.form.Data = append(p.form.Data, p.point...)
		p.form.Length++
		p.have = 0
	}
}

// WritePeaks writes a waveform as a file of audiowaveform's JSON. It appears
// under its name when it is whole and durable.
func WritePeaks(path string, form earshot.Waveform) error {
	doc, err := json.Marshal(form)
	if err != nil {
		return fmt.Errorf("encode peaks: %w", err)
	}
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return fmt.Errorf("write peaks: %w", err)
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(f.Name()) // gone already if it was renamed
	}()
	if _, err := f.Write(doc); err != nil {
		return fmt.Errorf("write peaks: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write peaks: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write peaks: %w", err)
	}
	return nil
}

// ReadPeaks reads what [WritePeaks] wrote. A file that is not whole is an
// error that wraps [ErrDamaged].
func ReadPeaks(path string) (earshot.Waveform, error) {
	var form earshot.Waveform
	doc, err := os.ReadFile(path)
	if err != nil {
		return form, fmt.Errorf("read peaks: %w", err)
	}
	if err := json.Unmarshal(doc, &form); err != nil {
		return form, fmt.Errorf("read peaks: %w: %w", ErrDamaged, err)
	}
	if !form.Whole() {
		return form, fmt.Errorf("read peaks: %w", ErrDamaged)
	}
	return form, nil
}
