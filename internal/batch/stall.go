package batch

import (
	"fmt"
	"sync"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
)

// stallWatch reports when a running job no longer makes progress: a strategy that hangs looks like one that computes.
type stallWatch struct {
	last  backtest.Progress
	moved chan struct{}
	done  sync.WaitGroup
}

// watchStalls begins to watch a job. It reports once each time that the job makes no progress for cfg.StallAfter.
func (r *runner) watchStalls(job string) *stallWatch {
	w := &stallWatch{moved: make(chan struct{}, 1)}
	w.done.Go(func() {
		timer := time.NewTimer(r.cfg.StallAfter)
		defer timer.Stop()
		for {
			select {
			case _, goesOn := <-w.moved:
				if !goesOn {
					return
				}
				timer.Reset(r.cfg.StallAfter)
			case <-timer.C:
				r.event(Event{Kind: EventWarning, Job: job, Text: fmt.Sprintf("no progress for %v: the strategy computes, waits or hangs; "+
					"Ctrl-C ends the backtest and keeps what is finished", r.cfg.StallAfter)})
			}
		}
	})
	return w
}

// step notes how far the job is. It is called by one goroutine at a time, and not after stop.
func (w *stallWatch) step(p backtest.Progress) {
	if p == w.last {
		return
	}
	w.last = p
	select {
	case w.moved <- struct{}{}:
	default: // it is about to look
	}
}

// stop ends the watch.
func (w *stallWatch) stop() {
	close(w.moved)
	w.done.Wait()
}
