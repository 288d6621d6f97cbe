package earshot

import (
	"errors"
	"time"
)

// Errors that more than one package branches on. The SIP side maps them to a
// status and a Warning in one table, the HTTP side in another.
var (
	// ErrNotFound says that there is no such call, file or job.
	ErrNotFound = errors.New("not found")
	// ErrNoCommonCodec says that no offered format can be recorded (SIP 488).
	ErrNoCommonCodec = errors.New("no common codec")
	// ErrMediaSecurity says that the media is not encrypted as it must be, or
	// in no way that is understood (SIP 488).
	ErrMediaSecurity = errors.New("media is not encrypted as it must be")
	// ErrNoPorts says that the RTP port range is used up (SIP 503).
	ErrNoPorts = errors.New("no free RTP port")
	// ErrDiskReserve says that the data disk is down to its reserve (SIP 503).
	ErrDiskReserve = errors.New("data disk is down to its reserve")
	// ErrDraining says that the server takes no new calls (SIP 503).
	ErrDraining = errors.New("draining")
	// ErrExists says that what was to be made is there already (HTTP 409).
	ErrExists = errors.New("exists already")
	// ErrChanged says that what was to be changed is no longer as it was read
	// (HTTP 412).
	ErrChanged = errors.New("has changed since it was read")
	// ErrManaged says that what was to be changed comes from a file (HTTP 409).
	ErrManaged = errors.New("comes from a file")
	// ErrNotEnded says that the call goes on, or its transcript does (HTTP 409).
	ErrNotEnded = errors.New("call has not ended or is still being transcribed")
	// ErrRunning says that what was asked for is being done already (HTTP 409).
	ErrRunning = errors.New("is being done already")
	// ErrNoEngine says that an engine is not among those of the settings (HTTP 422).
	ErrNoEngine = errors.New("engine is not configured")
	// ErrEnded says that the call is over (HTTP 409).
	ErrEnded = errors.New("call has ended")
	// ErrGone says that a receiver wants no more deliveries (HTTP 410).
	ErrGone = errors.New("receiver wants no more")
)

// PermanentError marks an error that trying again will not mend. Whatever is
// not marked is transient.
type PermanentError struct{ Err error }

func (e *PermanentError) Error() string { return e.Err.Error() }

func (e *PermanentError) Unwrap() error { return e.Err }

// Permanent marks err as permanent; nil stays nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &PermanentError{Err: err}
}

// RetryAfterError is a transient error whose sender said when to come back.
type RetryAfterError struct {
	Err   error
	After time.Duration
}

func (e *RetryAfterError) Error() string { return e.Err.Error() }

func (e *RetryAfterError) Unwrap() error { return e.Err }
