package runner

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// terminal makes a terminal: closing screen closes it, program is the side that programs have.
func terminal(t *testing.T) (screen, program *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	raw, err := screen.SyscallConn() // Fd would let its reads block beyond Close
	if err != nil {
		t.Fatal(err)
	}
	no, unlocked := 0, error(nil)
	if raw.Control(func(fd uintptr) {
		unlocked = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0)
		no, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
	}) != nil || unlocked != nil || err != nil {
		t.Fatal(unlocked, err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", no), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return screen, program
}

// TestTerminalIsClosed: a run whose terminal is closed ends as any other, and its exit code is that of the run although nobody is
// there to read its summary.
func TestTerminalIsClosed(t *testing.T) {
	t.Parallel()
	e := newExchange(t, testexchange.BinanceFutures)
	w := newWorkspace(t, e.ladder(t, "", "orders = 5"))
	screen, program := terminal(t)
	cmd, out := w.runner("run", "--summary", "out.json")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = program.Close()
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		_, _ = io.Copy(io.Discard, screen)
	}()
	within(t, "open orders", out, func() bool { return len(e.open()) == 5 })
	if err := screen.Close(); err != nil {
		t.Fatal(err)
	}
	<-shown
	code := w.wait(cmd)
	if s := w.summary(); code != 0 || len(e.open()) != 0 || len(s.UnconfirmedOrders) != 0 {
		t.Errorf("exit code %d, %d orders are open, %+v", code, len(e.open()), s)
	}
}
