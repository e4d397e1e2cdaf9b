package sfu

import (
	"log/slog"

	"github.com/pion/logging"
)

// pionLog lets Pion's errors and warnings through, without what they are
// about: its messages hold addresses and SDP. Of a formatted message the
// format is kept, of a finished one only its place.
type pionLog struct{ log *slog.Logger }

// NewLogger for one of Pion's parts.
func (p pionLog) NewLogger(scope string) logging.LeveledLogger {
	return pionScope{p.log.With("scope", scope)}
}

type pionScope struct{ log *slog.Logger }

func (s pionScope) say(format string) {
	s.log.Debug("pion", slog.String("format", format))
}

func (pionScope) Trace(string)                     {}
func (pionScope) Tracef(string, ...any)            {}
func (pionScope) Debug(string)                     {}
func (pionScope) Debugf(string, ...any)            {}
func (pionScope) Info(string)                      {}
func (pionScope) Infof(string, ...any)             {}
func (s pionScope) Warn(string)                    { s.say("") }
func (s pionScope) Warnf(format string, _ ...any)  { s.say(format) }
func (s pionScope) Error(string)                   { s.say("") }
func (s pionScope) Errorf(format string, _ ...any) { s.say(format) }
