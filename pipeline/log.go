package pipeline

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/ThreeDotsLabs/watermill"
)

// natsLogger brings the log of the server in the process to slog: what it
// holds for an error as a warning, all else at debug.
type natsLogger struct{ log *slog.Logger }

func (l natsLogger) debug(format string, v []any) {
	l.log.Debug("nats-server", "text", fmt.Sprintf(format, v...))
}

func (l natsLogger) warn(format string, v []any) {
	l.log.Warn("nats-server reports an error", "text", fmt.Sprintf(format, v...))
}

func (l natsLogger) Noticef(format string, v ...any) { l.debug(format, v) }
func (l natsLogger) Warnf(format string, v ...any)   { l.debug(format, v) }
func (l natsLogger) Errorf(format string, v ...any)  { l.warn(format, v) }
func (l natsLogger) Fatalf(format string, v ...any)  { l.warn(format, v) }
func (l natsLogger) Debugf(format string, v ...any)  { l.debug(format, v) }
func (l natsLogger) Tracef(format string, v ...any)  { l.debug(format, v) }

// errStopping refuses a message because the router is going down. It comes
// again after the start.
var errStopping = errors.New("router is stopping")

// quietLogger is watermill's log one level down: what matters of it the router
// logs itself. Errors that only mean that the router is going down are left
// out.
type quietLogger struct {
	watermill.LoggerAdapter
	stopping func() bool
}

func newWatermillLogger(log *slog.Logger) watermill.LoggerAdapter {
	return watermill.NewSlogLoggerWithLevelMapping(log, map[slog.Level]slog.Level{
		slog.LevelInfo:  slog.LevelDebug,
		slog.LevelError: slog.LevelWarn,
	})
}

func (l quietLogger) Error(msg string, err error, fields watermill.LogFields) {
	var handled *handledError
	if l.stopping() || errors.Is(err, errStopping) || errors.As(err, &handled) {
		l.Debug(msg, fields.Add(watermill.LogFields{"error": err}))
		return
	}
	l.LoggerAdapter.Error(msg, err, fields)
}

func (l quietLogger) With(fields watermill.LogFields) watermill.LoggerAdapter {
	return quietLogger{l.LoggerAdapter.With(fields), l.stopping}
}

// handledError is an error the router has dealt with and logged itself.
type handledError struct{ err error }

func (e *handledError) Error() string { return e.err.Error() }

func (e *handledError) Unwrap() error { return e.err }
