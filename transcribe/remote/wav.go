package remote

import "encoding/binary"

// WAV returns a RIFF file of 16-bit mono PCM.
func WAV(pcm []int16, rate int) []byte {
	const header, sample = 44, 2
	data := len(pcm) * sample
	b := make([]byte, 0, header+data)
	le := binary.LittleEndian
	b = le.AppendUint32(append(b, "RIFF"...), uint32(header-8+data))
	b = le.AppendUint32(append(b, "WAVEfmt "...), 16)
	b = le.AppendUint16(b, 1) // PCM
	b = le.AppendUint16(b, 1) // one channel
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*sample))
	b = le.AppendUint16(b, sample)
	b = le.AppendUint16(b, 8*sample)
	b = le.AppendUint32(append(b, "data"...), uint32(data))
	return append(b, Linear16(pcm)...)
}

// Linear16 returns the samples as little-endian octets.
func Linear16(pcm []int16) []byte {
	b := make([]byte, 0, 2*len(pcm))
	for _, s := range pcm {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}
