// Package ogg makes Ogg/Opus files (RFC 3533, RFC 7845) of recordings.
package ogg

import (
	"encoding/binary"
	"errors"
	"io"
)

// Flags of a page (RFC 3533 6).
const (
	beginOfStream = 2
	endOfStream   = 4
)

const (
	pageHeaderSize = 27
	maxSegments    = 255
	// maxPacket is the longest packet that this writer takes: pages hold whole
	// packets only.
	maxPacket = maxSegments*255 - 1
)

var errPacketSize = errors.New("packet longer than a page")

// pages writes packets into the pages of one logical stream (RFC 3533).
type pages struct {
	w        io.Writer
	serial   uint32
	sequence uint32
	flags    byte
	granule  uint64 // of the last packet in the page
	segments []byte
	body     []byte
	buf      []byte
}

// room reports whether a packet fits into the page in the making.
func (p *pages) room(packet []byte) bool {
	return len(p.segments)+len(packet)/255+1 <= maxSegments
}

// add puts a packet into the page; granule is the position at its end.
func (p *pages) add(packet []byte, granule uint64) error {
	if len(packet) > maxPacket {
		return errPacketSize
	}
	if !p.room(packet) {
		if err := p.flush(0); err != nil {
			return err
		}
	}
	for n := len(packet); ; n -= 255 { // lacing values, the last below 255
		p.segments = append(p.segments, byte(min(n, 255)))
		if n < 255 {
			break
		}
	}
	p.body = append(p.body, packet...)
	p.granule = granule
	return nil
}

// flush writes the page, if there is anything in it.
func (p *pages) flush(flags byte) error {
	if len(p.segments) == 0 {
		return nil
	}
	h := append(p.buf[:0], "OggS\x00"...)
	h = append(h, flags)
	h = binary.LittleEndian.AppendUint64(h, p.granule)
	h = binary.LittleEndian.AppendUint32(h, p.serial)
	h = binary.LittleEndian.AppendUint32(h, p.sequence)
	h = binary.LittleEndian.AppendUint32(h, 0) // the CRC is made with 0 in its place
	h = append(h, byte(len(p.segments)))
	h = append(append(h, p.segments...), p.body...)
	binary.LittleEndian.PutUint32(h[22:], checksum(h))
	p.buf, p.segments, p.body = h, p.segments[:0], p.body[:0]
	p.sequence++
	_, err := p.w.Write(h)
	return err
}

// crcTable is of the polynomial 0x04c11db7, highest bit first, as hash/crc32
// has it only the other way round.
var crcTable = func() (table [256]uint32) {
	for i := range table {
		r := uint32(i) << 24
		for range 8 {
			if r&0x8000_0000 != 0 {
				r = r<<1 ^ 0x04c1_1db7
			} else {
				r <<= 1
			}
		}
		table[i] = r
	}
	return table
}()

func checksum(b []byte) uint32 {
	var crc uint32
	for _, c := range b {
		crc = crc<<8 ^ crcTable[byte(crc>>24)^c]
	}
	return crc
}
