// Package record keeps the recording master: a log of the RTP packets of each
// stream as they arrived, each with its position on the stream's timeline. It
// writes the log, recovers it after a crash, reads it as PCM and renders the
// WAV file of a call.
package record

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"earshot"
)

// A segment file is a header and then records, all numbers big-endian:
//
//	header: magic (8) version (2) reserved (2) length (4) JSON CRC (4)
//	record: CRC (4) payload length (2) flags (1) PT (1) position (8)
//	        arrival (8) duration (2) sequence (2) timestamp (4) SSRC (4) payload
//
// A CRC is CRC-32C (RFC 3720 B.4) of all that comes before it in the header
// and of all that comes after it in a record.
const (
	magic         = "RTPLOG\r\n"
	version       = 1
	headerSize    = 16 // without JSON and CRC
	recordSize    = 36 // without the payload
	maxHeaderJSON = 64 << 10
	maxPayload    = 1<<16 - 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	// ErrTorn says that a file ends within a header or record: the writer was
	// stopped there.
	ErrTorn = errors.New("ends within a record")
	// ErrDamaged says that bytes are not what was written.
	ErrDamaged = errors.New("damaged")
)

// Flags of a packet.
type Flags uint8

// The flags.
const (
	// Marker is the M bit of RTP.
	Marker Flags = 1 << iota
	// Silent packets carry no audio: comfort noise, telephone events. The
	// payload of an event is not kept, because it may be a digit of a card.
	Silent
	// Unanswered packets came in a format that the answer had not named.
	Unanswered
	// Late packets came after the reorder window.
	Late
	// Repaired packets did not come: their audio came with a later one
	// (RFC 2198).
	Repaired
	// Paused packets came while recording was paused. They are Silent: their
	// payload is not kept. What is left of them keeps the timeline and the
	// counts of a stream over a restart.
	Paused
	// Masked packets held a tone of a telephone key. They are Silent: [Scrub]
	// has made their payload zeros.
	Masked
)

// Packet is one record of the log.
type Packet struct {
	// Position is where the audio begins on the stream's timeline; it was
	// decided when the packet arrived.
	Position earshot.Position
	// Duration is the length of the audio.
	Duration earshot.Position
	// Arrival is in nanoseconds since 1970.
	Arrival     int64
	SSRC        uint32
	Timestamp   uint32
	Seq         uint16
	PayloadType uint8
	Flags       Flags
	// Payload belongs to whoever made the packet.
	Payload []byte
	// Format is what the payload type meant. It is not part of the record but
	// of the segment's header.
	Format *earshot.Format
}

// End returns where the audio ends.
func (p *Packet) End() earshot.Position { return p.Position + p.Duration }

// appendRecord appends the packet as it stands in a file.
func appendRecord(dst []byte, p *Packet) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(p.Payload)))
	dst = append(dst, byte(p.Flags), p.PayloadType)
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.Position))
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.Arrival))
	dst = binary.BigEndian.AppendUint16(dst, uint16(p.Duration))
	dst = binary.BigEndian.AppendUint16(dst, p.Seq)
	dst = binary.BigEndian.AppendUint32(dst, p.Timestamp)
	dst = binary.BigEndian.AppendUint32(dst, p.SSRC)
	dst = append(dst, p.Payload...)
	binary.BigEndian.PutUint32(dst[start:], crc32.Checksum(dst[start+4:], castagnoli))
	return dst
}

// parseRecord reads the record at the start of b and returns its size. The
// payload points into b.
func parseRecord(b []byte) (p Packet, size int, err error) {
	if len(b) < recordSize {
		return p, 0, ErrTorn
	}
	size = recordSize + int(binary.BigEndian.Uint16(b[4:]))
	if len(b) < size {
		return p, 0, ErrTorn
	}
	if crc32.Checksum(b[4:size], castagnoli) != binary.BigEndian.Uint32(b) {
		return p, 0, ErrDamaged
	}
	p = Packet{
		Flags: Flags(b[6]), PayloadType: b[7],
		Position:  earshot.Position(binary.BigEndian.Uint64(b[8:])),
		Arrival:   int64(binary.BigEndian.Uint64(b[16:])),
		Duration:  earshot.Position(binary.BigEndian.Uint16(b[24:])),
		Seq:       binary.BigEndian.Uint16(b[26:]),
		Timestamp: binary.BigEndian.Uint32(b[28:]),
		SSRC:      binary.BigEndian.Uint32(b[32:]),
		Payload:   b[recordSize:size],
	}
	return p, size, nil
}

// header is what a segment file says of itself, as JSON.
type header struct {
	CallID   earshot.CallID   `json:"call_id"`
	StreamID earshot.StreamID `json:"stream_id"`
	Segment  int              `json:"segment"`
	// Origin is the wall clock of position 0.
	Origin  time.Time        `json:"origin"`
	Formats []earshot.Format `json:"formats"`
}

func (h *header) encode() ([]byte, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("header of a segment: %w", err)
	}
	if len(text) > maxHeaderJSON {
		return nil, fmt.Errorf("header of a segment: %d octets are too many", len(text))
	}
	b := append(make([]byte, 0, headerSize+len(text)+4), magic...)
	b = binary.BigEndian.AppendUint16(b, version)
	b = binary.BigEndian.AppendUint16(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
	b = append(b, text...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)), nil
}

// readHeader reads a header and returns its size in the file.
func readHeader(r io.Reader) (*header, int64, error) {
	b := make([]byte, headerSize, headerSize+1024)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, 0, torn(err)
	}
	size := binary.BigEndian.Uint32(b[12:])
	if string(b[:len(magic)]) != magic || size > maxHeaderJSON {
		return nil, 0, fmt.Errorf("header %w", ErrDamaged)
	}
	if v := binary.BigEndian.Uint16(b[8:]); v != version {
		return nil, 0, fmt.Errorf("version %d of the log is unknown", v)
	}
	b = append(b, make([]byte, size+4)...)
	if _, err := io.ReadFull(r, b[headerSize:]); err != nil {
		return nil, 0, torn(err)
	}
	text := b[headerSize : headerSize+size]
	if crc32.Checksum(b[:headerSize+size], castagnoli) != binary.BigEndian.Uint32(b[headerSize+size:]) {
		return nil, 0, fmt.Errorf("header %w", ErrDamaged)
	}
	var h header
	if err := json.Unmarshal(text, &h); err != nil {
		return nil, 0, fmt.Errorf("header: %w", err)
	}
	return &h, int64(len(b)), nil
}

func torn(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrTorn
	}
	return err
}
