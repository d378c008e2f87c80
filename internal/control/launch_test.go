package control_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/internal/control"
)

// foreignELF is the head of a program for a machine that nobody has here: 64 bit, little endian, RISC-V.
func foreignELF() []byte {
	b := make([]byte, 64)
	copy(b, "\x7fELF\x02\x01\x01")
	b[16], b[18], b[20] = 2, 243, 1 // executable, EM_RISCV, version 1
	b[52] = 64                      // size of this header
	b[58] = 64                      // size of a section header
	return b
}

func writeFile(t testing.TB, name string, content []byte, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLaunchFailures(t *testing.T) {
	file := func(content string, mode os.FileMode) func(*control.LaunchConfig) {
		path := writeFile(t, "plugin", []byte(content), mode)
		return func(c *control.LaunchConfig) { c.Path = path }
	}
	quick := func(c *control.LaunchConfig) { c.StartTimeout = 300 * time.Millisecond }
	wrongSum := func(c *control.LaunchConfig) { c.SHA256 = make([]byte, sha256.Size) }
	folder := t.TempDir()
	cases := []struct {
		name, role string
		change     func(*control.LaunchConfig)
		cause      control.LaunchCause
		says       []string
	}{
		{"missing file", "", func(c *control.LaunchConfig) { c.Path = "/nonexistent/p" }, control.CauseNotFound,
			[]string{"/nonexistent/p", "no such file"}},
		{"folder", "", func(c *control.LaunchConfig) { c.Path = folder }, control.CauseNotExecutable,
			[]string{"is a directory"}},
		{"not executable", "", file("x", 0o600), control.CauseNotExecutable, []string{"chmod +x"}},
		{"text file", "", file("just text", 0o700), control.CauseWrongFormat, []string{"is not a program"}},
		{"other machine", "", file(string(foreignELF()), 0o700), control.CauseWrongFormat,
			[]string{"riscv", "this machine is"}},
		{"no interpreter", "", file("#!/nonexistent/sh\n", 0o700), control.CauseWrongFormat, []string{"interpreter"}},
		{"wrong checksum", "plugin", wrongSum, control.CauseChecksum, []string{"pinned is 0000"}},
		{"no plugin", "", func(c *control.LaunchConfig) { c.Path, c.Args = "/bin/sh", []string{"-c", "exit 0"} },
			control.CauseExited, []string{"exit status 0", "pluginapi.Serve"}},
		{"exits at once", "exits", nil, control.CauseExited, []string{"exit status 3", "cannot find my licence"}},
		{"panics at once", "panics", nil, control.CauseExited, []string{"exit status 2", "panic: no luck today"}},
		{"prints a line", "prints-before", nil, control.CauseStrayOutput,
			[]string{`"hello there"`, "pluginapi.Logger"}},
		{"prints without a line end", "prints-glued", nil, control.CauseStrayOutput, []string{`"hello 1|`}},
		{"other version", "future-version", nil, control.CauseAPIVersion,
			[]string{"speaks strategy API 99, this runner speaks 1"}},
		{"dies after the handshake", "dies-after-handshake", nil, control.CauseExited,
			[]string{"after the handshake", "panic: after all"}},
		{"closes its output", "closes-stdout", nil, control.CauseExited, []string{"closed its standard output"}},
		{"never answers", "silent", quick, control.CauseTimeout, []string{"within 300ms"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, err := launch(t, c.role, c.change)
			if err == nil {
				t.Fatalf("process %d was started", p.PID())
			}
			var launchErr *control.LaunchError
			if !errors.As(err, &launchErr) {
				t.Fatalf("error is a %T: %v", err, err)
			}
			t.Log(err)
			if launchErr.Cause != c.cause {
				t.Errorf("cause is %q, want %q: %v", launchErr.Cause, c.cause, err)
			}
			for _, want := range c.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error does not say %q: %v", want, err)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error has more than one line: %v", err)
			}
		})
	}
}

func TestLaunchWithPinnedChecksum(t *testing.T) {
	content, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	mustLaunch(t, func(c *control.LaunchConfig) { c.SHA256 = sum[:] })
}

// A file that somebody still has open for writing is tried again until it is closed.
func TestLaunchOfBusyFile(t *testing.T) {
	content, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	path := writeFile(t, "plugin", content, 0o700)
	writer, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(30*time.Millisecond, func() { _ = writer.Close() })
	mustLaunch(t, func(c *control.LaunchConfig) { c.Path = path })

	busy, err := os.OpenFile(writeFile(t, "plugin", content, 0o700), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	_, err = launch(t, "plugin", func(c *control.LaunchConfig) { c.Path = busy.Name() })
	if runtime.GOOS == "linux" && (err == nil || !strings.Contains(err.Error(), "still being written")) {
		t.Errorf("a file that stays busy: %v", err)
	}
}

func TestLaunchIsCancelled(t *testing.T) {
	spawner := control.NewSpawner()
	defer func() { _ = spawner.Close() }()
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err := control.Launch(ctx, control.LaunchConfig{Spawner: spawner, Path: os.Args[0], Args: []string{"silent"}})
	var launchErr *control.LaunchError
	if !errors.As(err, &launchErr) || launchErr.Cause != control.CauseCancelled || !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled launch ends with %v", err)
	}
}

// TestLaunchHasATimeOfTheCaller: a context that bounds the launch is a limit of time like its own, and is called that.
func TestLaunchHasATimeOfTheCaller(t *testing.T) {
	spawner := control.NewSpawner()
	defer func() { _ = spawner.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	_, err := control.Launch(ctx, control.LaunchConfig{Spawner: spawner, Path: os.Args[0], Args: []string{"silent"}})
	var launchErr *control.LaunchError
	if !errors.As(err, &launchErr) || launchErr.Cause != control.CauseTimeout ||
		!errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "within 300ms") {
		t.Errorf("a launch that takes too long ends with %v", err)
	}
}

func TestSpawnerClosed(t *testing.T) {
	spawner := control.NewSpawner()
	if err := errors.Join(spawner.Close(), spawner.Close()); err != nil {
		t.Fatal(err)
	}
	_, err := control.Launch(deadline(t), control.LaunchConfig{Spawner: spawner, Path: os.Args[0]})
	if !errors.Is(err, os.ErrClosed) {
		t.Errorf("launch with a closed spawner: %v", err)
	}
}

// A killed host takes its plugins along, including one that is stopped and cannot see the end of its lifeline.
func TestPluginDiesWithItsHost(t *testing.T) {
	for _, stopped := range []bool{false, true} {
		cmd := exec.Command(os.Args[0], "host", "plugin")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			t.Fatalf("host says %q", line)
		}
		if !running(pid) {
			t.Fatal("plugin does not run")
		}
		if stopped {
			if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // says that it was killed
		awaitGone(t, pid)
	}
}

func TestPluginEndsWhenItsLifelineIsCut(t *testing.T) {
	// Without our spawner and without the kernel's help: this remains on systems other than Linux.
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "plugin")
	cmd.ExtraFiles = []*os.File{read}
	cmd.Env = []string{
		"HFTRUNNER_STRATEGY_PLUGIN=4d1c7c0e-strategy", "PLUGIN_PROTOCOL_VERSIONS=1", "HFTRUNNER_LIFELINE_FD=3",
		"TMPDIR=" + t.TempDir(),
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(line, "1|1|unix|") {
		t.Fatalf("handshake is %q, %v", line, err)
	}
	_ = read.Close()
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("plugin ended with %v", err)
	}
}

func TestPluginOutsideOfARunner(t *testing.T) {
	for name, env := range map[string][]string{
		"not started by a runner":          {},
		"the host gave no lifeline":        {"HFTRUNNER_STRATEGY_PLUGIN=4d1c7c0e-strategy"},
		`LIFELINE_FD="x" is not a descrip`: {"HFTRUNNER_STRATEGY_PLUGIN=4d1c7c0e-strategy", "HFTRUNNER_LIFELINE_FD=x"},
	} {
		cmd := exec.Command(os.Args[0], "plugin")
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), name) {
			t.Errorf("ends with %v and %q, want %q", err, out, name)
		}
	}
}

func BenchmarkLaunch(b *testing.B) {
	spawner := control.NewSpawner()
	defer func() { _ = spawner.Close() }()
	for b.Loop() {
		p, err := control.Launch(context.Background(), control.LaunchConfig{Spawner: spawner, Path: os.Args[0],
			Args: []string{"plugin"}})
		if err != nil {
			b.Fatal(err)
		}
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDescribe(b *testing.B) {
	p := mustLaunch(b, nil)
	ctx := context.Background()
	for b.Loop() {
		if _, err := p.Describe(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
