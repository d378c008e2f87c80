package control

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// orphanLimit bounds how long it is tried to end what a plugin has left, orphanPause is between two looks.
	orphanLimit = 2 * time.Second
	orphanPause = time.Millisecond
	// orphanQuiet is the time for which none must have been found if processes came and went during each look: any may
	// have been one that starts the next and ends.
	orphanQuiet = 300 * time.Millisecond
)

// orphan is a process that was killed, or could not be.
type orphan struct {
	pid int
	err error
}

// endMarked ends the processes whose mark is wanted, whatever session, parent, environment or user they have given
// themselves, and those that they start meanwhile. It names those that cannot be ended. Among those that are wanted
// there is none that anybody here waits for: what has become a child of this process is reaped.
func endMarked(wanted func(mark) bool) (left []string) {
	deadline := time.Now().Add(orphanLimit)
	zombies := make(map[int]bool)
	for quietSince := time.Now(); ; {
		now := time.Now()
		alive, sure := killMarked(wanted, zombies, true)
		switch {
		case len(alive) == 0 && (sure || now.Sub(quietSince) > orphanQuiet):
			return nil
		case len(alive) == 0:
			time.Sleep(orphanPause)
			continue
		case now.After(deadline):
			for _, o := range alive {
				left = append(left, o.String())
			}
			return left
		}
		time.Sleep(orphanPause)
		quietSince = time.Now()
	}
}

// findMarked names the processes whose mark is wanted.
func findMarked(wanted func(mark) bool) (names []string) {
	for _, pid := range processes() {
		if is, _ := isMarked(pid, wanted); is && !ended(pid) {
			names = append(names, orphan{pid: pid}.String())
		}
	}
	return names
}

// killMarked kills the processes whose mark is wanted and returns which it has found. The newest come first, so that
// one that starts the next and ends is met before it does. sure is false when a process went away before it was looked
// at, or has ended and is not among zombies, those of earlier looks: it may have left another one behind.
func killMarked(wanted func(mark) bool, zombies map[int]bool, reap bool) (alive []orphan, sure bool) {
	sure = true
	for _, pid := range processes() {
		is, gone := isMarked(pid, wanted)
		sure = sure && !gone
		if !is {
			continue
		}
		if ended(pid) {
			sure = sure && zombies[pid]
			zombies[pid] = true
			if reap { // fails unless it is our child, which it became when its parent ended
				_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
			}
			continue
		}
		p, err := os.FindProcess(pid)
		if err != nil {
			continue
		}
		// still: from here on it is this process that is killed, whoever has its number next
		if is, _ := isMarked(pid, wanted); is {
			alive = append(alive, orphan{pid, p.Kill()})
		}
		_ = p.Release()
	}
	return alive, sure
}

// processes returns the numbers of all other processes, the newest first. Where there is no /proc there are none.
func processes() (pids []int) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer func() { _ = proc.Close() }()
	names, _ := proc.Readdirnames(-1)
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	slices.Reverse(pids)
	return pids
}

// isMarked reports whether one of the marks of a process is wanted. A zombie still has the one in its limits.
func isMarked(pid int, wanted func(mark) bool) (is, gone bool) {
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) || err == nil && len(limits) == 0 {
		return false, true
	}
	for line := range bytes.Lines(limits) {
		if rest, ok := bytes.CutPrefix(line, []byte("Max file locks ")); ok {
			if fields := bytes.Fields(rest); len(fields) >= 2 {
				m, err := strconv.ParseUint(string(fields[1]), 10, 64) // the hard limit, for the soft one may be lower
				if err == nil && wanted(mark(m)) {
					return true, false
				}
			}
			break
		}
	}
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)) // not readable when it is another user's
	return err == nil && wanted(markIn(environment)), false
}

// statOf returns the fields of /proc/PID/stat from the state on.
func statOf(pid int) []string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
}

// ended reports whether a process has ended, reaped or not. One whose first thread has ended looks like a zombie, but
// has others.
func ended(pid int) bool {
	const threads = 17
	s := statOf(pid)
	return len(s) <= threads || s[0] == "X" || s[0] == "Z" && (s[threads] == "1" || s[threads] == "0")
}

// String returns a readable name of the process, and the reason why it cannot be killed if known.
func (o orphan) String() string {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", o.pid))
	name := strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
	if err != nil || name == "" {
		name = "process"
	}
	text := fmt.Sprintf("%.80q (pid %d)", name, o.pid)
	if info, err := os.Stat(fmt.Sprintf("/proc/%d", o.pid)); err == nil {
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() {
			text += fmt.Sprintf(" of user %d", owner.Uid)
		}
	}
	if s := statOf(o.pid); len(s) > 0 && s[0] == "D" {
		text += " that waits in the kernel" // for a device or a file system that does not answer
	}
	if o.err != nil {
		text += ": " + o.err.Error()
	}
	return text
}
