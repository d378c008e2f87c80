package cli

import (
	"cmp"
	"context"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/internal/runlog"
)

// interruption is what a command does when it is interrupted, besides that its context ends.
type interruption struct {
	mu sync.Mutex
	// stays is what remains when the command is ended at once, code its exit code then.
	stays string
	code  int
	// atOnce hands over the rest of stays, then writes what there is to write; it is given abortGrace for each. nil for
	// nothing.
	atOnce func(list chan<- string) error
	// logger takes the first signal; nil has it printed.
	logger hclog.Logger
}

// onSignal sets what is said at the first signal, and at the second what remains and with which exit code.
func (s *settings) onSignal(code int, stays string, logger hclog.Logger) {
	s.interruption.mu.Lock()
	defer s.interruption.mu.Unlock()
	s.interruption.stays, s.interruption.code, s.interruption.logger = stays, code, logger
}

const (
	// abortGrace is how long a last message may take.
	abortGrace = 250 * time.Millisecond
	// echoes is how long after the first Ctrl-C or SIGTERM another is the same wish: timeout(1) and wrappers signal a
	// command and then its process group.
	echoes = 300 * time.Millisecond
)

// onAbort sets what is done at the second signal.
func (s *settings) onAbort(atOnce func(list chan<- string) error) {
	s.interruption.mu.Lock()
	defer s.interruption.mu.Unlock()
	s.interruption.atOnce = atOnce
}

// untilSignal returns a context that ends with the first signal. A second Ctrl-C or SIGTERM ends the process at once,
// whatever blocks: this goroutine waits for nothing but signals, not for what it says either. SIGHUP is nobody's wish
// for that and does not count: of one terminal that is closed shell and kernel send one each, and systemd one right
// after SIGTERM.
func (s *settings) untilSignal(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		s.watchSignals(cancel, over)
	}()
	return ctx, func() {
		close(over)
		<-done
		cancel()
	}
}

// watchSignals returns when it is over and what was to be said is said.
func (s *settings) watchSignals(cancel context.CancelFunc, over <-chan struct{}) {
	var said chan struct{}
	var asked time.Time // by the first that is no SIGHUP
	for {
		select {
		case <-over:
			if said == nil || over == said {
				return
			}
			over = said
		case sig := <-s.app.Signals:
			switch {
			case sig == syscall.SIGHUP:
			case asked.IsZero():
				asked = time.Now()
			case time.Since(asked) >= echoes:
				s.abort()
				<-said
				return
			}
			if said == nil {
				cancel()
				said = make(chan struct{})
				go func() {
					defer close(said)
					s.sayInterrupted(sig)
				}()
			}
		}
	}
}

func (s *settings) sayInterrupted(sig os.Signal) {
	s.interruption.mu.Lock()
	logger := s.interruption.logger
	s.interruption.mu.Unlock()
	if logger != nil {
		logger.Info("shutting down; a second Ctrl-C or SIGTERM forces exit", "signal", sig.String())
		return
	}
	s.app.say("runner: interrupted; a second Ctrl-C or SIGTERM forces exit\n")
}

// abort ends the process; nobody may be reading what it says.
func (s *settings) abort() {
	text := "runner: forced exit"
	s.interruption.mu.Lock()
	if s.interruption.stays != "" {
		text += "; " + s.interruption.stays
	}
	code, atOnce := cmp.Or(s.interruption.code, ExitFailure), s.interruption.atOnce
	s.interruption.mu.Unlock()
	if atOnce != nil {
		text += lastWords(atOnce)
	}
	_ = runlog.WriteWithin(s.app.Stderr, abortGrace, []byte(text+"\n"))
	s.app.Abort(code)
}

// lastWords returns what remains when a run is ended at once, as far as it is known in time.
func lastWords(atOnce func(list chan<- string) error) string {
	list, written := make(chan string, 1), make(chan error, 1)
	go func() { written <- atOnce(list) }()
	var text string
	select {
	case text = <-list:
	case <-time.After(abortGrace):
		return "\nopen orders could not be listed: check at the venue"
	}
	select {
	case err := <-written:
		if err != nil {
			text += "\n" + err.Error()
		}
	case <-time.After(abortGrace):
		text += "\nsummary not written: it took too long"
	}
	return text
}
