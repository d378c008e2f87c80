package control

import (
	"io"
	"log/slog"
	"math"

	"github.com/hashicorp/go-hclog"
)

// LogHandler returns a handler of slog for a process that a host has started: it writes entries to w, the process's
// standard error, in the form in which hclog does, at the level that the host logs.
func LogHandler(w io.Writer) slog.Handler {
	names := map[string]string{slog.TimeKey: "@timestamp", slog.LevelKey: "@level", slog.MessageKey: "@message"}
	const step = slog.LevelInfo - slog.LevelDebug // between two levels, and from hclog's trace to debug
	least := slog.LevelInfo + step*slog.Level(launchedLogLevel()-hclog.Info)
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: least,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			name, ok := names[a.Key]
			level, is := a.Value.Any().(slog.Level)
			if len(groups) > 0 || !ok || a.Key == slog.LevelKey && !is ||
				a.Key == slog.TimeKey && a.Value.Kind() != slog.KindTime {
				return a // an author's own attribute
			}
			if is {
				nearest := hclog.Info + hclog.Level(math.Floor(float64(level-slog.LevelInfo)/float64(step)))
				a.Value = slog.StringValue(min(max(nearest, hclog.Trace), hclog.Error).String())
			}
			a.Key = name
			return a
		}})
}
