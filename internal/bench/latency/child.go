package latency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/internal/shm"
)

// childVariable makes a process the peer; its value is what the peer has to know.
const childVariable = "HFTRUNNER_LATENCY_CHILD"

// child is the peer's process as the parent sees it.
type child struct {
	gone   atomic.Bool // it has ended, or answered nonsense
	cmd    *exec.Cmd
	cancel context.CancelFunc
	ended  chan struct{}
	stderr bytes.Buffer // complete once ended is closed
	err    error        // how it ended; set before ended is closed

	mu     sync.Mutex
	reason string
}

// startChild starts the running executable again as the peer.
func startChild(ctx context.Context, l *link, opts Options) (*child, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the running executable to start it as the peer: %w", err)
	}
	childCtx, cancel := context.WithCancel(ctx)
	c := &child{cancel: cancel, ended: make(chan struct{})}
	c.cmd = exec.CommandContext(childCtx, executable)
	c.cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d %d", childVariable, opts.Wait, opts.FeedCapacity,
		opts.ReplyWords))
	c.cmd.ExtraFiles = []*os.File{l.feed.File(), l.private.File()} // descriptors 3 and 4
	c.cmd.Stderr = &c.stderr
	c.cmd.WaitDelay = time.Second
	// Whatever becomes of us, the pipe ends with us, and then the child does.
	if _, err := c.cmd.StdinPipe(); err != nil {
		cancel()
		return nil, fmt.Errorf("pipe to the peer: %w", err)
	}
	if err := c.cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("start the peer: %w", err)
	}
	go func() {
		c.err = c.cmd.Wait()
		c.gone.Store(true)
		close(c.ended)
	}()
	return c, nil
}

// fail records why the measurement with the child failed.
func (c *child) fail(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reason = reason
	c.gone.Store(true)
}

// kill ends the process and waits for its end.
func (c *child) kill() {
	c.cancel()
	<-c.ended
}

// failure kills the child and says what went wrong.
func (c *child) failure(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	reason := c.reason
	c.mu.Unlock()
	if reason != "" {
		return errors.New(reason)
	}
	c.kill()
	text := strings.TrimSpace(c.stderr.String())
	if c.err == nil {
		return fmt.Errorf("the peer process ended early without an error: does main call latency.MaybeChild first? %s",
			text)
	}
	return fmt.Errorf("the peer process ended early: %w: %s", c.err, text)
}

// MaybeChild is called first in main (or TestMain). In a process that RoundTrip started as its peer it does the peer's
// work and returns true: the program must then exit. Otherwise it does nothing and returns false. If the peer cannot
// do its work it prints why and exits with status 1.
func MaybeChild() bool {
	value, ok := os.LookupEnv(childVariable)
	if !ok {
		return false
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent's end of the pipe is closed, by its death if need be
		os.Exit(0)
	}()
	if err := runChild(value); err != nil {
		fmt.Fprintln(os.Stderr, "latency: peer:", err)
		os.Exit(1)
	}
	return true
}

func runChild(value string) error {
	var wait Wait
	var feedCapacity, replyWords int
	if _, err := fmt.Sscan(value, &wait, &feedCapacity, &replyWords); err != nil {
		return fmt.Errorf("%s=%q: it is set by the parent only: %w", childVariable, value, err)
	}
	l, err := openLink(3, 4)
	if err != nil {
		return err
	}
	if err := shm.CheckBroadcast(l.feed.Size(), 0, feedCapacity); err != nil {
		return errors.Join(err, l.close())
	}
	if err := shm.CheckQueue(l.private.Size(), offReplies, replyCapacity, replyWords); err != nil {
		return errors.Join(err, l.close())
	}
	runtime.LockOSThread()
	ponger{
		wait:    wait,
		private: l.private,
		feed:    shm.NewBroadcastReader(l.feed, 0, feedCapacity),
		replies: shm.NewProducer(l.private, offReplies, replyCapacity, replyWords),
		reply:   make([]uint64, replyWords-1),
		own:     bell{l.private.Word32(offChildParked), l.private.Word32(offChildBell)},
		theirs:  bell{l.private.Word32(offOwnParked), l.private.Word32(offOwnBell)},
	}.run()
	return l.close()
}
