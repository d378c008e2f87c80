package control

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// orphanLimit bounds how long it is tried to end what a plugin has left, orphanPause is between two looks.
	orphanLimit = 2 * time.Second
	orphanPause = 10 * time.Millisecond
)

// endMarked ends the processes that have the mark in the environment they were started with: what a plugin has started
// has it from the plugin, whatever session or parent it has given itself. It names those that cannot be ended.
func endMarked(mark string) (left []string) {
	for deadline := time.Now().Add(orphanLimit); ; time.Sleep(orphanPause) {
		pids := marked(mark)
		if len(pids) == 0 {
			return nil
		}
		over := time.Now().After(deadline)
		for _, pid := range pids {
			if over {
				left = append(left, nameOf(pid))
			}
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if over {
			return left
		}
	}
}

// marked returns the processes that have the mark. A zombie has no environment any more.
func marked(mark string) (pids []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err == nil && bytes.Contains(env, []byte(markVariable+"="+mark)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// nameOf is how people recognise a process.
func nameOf(pid int) string {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	name := strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
	if err != nil || name == "" {
		name = "process"
	}
	return fmt.Sprintf("%.80q (pid %d)", name, pid)
}
