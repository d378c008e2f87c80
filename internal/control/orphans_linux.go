package control

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
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
		over := time.Now().After(deadline)
		pids := killMarked([]string{mark})
		if len(pids) == 0 {
			return nil
		}
		if over {
			for _, pid := range pids {
				left = append(left, nameOf(pid))
			}
			return left
		}
	}
}

// findMarked names the processes whose mark begins so.
func findMarked(mark string) (names []string) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && pid != os.Getpid() && marked(pid, []string{mark}) {
			names = append(names, nameOf(pid))
		}
	}
	return names
}

// killMarked kills the processes that have one of the marks and returns which it has found.
func killMarked(marks []string) (pids []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() || !marked(pid, marks) {
			continue
		}
		p, err := os.FindProcess(pid)
		if err != nil {
			continue
		}
		if marked(pid, marks) { // still: from here on it is this process that is killed, whoever has its number next
			_ = p.Kill()
			pids = append(pids, pid)
		}
		_ = p.Release()
	}
	return pids
}

// marked reports whether a process has one of the marks. A zombie has no environment any more.
func marked(pid int, marks []string) bool {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err == nil && slices.ContainsFunc(marks, func(mark string) bool { return bytes.Contains(env, []byte(markVariable+"="+mark)) })
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
