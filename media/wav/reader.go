package wav

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"earshot/media/resample"
)

// Codes of the fmt chunk.
const (
	formatPCM        = 1
	formatExtensible = 0xfffe
)

// Limits of what is taken for a sane file.
const (
	maxChannels = 64
	maxRate     = 768_000
	maxFmtSize  = 1 << 10
)

// ErrFormat says that a file is not 16-bit PCM in WAV or RF64.
var ErrFormat = errors.New("not a 16-bit PCM WAV file")

// Reader reads the samples of a file, channels interleaved.
type Reader struct {
	Format
	// Frames is the length the header tells; a file that was cut short has
	// fewer. It is -1 when the writer left the length open.
	Frames int64
	// DataAt is where in the file the first sample lies, in octets.
	DataAt int64
	r      io.Reader
}

// NewReader reads the header from r and stops before the first sample.
func NewReader(r io.Reader) (*Reader, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	var riff [12]byte
	if _, err := io.ReadFull(br, riff[:]); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	id := string(riff[:4])
	if (id != "RIFF" && id != "RF64") || string(riff[8:]) != "WAVE" {
		return nil, fmt.Errorf("%w: no RIFF WAVE header", ErrFormat)
	}
	p := parser{r: br, at: int64(len(riff))}
	for {
		done, err := p.chunk()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		if done {
			return p.reader(), nil
		}
	}
}

// parser collects what the chunks before the data say.
type parser struct {
	r      *bufio.Reader
	format Format
	data   int64 // octets of PCM; -1 means up to the end
	long   int64 // the same from the ds64 chunk
	at     int64 // octets read
}

// chunk reads one chunk and reports whether the samples follow now.
func (p *parser) chunk() (done bool, err error) {
	var head [8]byte
	if _, err := io.ReadFull(p.r, head[:]); err != nil {
		return false, fmt.Errorf("no data chunk: %w", err)
	}
	size := int64(binary.LittleEndian.Uint32(head[4:]))
	if p.at += int64(len(head)); string(head[:4]) != "data" {
		p.at += size + size&1
	}
	switch string(head[:4]) {
	case "fmt ":
		return false, p.readFmt(size)
	case "ds64":
		return false, p.readDS64(size)
	case "data":
		if p.format.Channels == 0 {
			return false, errors.New("data chunk before the fmt chunk")
		}
		p.data = size
		if size == unknown || size == 0 && p.long > 0 {
			p.data = p.long
			if p.long == 0 {
				p.data = -1
			}
		}
		return true, nil
	}
	return false, p.skip(size)
}

func (p *parser) readFmt(size int64) error {
	if size < 16 || size > maxFmtSize {
		return fmt.Errorf("fmt chunk of %d octets", size)
	}
	b := make([]byte, size+size&1)
	if _, err := io.ReadFull(p.r, b); err != nil {
		return err
	}
	code := binary.LittleEndian.Uint16(b)
	if code == formatExtensible && size >= 26 {
		code = binary.LittleEndian.Uint16(b[24:])
	}
	channels := int(binary.LittleEndian.Uint16(b[2:]))
	rate := int64(binary.LittleEndian.Uint32(b[4:]))
	bits := binary.LittleEndian.Uint16(b[14:])
	if code != formatPCM || bits != 16 {
		return fmt.Errorf("format %d with %d bits", code, bits)
	}
	if channels < 1 || channels > maxChannels || rate < 1 || rate > maxRate {
		return fmt.Errorf("%d channels at %d Hz", channels, rate)
	}
	p.format = Format{Rate: int(rate), Channels: channels}
	return nil
}

func (p *parser) readDS64(size int64) error {
	var b [28]byte
	if size < int64(len(b)) {
		return fmt.Errorf("ds64 chunk of %d octets", size)
	}
	if _, err := io.ReadFull(p.r, b[:]); err != nil {
		return err
	}
	long := binary.LittleEndian.Uint64(b[8:])
	if long > math.MaxInt64 {
		return errors.New("size in the ds64 chunk out of range")
	}
	p.long = int64(long)
	return p.skip(size - int64(len(b)))
}

// skip passes over a chunk and the octet that pads it to an even length.
func (p *parser) skip(size int64) error {
	_, err := io.CopyN(io.Discard, p.r, size+size&1)
	return err
}

func (p *parser) reader() *Reader {
	r := &Reader{Format: p.format, Frames: -1, DataAt: p.at, r: p.r}
	if p.data >= 0 {
		r.Frames = p.data / int64(p.format.FrameSize())
		r.r = io.LimitReader(p.r, r.Frames*int64(p.format.FrameSize()))
	}
	return r
}

// Read fills pcm with interleaved samples and returns how many; io.EOF comes
// with 0. A last incomplete sample is dropped.
func (r *Reader) Read(pcm []int16) (int, error) {
	if len(pcm) == 0 {
		return 0, nil
	}
	buf := make([]byte, 2*min(len(pcm), 16<<10))
	n, err := io.ReadFull(r.r, buf)
	for i := range n / 2 {
		pcm[i] = int16(binary.LittleEndian.Uint16(buf[2*i:]))
	}
	switch {
	case n >= 2:
		return n / 2, nil
	case err == nil || errors.Is(err, io.ErrUnexpectedEOF):
		return 0, io.EOF
	}
	return 0, err
}

// ReadAll returns the rest of the file, one slice a channel.
func (r *Reader) ReadAll() ([][]int16, error) {
	channels := make([][]int16, r.Channels)
	buf := make([]int16, 16<<10)
	next := 0
	for {
		n, err := r.Read(buf)
		for _, s := range buf[:n] {
			channels[next] = append(channels[next], s)
			next = (next + 1) % r.Channels
		}
		if errors.Is(err, io.EOF) {
			return channels, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read samples: %w", err)
		}
	}
}

// ReadMono reads a file as one channel of the given rate: channels are
// averaged, another rate is converted.
func ReadMono(path string, rate int) ([]int16, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	channels, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return resample.All(mix(channels), r.Rate, rate), nil
}

func mix(channels [][]int16) []int16 {
	if len(channels) == 1 {
		return channels[0]
	}
	out := make([]int16, len(channels[len(channels)-1]))
	for i := range out {
		sum := 0
		for _, c := range channels {
			sum += int(c[i])
		}
		out[i] = int16(sum / len(channels))
	}
	return out
}
