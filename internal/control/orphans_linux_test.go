package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/internal/control"
)

// children are shell commands that start processes. Each writes the number of one to the file $F, or keeps writing it
// until its directory is gone.
var children = map[string]string{
	"another session":     `setsid sh -c 'echo $$ > $F.new; mv $F.new $F; exec sleep 1000' > /dev/null 2>&1 &`,
	"without environment": `env -i $(command -v setsid) $(command -v sh) -c "echo \$\$ > $F.new; mv $F.new $F; exec sleep 1000" > /dev/null 2>&1 &`,
	"forked twice": `env -i $(command -v setsid) $(command -v sh) -c "
		(sh -c 'echo \$\$ > $F.new; mv $F.new $F; exec sleep 1000' &)" > /dev/null 2>&1 &`,
	"forks and ends": `env -i $(command -v setsid) $(command -v sh) -c "f() { echo 0 > $F || exit; f & }; f" > /dev/null 2>&1 &`,
	"forks and stays": `env -i $(command -v setsid) $(command -v sh) -c "
		while sleep 0.01; do sleep 1000 & echo \$! > $F || exit; done" > /dev/null 2>&1 &`,
}

// TestOrphansEnd: what a plugin has started ends with it, whatever it has done to hide and however the plugin ends.
func TestOrphansEnd(t *testing.T) {
	ends := map[string]func(p *control.Process) error{
		"close":     (*control.Process).Close,
		"kill":      func(p *control.Process) error { return errors.Join(p.Kill(), p.Close()) },
		"kill -9":   func(p *control.Process) error { return errors.Join(syscall.Kill(p.PID(), syscall.SIGKILL), p.Close()) },
		"its crash": func(p *control.Process) error { _ = configure(p, "exit", ""); return p.Close() },
	}
	for child, command := range children {
		for end, do := range ends {
			t.Run(child+"/"+end, func(t *testing.T) {
				t.Parallel()
				var left []string
				p := mustLaunch(t, func(c *control.LaunchConfig) { c.Left = func(p []string) { left = p } })
				file := filepath.Join(t.TempDir(), "pid")
				started := func() bool { text, err := os.ReadFile(file); return err == nil && len(text) > 0 }
				if err := configure(p, "shell", "export F="+file+"; "+command); err != nil {
					t.Fatal(err)
				}
				for ctx := deadline(t); !started(); time.Sleep(time.Millisecond) {
					if ctx.Err() != nil {
						t.Fatal("it has not started")
					}
				}
				if err := do(p); err != nil || len(left) > 0 {
					t.Fatalf("%v, left %v", err, left)
				}
				text, err := os.ReadFile(file)
				pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
				if err != nil || pid > 0 && running(pid) {
					t.Errorf("process %d is left, %v", pid, err)
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
				// Who goes on writes again.
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
				time.Sleep(100 * time.Millisecond)
				if started() {
					t.Error("it still starts processes")
				}
			})
		}
	}
}

// configure sends a mode to the plugin of the tests.
func configure(p *control.Process, mode, run string) error {
	params, err := json.Marshal(map[string]string{"mode": mode, "run": run})
	if err != nil {
		return err
	}
	return p.Configure(context.Background(), control.Configuration{Params: params})
}

// TestOrphansOfAKilledHost: the next host of the family finds them, and nobody else.
func TestOrphansOfAKilledHost(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	pid := func() int {
		text, _ := os.ReadFile(file)
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		return pid
	}
	cmd := exec.Command(os.Args[0], "left-host", "export F="+file+"; "+children["forked twice"], t.Name())
	host := start(t, cmd)
	for ctx := deadline(t); pid() == 0; time.Sleep(time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal("it has not started")
		}
	}
	host.await("started")
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	other, next := control.NewSpawner(), control.NewSpawner()
	defer func() { _ = errors.Join(other.Close(), next.Close()) }()
	if found, left := other.Adopt("another family"); len(found)+len(left) > 0 || !running(pid()) {
		t.Errorf("another host found %v, left %v", found, left)
	}
	found, left := next.Adopt(t.Name())
	if len(found) == 0 || len(left) > 0 || running(pid()) ||
		!strings.Contains(strings.Join(found, ""), fmt.Sprintf("(pid %d)", pid())) {
		t.Errorf("found %v, left %v, process %d", found, left, pid())
	}
}

// TestOrphansAreReaped: a host that is given the orphans of its plugins, as the first process of a container is, leaves
// no zombies.
func TestOrphansAreReaped(t *testing.T) {
	cmd := exec.Command(os.Args[0], "left-host",
		strings.Repeat("(sleep 0 &); (setsid sleep 0 &); (sleep 1000 > /dev/null 2>&1 &); ", 3), "", "reaper")
	host := start(t, cmd)
	host.await("started")
	_ = host.in.Close()
	host.await("children: none")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestOneThatCannotBeEnded: a host that is not root has a plugin that has started a process which has become root's.
// It is named, and the end of the plugin does not wait for it forever.
func TestOneThatCannotBeEnded(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can start what another user may not kill: run this test as root")
	}
	const nobody = 65534
	dir, err := os.MkdirTemp("", "left")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	content, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	program, setuid := filepath.Join(dir, "program"), filepath.Join(dir, "setuid")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(program, content, 0o755),
		os.WriteFile(setuid, content, 0o755), os.Chmod(setuid, 0o755|os.ModeSetuid),
		os.Mkdir(filepath.Join(dir, "tmp"), 0o700), os.Chown(filepath.Join(dir, "tmp"), nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "left-host", setuid+" other-user "+filepath.Join(dir, "tmp",
		"pid")+" > /dev/null 2>&1 &")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+filepath.Join(dir, "tmp"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	host := start(t, cmd)
	host.await("started")
	var pid int
	for ctx := deadline(t); pid == 0; time.Sleep(time.Millisecond) {
		text, _ := os.ReadFile(filepath.Join(dir, "tmp", "pid"))
		switch {
		case strings.TrimSpace(string(text)) == "no":
			t.Skip("programs do not become root by their setuid bit here (nosuid)")
		case ctx.Err() != nil:
			t.Fatal("it has not started")
		}
		_, _ = fmt.Sscanf(string(text), "%d\n", &pid)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	_ = host.in.Close()
	host.await(fmt.Sprintf("(pid %d) of user 0: operation not permitted", pid))
	host.await("closed")
	if err := cmd.Wait(); err != nil || !running(pid) {
		t.Errorf("%v, it runs: %v", err, running(pid))
	}
}

// systemRoles are the roles of a process of the test binary that only this system has.
func systemRoles() map[string]func() {
	return map[string]func(){"left-host": runLeftHost, "other-user": becomeRoot}
}

// helper is a process of the test binary that prints what it does.
type helper struct {
	t      *testing.T
	in     io.WriteCloser
	prints *lockedBuffer
}

func start(t *testing.T, cmd *exec.Cmd) *helper {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	h := &helper{t, in, &lockedBuffer{}}
	cmd.Stdout, cmd.Stderr = h.prints, h.prints
	cmd.WaitDelay = time.Second // what it leaves has its outputs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return h
}

func (h *helper) await(text string) { h.t.Helper(); h.prints.await(h.t, text) }

// runLeftHost is a host whose plugin runs the shell command of the first argument, in the family of the second, until
// its input ends. With a third argument it is given orphans.
func runLeftHost() {
	const setChildSubreaper = 36
	if len(os.Args) > 4 {
		_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0)
	}
	spawner := control.NewSpawner()
	if len(os.Args) > 3 && os.Args[3] != "" {
		spawner.Adopt(os.Args[3])
	}
	p, err := control.Launch(context.Background(), control.LaunchConfig{Spawner: spawner, Path: os.Args[0],
		Args: []string{"plugin"}, Left: func(left []string) { fmt.Println("left:", strings.Join(left, ", ")) }})
	if err == nil {
		err = configure(p, "shell", os.Args[2])
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println("started")
	_, _ = io.Copy(io.Discard, os.Stdin)
	fmt.Println("closed", p.Close())
	if err := noChildren(); err != nil {
		fmt.Println("children:", err)
	} else {
		fmt.Println("children: none")
	}
}

// becomeRoot is a program of root's that anybody may start: it notes its number in the file of the argument when nobody
// but root may kill it.
func becomeRoot() {
	text := "no"
	if os.Geteuid() == 0 && syscall.Setresuid(0, 0, 0) == nil {
		text = strconv.Itoa(os.Getpid())
	}
	_ = os.WriteFile(os.Args[2], []byte(text+"\n"), 0o644)
	if text != "no" {
		time.Sleep(time.Hour)
	}
}
