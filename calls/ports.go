package calls

import (
	"context"
	"net/netip"
	"time"

	"earshot"
)

// Store is the truth about calls.
type Store interface {
	Apply(ctx context.Context, c earshot.Commit) ([]earshot.Event, error)
	// Call returns earshot.ErrNotFound for an unknown call.
	Call(ctx context.Context, id earshot.CallID) (earshot.Call, error)
	// LiveCalls returns the calls in state live.
	LiveCalls(ctx context.Context) ([]earshot.Call, error)
	// OpenTranscripts returns the calls whose transcript is not complete.
	OpenTranscripts(ctx context.Context) ([]earshot.Call, error)
	// EndedSince returns the calls that ended at t or later.
	EndedSince(ctx context.Context, t time.Time) ([]earshot.Call, error)
	Watermarks(ctx context.Context, id earshot.CallID) ([]earshot.Watermark, error)
	Dialogs(ctx context.Context) ([]earshot.Dialog, error)
}

// StreamSpec says which stream to receive.
type StreamSpec struct {
	CallID   earshot.CallID
	StreamID earshot.StreamID
	Formats  []earshot.Format
	// Port is the port to bind, 0 for any free one.
	Port int
	// RTCPMux says that RTCP shares the RTP port (RFC 5761).
	RTCPMux bool
	// RemoteRTCP is where the SDP of the sender awaits reports; invalid if it
	// names no address.
	RemoteRTCP netip.AddrPort
	// XR are the extended reports that were asked for.
	XR earshot.XR
	// Resume goes on with a recording of an earlier process.
	Resume bool
	// Security is how the packets are protected, nil if they are not.
	Security *earshot.Security
	// Paused begins with nothing kept.
	Paused bool
}

// Media receives and records streams.
type Media interface {
	// Accept returns the offered formats that can be recorded, in the offer's
	// order, or earshot.ErrNoCommonCodec.
	Accept(offered []earshot.Format) ([]earshot.Format, error)
	// Open starts receiving; earshot.ErrNoPorts when the range is used up.
	Open(spec StreamSpec) (Receiver, error)
	// Recorded returns the recording of a stream that nobody receives any more.
	Recorded(call earshot.CallID, stream earshot.StreamID) (Source, error)
	// Tones returns the keys that were heard as tones in the call's audio, without
	// participants. Unless digits are kept it takes them out of the recordings
	// first. Each time it returns the same ones, under the same IDs.
	Tones(ctx context.Context, call earshot.Call) ([]earshot.Mark, error)
	// Render writes the call's WAV file from the recordings of its streams.
	Render(ctx context.Context, call earshot.Call) (earshot.Recording, error)
	// Opus makes an Ogg/Opus file of the call's WAV file.
	Opus(ctx context.Context, call earshot.Call) (earshot.SoundFile, error)
}

// Source is the audio of one stream: mono PCM at Rate samples per second.
type Source interface {
	Rate() int
	// ReadAt fills pcm from pos on. Fewer samples and no error: the rest has not
	// settled yet. io.EOF: the stream is over. Safe for concurrent use.
	ReadAt(pcm []int16, pos earshot.Position) (int, error)
	// Started returns the wall clock of position 0, false before the first
	// packet.
	Started() (time.Time, bool)
	// LastPacket returns the arrival of the last packet, zero before the first.
	LastPacket() time.Time
	Stats() earshot.StreamStats
}

// Receiver is a stream being received.
type Receiver interface {
	Source
	Port() int
	// Codec names the format of the last packet: "PCMU/8000".
	Codec() string
	SetFormats(formats []earshot.Format)
	// SetReports takes over where RTCP goes and what is to be in it.
	SetReports(agreed earshot.StreamMedia)
	// SetSecurity replaces the protection of the packets; nil means none.
	SetSecurity(security *earshot.Security) error
	// SetPaused stops or goes on keeping what comes; it is counted all the same.
	SetPaused(paused bool)
	// Marks returns what happened on the stream since the last call. A mark that
	// has gone on comes again under its ID.
	Marks() []earshot.StreamMark
	// Close takes what is still in the socket, writes it, and returns when it
	// is on disk. The receiver can still be read.
	Close() error
}

// Transcriber turns streams into utterances.
type Transcriber interface {
	// Add starts with the stream at a watermark. The utterances come to
	// [Manager.Final], the last of them with a completed watermark.
	Add(call earshot.CallID, stream earshot.StreamID, src Source, from earshot.Watermark)
	// End says that the source is over.
	End(stream earshot.StreamID)
}
