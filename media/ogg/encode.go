package ogg

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"earshot"
	"earshot/media/resample"
	"earshot/media/wav"
)

// MaxChannels that a file can have (RFC 7845 5.1).
const MaxChannels = 255

// packetsPerPage makes pages of a second: what a player seeks by.
const packetsPerPage = 50

// EncodeFile writes a WAV file as Ogg/Opus. The file appears under its name
// when it is whole and durable. The name of the stream gives it its serial
// number; the same recording and name give the same file.
func EncodeFile(ctx context.Context, from, to, name string) (earshot.SoundFile, error) {
	var made earshot.SoundFile
	in, err := os.Open(from)
	if err != nil {
		return made, err
	}
	defer func() { _ = in.Close() }()
	pcm, err := wav.NewReader(in)
	if err != nil {
		return made, fmt.Errorf("%s: %w", from, err)
	}
	out, err := os.Create(to + ".tmp")
	if err != nil {
		return made, err
	}
	defer func() {
		_ = out.Close()
		_ = os.Remove(out.Name()) // gone already if it was renamed
	}()
	sum := sha256.New()
	w := bufio.NewWriter(io.MultiWriter(out, sum))
	if err := Encode(ctx, w, pcm, crc32.ChecksumIEEE([]byte(name))); err != nil {
		return made, err
	}
	if err := errors.Join(w.Flush(), out.Sync()); err != nil {
		return made, err
	}
	info, err := out.Stat()
	if err != nil {
		return made, err
	}
	made = earshot.SoundFile{SHA256: hex.EncodeToString(sum.Sum(nil)), Bytes: info.Size()}
	return made, os.Rename(out.Name(), to)
}

// Encode writes what is left of a WAV file as an Ogg/Opus file whose logical
// stream has the serial number.
func Encode(ctx context.Context, w io.Writer, pcm *wav.Reader, serial uint32) error {
	if pcm.Channels > MaxChannels {
		return fmt.Errorf("%d channels: Ogg/Opus has at most %d", pcm.Channels, MaxChannels)
	}
	out := &pages{w: w, serial: serial}
	for i, header := range [][]byte{head(pcm.Channels, pcm.Rate), tags()} {
		flags := byte(0)
		if i == 0 {
			flags = beginOfStream
		}
		if err := errors.Join(out.add(header, 0), out.flush(flags)); err != nil {
			return fmt.Errorf("write Ogg: %w", err)
		}
	}
	rate := encoderRate(pcm.Rate)
	pack, err := newPacker(rate, pcm.Channels)
	if err != nil {
		return err
	}
	return stream(ctx, out, pack, newSource(pcm, rate))
}

// stream writes the audio until the encoder has given back all of it.
func stream(ctx context.Context, out *pages, pack *packer, in *source) error {
	var granule uint64
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		frames, err := in.next()
		if err != nil {
			return err
		}
		packet, err := pack.encode(frames)
		if err != nil {
			return err
		}
		granule += packetTicks
		// The last granule position says where the audio ends within its packet
		// (RFC 7845 4.4).
		end, over := in.end()
		last := over && granule >= end
		if last {
			granule = end
		}
		if err := out.add(packet, granule); err != nil {
			return fmt.Errorf("write Ogg: %w", err)
		}
		flags := byte(0)
		if last {
			flags = endOfStream
		}
		if last || n%packetsPerPage == 0 {
			if err := out.flush(flags); err != nil {
				return fmt.Errorf("write Ogg: %w", err)
			}
		}
		if last {
			return nil
		}
	}
}

// encoderRate returns the lowest rate of the encoder that keeps all of the
// audio.
func encoderRate(rate int) int {
	for _, r := range []int{8000, 12_000, 16_000, 24_000} {
		if rate <= r {
			return r
		}
	}
	return clock
}

// source reads a WAV file in pieces of 20 ms at the encoder's rate, and
// silence behind its end.
type source struct {
	pcm     *wav.Reader
	rate    int
	read    int64 // samples of the file, all channels
	over    bool
	convert []*resample.Resampler // one a channel, nil if the rate is the file's
	in      []int16
	mono    []int16
	out     []int16
}

func newSource(pcm *wav.Reader, rate int) *source {
	s := &source{pcm: pcm, rate: rate, out: make([]int16, rate/50*pcm.Channels), mono: make([]int16, rate/50)}
	if rate == pcm.Rate {
		return s
	}
	s.in = make([]int16, max(1, pcm.Rate/50)*pcm.Channels)
	for range pcm.Channels {
		s.convert = append(s.convert, resample.New(pcm.Rate, rate))
	}
	return s
}

// end returns the granule position of the end once it is known.
func (s *source) end() (uint64, bool) {
	frames := s.read / int64(s.pcm.Channels)
	return preSkip + uint64(frames*clock/int64(s.pcm.Rate)), s.over
}

// next returns the next 20 ms, good until the next call.
func (s *source) next() ([]int16, error) {
	if s.convert == nil {
		n, err := s.fill(s.out)
		clear(s.out[n:])
		return s.out, err
	}
	done := make([]int, len(s.convert))
	for {
		short := false
		for c, r := range s.convert {
			n := r.Read(s.mono[:len(s.mono)-done[c]])
			for i, v := range s.mono[:n] {
				s.out[(done[c]+i)*len(s.convert)+c] = v
			}
			done[c] += n
			short = short || done[c] < len(s.mono)
		}
		if !short {
			return s.out, nil
		}
		if s.over {
			clear(s.out[done[0]*len(s.convert):]) // all channels end together
			return s.out, nil
		}
		if err := s.feed(); err != nil {
			return nil, err
		}
	}
}

// feed gives the resamplers the next samples of the file.
func (s *source) feed() error {
	n, err := s.fill(s.in)
	if err != nil {
		return err
	}
	channels := len(s.convert)
	one := make([]int16, 0, n/channels)
	for c, r := range s.convert {
		one = one[:0]
		for i := c; i < n; i += channels {
			one = append(one, s.in[i])
		}
		r.Write(one)
		if s.over {
			r.End()
		}
	}
	return nil
}

// fill reads from the file until pcm is full or the file is over, and returns
// how many samples of whole frames it read.
func (s *source) fill(pcm []int16) (int, error) {
	n := 0
	for n < len(pcm) && !s.over {
		got, err := s.pcm.Read(pcm[n:])
		n += got
		switch {
		case errors.Is(err, io.EOF):
			s.over = true
			n -= n % s.pcm.Channels
		case err != nil:
			return n, fmt.Errorf("read WAV: %w", err)
		}
	}
	s.read += int64(n)
	return n, nil
}
