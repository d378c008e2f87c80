package cli

import (
	"context"
	"io"
	"os"
	"syscall"
	"testing"
	"time"
)

// TestSignalAtTheEnd: a signal that comes just when a command is done leaves nothing behind that is still speaking.
func TestSignalAtTheEnd(t *testing.T) {
	for i := range 2000 {
		signals := make(chan os.Signal, 1)
		s := &settings{app: &App{Stderr: io.Discard, Signals: signals, Abort: func(int) { t.Error("aborted") }}}
		_, stop := s.untilSignal(context.Background())
		go func() {
			time.Sleep(time.Duration(i%20) * time.Microsecond)
			signals <- syscall.SIGINT
		}()
		time.Sleep(time.Duration(i%7) * time.Microsecond)
		stop()
	}
}
