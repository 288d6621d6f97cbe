package record

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"earshot"
	"earshot/media/resample"
	"earshot/media/wav"
)

// PCM is a recorded stream as [Render] reads it; [Reader] is one. A stream
// that is still being recorded must be closed first.
type PCM interface {
	// Rate is in samples per second.
	Rate() int
	// Start and End are where the audio begins (never above 0) and ends.
	Start() earshot.Position
	End() earshot.Position
	ReadAt(pcm []int16, pos earshot.Position) (int, error)
}

// Track is one channel of a rendered file.
type Track struct {
	// Reader is nil for a stream that has no recording: its channel is silent.
	Reader PCM
	// Offset is where the stream's position 0 lies in the call.
	Offset time.Duration
}

// RenderInfo tells what became of a file.
type RenderInfo struct {
	Rate     int
	Channels int
	Frames   int64
	// SHA256 of the file, in hexadecimal, and its length in octets.
	SHA256 string
	Bytes  int64
	// Peaks are the extremes of the file; they are not written.
	Peaks earshot.Waveform
	// Shift is how much later than asked for everything lies, because a track
	// would have begun before the file.
	Shift time.Duration
	// Problems name what could not be read; the file has silence there.
	Problems []error
}

// Duration returns the length of the file.
func (i RenderInfo) Duration() time.Duration {
	return earshot.At(i.Frames, i.Rate).Duration()
}

// RenderOptions of a file.
type RenderOptions struct {
	// MinDuration is the length of the call: a file is never shorter.
	MinDuration time.Duration
}

// Render writes the tracks as a WAV file of 16-bit PCM, one channel a track,
// at the highest rate among them, from the start of the call to the end of the
// last track. The file appears under its name when it is whole and durable.
// Beside the peaks, 100 octets a second and channel, it uses the same small
// amount of memory for any length. A track that cannot be
// read costs no other one: it is silent from there on and named in Problems.
// Where [Scrub] took tones there is silence, with 5 ms of fade on each side.
func Render(ctx context.Context, path string, tracks []Track, opts RenderOptions) (RenderInfo, error) {
	if len(tracks) == 0 {
		return RenderInfo{}, errors.New("render: no tracks")
	}
	info, channels := plan(tracks, opts)
	f, err := wav.Create(path, wav.Format{Rate: info.Rate, Channels: info.Channels}, info.Frames)
	if err != nil {
		return info, fmt.Errorf("render: %w", err)
	}
	defer f.Abort()
	peaks := newPeaks(info.Rate, info.Channels)
	if err := write(ctx, f, info, channels, peaks); err != nil {
		return info, fmt.Errorf("render: %w", err)
	}
	for _, c := range channels {
		if c.err != nil {
			info.Problems = append(info.Problems, c.err)
		}
	}
	if err := f.Commit(); err != nil {
		return info, fmt.Errorf("render: %w", err)
	}
	peaks.end()
	info.SHA256, info.Bytes, info.Peaks = f.SHA256(), f.Size(), peaks.form
	return info, nil
}

// plan decides rate, shift and length.
func plan(tracks []Track, opts RenderOptions) (RenderInfo, []*channel) {
	info := RenderInfo{Channels: len(tracks)}
	channels := make([]*channel, len(tracks))
	for i, t := range tracks {
		c := &channel{pcm: t.Reader}
		if r, ok := t.Reader.(*Reader); t.Reader == nil || ok && r == nil {
			c.pcm = nothing{}
		} else if ok {
			c.err = r.Problem()
			c.masked = r.Masked()
		}
		channels[i] = c
		info.Rate = max(info.Rate, c.pcm.Rate())
		if c.pcm.End() > c.pcm.Start() {
			info.Shift = max(info.Shift, -(t.Offset + c.pcm.Start().Duration()))
		}
	}
	if info.Rate == 0 {
		info.Rate = 8000
	}
	info.Frames = earshot.PositionOf(opts.MinDuration).Samples(info.Rate)
	for i, t := range tracks {
		c := channels[i]
		offset := earshot.PositionOf(t.Offset + info.Shift)
		c.begin(info.Rate, offset)
		if end := c.pcm.End(); end > c.pcm.Start() {
			info.Frames = max(info.Frames, (offset + end).Samples(info.Rate))
		}
	}
	return info, channels
}

func write(ctx context.Context, f *wav.File, info RenderInfo, channels []*channel, peaks *peaks) error {
	block := info.Rate // a second
	mono := make([]int16, block)
	frames := make([]int16, block*len(channels))
	for rest := info.Frames; rest > 0; rest -= int64(block) {
		if err := ctx.Err(); err != nil {
			return err
		}
		block = int(min(int64(block), rest))
		for i, c := range channels {
			c.read(mono[:block])
			for j, s := range mono[:block] {
				frames[j*len(channels)+i] = s
			}
		}
		peaks.add(frames[:block*len(channels)])
		if err := f.Write(frames[:block*len(channels)]); err != nil {
			return err
		}
	}
	return nil
}

// channel is one track on its way into the file.
type channel struct {
	pcm     PCM
	pos     earshot.Position // of the next sample to read
	silence int64            // samples of the file before it
	convert *resample.Resampler
	in      []int16
	ended   bool
	err     error

	// masked is silent in the file whatever a decoder or a concealment makes
	// there.
	masked []Span
}

// begin sets the track so that its position 0 lies at offset in the file.
func (c *channel) begin(rate int, offset earshot.Position) {
	c.pos = c.pcm.Start()
	c.silence = max(0, (offset + c.pos).Samples(rate))
	own := c.pcm.Rate()
	c.ended = own == 0
	if own != 0 && own != rate {
		c.convert = resample.New(own, rate)
		c.in = make([]int16, own)
	}
}

// read fills pcm with the next samples of the file.
func (c *channel) read(pcm []int16) {
	quiet := min(c.silence, int64(len(pcm)))
	clear(pcm[:quiet])
	c.silence -= quiet
	pcm = pcm[quiet:]
	if c.convert == nil {
		clear(pcm[c.readNative(pcm):])
		return
	}
	n := c.convert.Read(pcm)
	for n < len(pcm) && !c.ended {
		c.convert.Write(c.in[:c.readNative(c.in)])
		if c.ended {
			c.convert.End()
		}
		n += c.convert.Read(pcm[n:])
	}
	clear(pcm[n:])
}

// readNative reads at the track's own rate until pcm is full or the track
// ends.
func (c *channel) readNative(pcm []int16) int {
	n := 0
	for n < len(pcm) && !c.ended {
		got, err := c.pcm.ReadAt(pcm[n:], c.pos)
		silence(pcm[n:n+got], c.pos, c.pcm.Rate(), c.masked)
		n += got
		c.pos += earshot.At(int64(got), c.pcm.Rate())
		if err != nil || got == 0 {
			c.ended = true
			if err != nil && !errors.Is(err, io.EOF) {
				c.err = errors.Join(c.err, err)
			}
		}
	}
	return n
}

// nothing is the track of a stream without a recording.
type nothing struct{}

func (nothing) Rate() int                                     { return 0 }
func (nothing) Start() earshot.Position                       { return 0 }
func (nothing) End() earshot.Position                         { return 0 }
func (nothing) ReadAt([]int16, earshot.Position) (int, error) { return 0, io.EOF }
