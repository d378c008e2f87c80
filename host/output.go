package host

import (
	"cmp"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/runlog"
)

// output is the log file of a strategy, into which its processes write, two of them during a hot restart. The
// supervisor's goroutine uses it.
type output struct {
	file *runlog.File
	log  *runlog.Log // nil before the first process
}

// outputGrace is the time allowed for writing the end of a strategy's log.
const outputGrace = time.Second

func newOutput(stateDir, strategy string, limits StrategyLogs, host hclog.Logger) *output {
	path := filepath.Join(stateDir, "logs", strategy+".log")
	return &output{file: runlog.NewFile(runlog.FileConfig{Path: path, Megabytes: cmp.Or(limits.Megabytes, 10), Files: cmp.Or(limits.Files, 10),
		Trouble: func(err error, lost int) {
			if err != nil {
				host.Warn("cannot write the strategy's log; the strategy keeps running without it", "file", path, "error", err)
			} else {
				host.Info("the strategy's log can be written again", "file", path, "lost_lines", lost)
			}
		}})}
}

// open returns the logger of everything that a process says.
func (o *output) open() hclog.Logger {
	if o.log == nil {
		o.log = runlog.New(runlog.Config{Level: hclog.Trace, Out: control.PlainWriter{Writer: o.file}, Verbatim: true})
	}
	return o.log.Logger()
}

// close writes what there is, unless the disk takes too long.
func (o *output) close() {
	if o.log != nil && o.log.Close(outputGrace) {
		o.file.Close()
	}
}
