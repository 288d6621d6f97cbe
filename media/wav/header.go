// Package wav reads and writes WAV files of 16-bit PCM, and RF64 files
// (EBU Tech 3306) where 4 GiB are not enough.
package wav

import (
	"encoding/binary"
	"math"
)

// Format of 16-bit PCM.
type Format struct {
	Rate     int // samples per second
	Channels int
}

// FrameSize returns the octets of one sample of every channel.
func (f Format) FrameSize() int { return 2 * f.Channels }

const (
	riffHeaderSize = 44
	rf64HeaderSize = 80
	// unknown stands where a 32-bit size does not fit (EBU Tech 3306 3.3).
	unknown = math.MaxUint32
)

// Header returns the header of a file of that many frames: RIFF, or RF64 with
// a ds64 chunk if the sizes need more than 32 bits.
func Header(f Format, frames int64) []byte {
	data := uint64(frames) * uint64(f.FrameSize())
	if data+riffHeaderSize-8 > math.MaxUint32 {
		return rf64Header(f, uint64(frames), data)
	}
	h := make([]byte, 0, riffHeaderSize)
	h = appendChunk(h, "RIFF", uint32(data+riffHeaderSize-8))
	h = append(h, "WAVE"...)
	h = appendFmt(h, f)
	return appendChunk(h, "data", uint32(data))
}

func rf64Header(f Format, frames, data uint64) []byte {
	h := make([]byte, 0, rf64HeaderSize)
	h = appendChunk(h, "RF64", unknown)
	h = append(h, "WAVE"...)
	h = appendChunk(h, "ds64", 28)
	h = binary.LittleEndian.AppendUint64(h, data+rf64HeaderSize-8)
	h = binary.LittleEndian.AppendUint64(h, data)
	h = binary.LittleEndian.AppendUint64(h, frames)
	h = binary.LittleEndian.AppendUint32(h, 0) // no table
	h = appendFmt(h, f)
	return appendChunk(h, "data", unknown)
}

func appendChunk(h []byte, id string, size uint32) []byte {
	return binary.LittleEndian.AppendUint32(append(h, id...), size)
}

func appendFmt(h []byte, f Format) []byte {
	h = appendChunk(h, "fmt ", 16)
	h = binary.LittleEndian.AppendUint16(h, formatPCM)
	h = binary.LittleEndian.AppendUint16(h, uint16(f.Channels))
	h = binary.LittleEndian.AppendUint32(h, uint32(f.Rate))
	h = binary.LittleEndian.AppendUint32(h, uint32(f.Rate*f.FrameSize()))
	h = binary.LittleEndian.AppendUint16(h, uint16(f.FrameSize()))
	return binary.LittleEndian.AppendUint16(h, 16)
}

// AppendPCM appends samples as they stand in a file.
func AppendPCM(dst []byte, pcm []int16) []byte {
	for _, s := range pcm {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(s))
	}
	return dst
}
