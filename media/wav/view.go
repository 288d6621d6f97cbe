package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Mix stands for all channels in one, where a channel is asked for.
const Mix = -1

// ErrChannel says that a file has no such channel.
var ErrChannel = errors.New("no such channel")

// View is a WAV file with one channel, made of a file with several as it is
// read: nothing of it is kept. It may be read from anywhere; the same octets
// come each time. It is not safe for concurrent use.
type View struct {
	Format // of the view
	Frames int64

	from    io.ReaderAt
	data    int64 // where the samples of the file begin
	frame   int64 // octets of one of its frames
	channel int
	header  []byte
	at      int64
	in      []byte
	out     []byte
}

// viewFrames is how many frames are converted at a time.
const viewFrames = 4096

// NewView returns the view of a channel, counted from 0, or of [Mix]. The file
// is size octets long: one that was cut short gives a shorter view. The error
// wraps [ErrChannel] or [ErrFormat].
func NewView(from io.ReaderAt, size int64, channel int) (*View, error) {
	r, err := NewReader(io.NewSectionReader(from, 0, size))
	if err != nil {
		return nil, err
	}
	if channel != Mix && (channel < 0 || channel >= r.Channels) {
		return nil, fmt.Errorf("%w: %d of %d", ErrChannel, channel, r.Channels)
	}
	v := &View{
		Format: Format{Rate: r.Rate, Channels: 1}, from: from, data: r.DataAt, frame: int64(r.FrameSize()), channel: channel,
	}
	v.Frames = max(0, (size-r.DataAt)/v.frame)
	if r.Frames >= 0 {
		v.Frames = min(v.Frames, r.Frames)
	}
	v.header = Header(v.Format, v.Frames)
	v.in = make([]byte, viewFrames*v.frame)
	return v, nil
}

// Size returns the length of the view in octets.
func (v *View) Size() int64 { return int64(len(v.header)) + 2*v.Frames }

// Seek implements [io.Seeker].
func (v *View) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += v.at
	case io.SeekEnd:
		offset += v.Size()
	}
	if offset < 0 {
		return v.at, errors.New("seek before the start")
	}
	v.at = offset
	return offset, nil
}

// Read implements [io.Reader].
func (v *View) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if v.at >= v.Size() {
		return 0, io.EOF
	}
	if v.at < int64(len(v.header)) {
		n := copy(p, v.header[v.at:])
		v.at += int64(n)
		return n, nil
	}
	at := v.at - int64(len(v.header))
	first := at / 2
	count := min(v.Frames-first, viewFrames, int64(len(p))/2+1)
	in := v.in[:count*v.frame]
	if _, err := v.from.ReadAt(in, v.data+first*v.frame); err != nil {
		return 0, fmt.Errorf("read samples: %w", err) // an EOF too: the file became shorter
	}
	v.out = v.out[:0]
	for ; len(in) > 0; in = in[v.frame:] {
		v.out = binary.LittleEndian.AppendUint16(v.out, uint16(v.sample(in[:v.frame])))
	}
	n := copy(p, v.out[at%2:])
	v.at += int64(n)
	return n, nil
}

// sample makes the view's sample of a frame.
func (v *View) sample(frame []byte) int16 {
	if v.channel != Mix {
		return int16(binary.LittleEndian.Uint16(frame[2*v.channel:]))
	}
	sum := 0
	for c := 0; c < len(frame); c += 2 {
		sum += int(int16(binary.LittleEndian.Uint16(frame[c:])))
	}
	return limit(sum)
}

// knee is the level from which on [limit] attenuates: 2.5 dB below full scale.
const knee = 24_576

// limit brings the sum of channels into 16 bits: as it is up to the knee, from
// there on ever more attenuated, so that it neither wraps nor clips hard. It
// depends on nothing but the sum, and so a part of a view is the same as in
// the whole.
func limit(sum int) int16 {
	const room = math.MaxInt16 - knee
	level := sum
	if level < 0 {
		level = -level
	}
	if level <= knee {
		return int16(sum)
	}
	soft := knee + room*math.Tanh(float64(level-knee)/room)
	return int16(math.Copysign(soft, float64(sum)))
}
