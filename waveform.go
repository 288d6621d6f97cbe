package earshot

// Waveform is the extremes of a recording, drawn without the audio: the JSON
// data format, version 2, of BBC audiowaveform.
type Waveform struct {
	Version    int `json:"version"`
	Channels   int `json:"channels"`
	SampleRate int `json:"sample_rate"`
	// SamplesPerPixel is how many samples of a channel make one point.
	SamplesPerPixel int `json:"samples_per_pixel"`
	Bits            int `json:"bits"`
	// Length is the number of points.
	Length int `json:"length"`
	// Data are, point by point, the minimum and the maximum of each channel.
	Data []int8 `json:"data"`
}

// NewWaveform returns a waveform without points, of 8 bits.
func NewWaveform(channels, sampleRate, samplesPerPixel int) Waveform {
	return Waveform{
		Version: 2, Channels: channels, SampleRate: sampleRate, SamplesPerPixel: samplesPerPixel,
		Bits: 8, Data: []int8{},
	}
}

// Whole reports whether the fields agree with each other.
func (w Waveform) Whole() bool {
	return w.Version == 2 && w.Bits == 8 && w.Channels > 0 && w.SamplesPerPixel > 0 &&
		len(w.Data) == 2*w.Channels*w.Length
}

// Fewer returns the waveform in at most that many points, each the extremes of
// as many neighbours. It is w itself if w has no more.
func (w Waveform) Fewer(points int) Waveform {
	if points < 1 || w.Length <= points {
		return w
	}
	factor := (w.Length + points - 1) / points
	out := NewWaveform(w.Channels, w.SampleRate, w.SamplesPerPixel*factor)
	size := 2 * w.Channels
	for at := 0; at < w.Length; at += factor {
		point := append([]int8(nil), w.Data[at*size:(at+1)*size]...)
		for next := at + 1; next < min(at+factor, w.Length); next++ {
			for c := 0; c < size; c += 2 {
				point[c] = min(point[c], w.Data[next*size+c])
				point[c+1] = max(point[c+1], w.Data[next*size+c+1])
			}
		}
		out.Data = append(out.Data, point...)
		out.Length++
	}
	return out
}
