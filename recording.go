package earshot

// Recording is the rendered file of a call: a WAV file of 16-bit PCM with a
// channel per stream. It does not change once made.
type Recording struct {
	// SHA256 is the checksum of the whole file, in hexadecimal.
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	// Rate is in samples per second.
	Rate       int   `json:"rate"`
	Channels   int   `json:"channels"`
	DurationMS int64 `json:"duration_ms"`
	// Opus is the same in Ogg/Opus, nil if it is not made, or not yet.
	Opus *SoundFile `json:"opus,omitempty"`
}

// SoundFile is a file made of a recording.
type SoundFile struct {
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}
