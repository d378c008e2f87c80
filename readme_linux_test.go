package hftrunner_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestReadme follows the README's tour as a reader does: in a fresh clone without data beside it, its commands as they
// stand there, in two terminals. What they print has to be what the README shows, but for numbers and times, and in the end
// git has nothing to say. With HFTRUNNER_TOUR it is done in that folder, which stays: the tests are run in there next.
func TestReadme(t *testing.T) {
	if os.Getenv("HFTRUNNER_LONG") == "" {
		t.Skip("a long test: set HFTRUNNER_LONG=1")
	}
	dir := os.Getenv("HFTRUNNER_TOUR")
	if dir == "" {
		dir = t.TempDir()
	}
	r := newReader(t, filepath.Join(dir, "hftrunner"))
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, tour, begins := strings.Cut(string(readme), "\n## Ten minutes\n")
	tour, _, ends := strings.Cut(tour, "\n## ")
	if !begins || !ends {
		t.Fatal("the README has no tour")
	}
	for i, part := range strings.Split(tour, "```\n") {
		if i%2 == 0 {
			r.prose(part)
		} else {
			r.block(part)
		}
	}
	r.interrupt(0)
	r.interrupt(1)
	for _, p := range r.background {
		p.kill()
	}
	if status := r.git("status", "--porcelain"); status != "" {
		t.Errorf("the tour leaves in the clone:\n%s", status)
	}
}

// reader does what the README says.
type reader struct {
	t     *testing.T
	clone string
	env   []string
	// address is where its testexchange listens, in place of the README's.
	address string
	// at is the terminal in use: the first or the second.
	at    int
	terms [2]struct {
		dir     string
		running *program // nil when there is a prompt
	}
	background []*program
	// numbers are the process ids that the README shows, and what they are here.
	numbers map[string]string
}

// newReader makes a clone of the working tree as it is.
func newReader(t *testing.T, clone string) *reader {
	r := &reader{t: t, clone: clone, address: freeAddress(t), numbers: map[string]string{}}
	files, err := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatalf("the files of the repository: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(files), "\x00"), "\x00") {
		info, err := os.Stat(name)
		if errors.Is(err, os.ErrNotExist) {
			continue // removed, which is not committed yet
		}
		content, readErr := os.ReadFile(name)
		to := filepath.Join(clone, name)
		if err := errors.Join(err, readErr, os.MkdirAll(filepath.Dir(to), 0o755)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, content, info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range os.Environ() {
		if !strings.HasPrefix(name, "HFTRUNNER_") && !strings.HasPrefix(name, "RUNNER_") {
			r.env = append(r.env, name)
		}
	}
	r.env = append(r.env, "TERM=xterm", "TESTEXCHANGE="+r.address)
	r.git("init", "-q")
	r.git("add", "-A")
	r.git("-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false", "commit", "-q", "-m", "the clone")
	r.terms[0].dir, r.terms[1].dir = clone, clone
	return r
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (r *reader) git(args ...string) string {
	r.t.Helper()
	c := exec.Command("git", args...)
	c.Dir = r.clone
	out, err := c.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return string(out)
}

var terminalNamed = regexp.MustCompile(`(?i)(Press Ctrl-C )?in the\s+(first|second)\s+terminal|open a second terminal`)

// prose does what the text between the blocks says: which terminal is used, and where Ctrl-C is pressed.
func (r *reader) prose(text string) {
	for _, m := range terminalNamed.FindAllStringSubmatch(text, -1) {
		r.at = 0
		if m[2] == "second" || m[2] == "" {
			r.at = 1
		}
		if m[1] != "" {
			r.interrupt(r.at)
		}
	}
}

// block runs the commands of a block, or, without one, waits for what the other terminal's program prints.
func (r *reader) block(text string) {
	var shown []string
	command := ""
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if !strings.HasPrefix(lines[0], "$ ") {
		if p := r.terms[1-r.at].running; p != nil {
			p.expect(lines)
		} else {
			r.t.Errorf("no program is running that could print:\n%s", text)
		}
		return
	}
	for i := 0; i < len(lines); i++ {
		if next, ok := strings.CutPrefix(lines[i], "$ "); ok {
			if command != "" {
				r.run(command, shown)
			}
			command, shown = next, nil
			if strings.HasSuffix(next, "<<'EOF'") {
				for end := false; !end; end = lines[i] == "EOF" {
					i++
					command += "\n" + lines[i]
				}
			}
			continue
		}
		shown = append(shown, lines[i])
	}
	r.run(command, shown)
}

// stays are the commands that go on until Ctrl-C.
var stays = regexp.MustCompile(`^make run$|/runner run$|/runner run --config examples/live.hcl$|&$`)

// run runs one command in the terminal in use.
func (r *reader) run(command string, shown []string) {
	r.t.Helper()
	term := &r.terms[r.at]
	if term.running != nil {
		r.t.Fatalf("%q is typed where %q still runs", command, term.running.name)
	}
	command = strings.ReplaceAll(command, "127.0.0.1:9001", r.address)
	for documented, real := range r.numbers {
		command = regexp.MustCompile(`\b`+documented+`\b`).ReplaceAllString(command, real)
	}
	background := strings.HasSuffix(command, " &")
	begin := time.Now()
	for {
		p := r.start(term.dir, strings.TrimSuffix(command, " &"))
		if background {
			r.background = append(r.background, p)
			r.numbers[regexp.MustCompile(`\d+$`).FindString(shown[0])] = strconv.Itoa(p.cmd.Process.Pid)
			r.reachable()
			return
		}
		if stays.MatchString(command) {
			term.running = p
			p.expect(shown)
			time.Sleep(5 * time.Second) // nobody reads on faster, and then it has traded
			return
		}
		code := p.wait()
		// Asked too early a running host may not be where the README is; a reader asks again.
		if strings.Contains(command, "/runner ps") && !p.shows(shown) && time.Since(begin) < time.Minute {
			time.Sleep(200 * time.Millisecond)
			continue
		}
		if wrong := slices.ContainsFunc(shown, regexp.MustCompile(`^\d+ errors?$`).MatchString); (code != 0) != wrong {
			r.t.Fatalf("$ %s\nexit code %d:\n%s", command, code, p.text())
		}
		p.expect(shown)
		r.remember(shown, p.text())
		term.dir = p.dir()
		return
	}
}

// reachable waits until the exchange listens.
func (r *reader) reachable() {
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(50 * time.Millisecond) {
		if c, err := net.Dial("tcp", r.address); err == nil {
			_ = c.Close()
			return
		}
	}
	r.t.Fatal("the exchange does not listen")
}

var processRow = regexp.MustCompile(`(?m)^ *(\d+)  +[a-z]\S* \d+\.\d`)

// remember takes the process ids of a table.
func (r *reader) remember(shown []string, text string) {
	documented, real := processRow.FindAllStringSubmatch(strings.Join(shown, "\n"), -1), processRow.FindAllStringSubmatch(text, -1)
	for i := range min(len(documented), len(real)) {
		r.numbers[documented[i][1]] = real[i][1]
	}
}

// interrupt presses Ctrl-C in a terminal, if something runs there, and waits for its end.
func (r *reader) interrupt(at int) {
	p := r.terms[at].running
	if p == nil {
		return
	}
	r.terms[at].running = nil
	if _, err := p.pty.Write([]byte{3}); err != nil {
		r.t.Fatal(err)
	}
	if code := p.wait(); code != 0 && p.name != "make run" { // make itself ends by the signal
		r.t.Errorf("$ %s\nexit code %d after Ctrl-C:\n%s", p.name, code, p.text())
	}
}

// patience is how long the test waits for what must come; a clone is compiled from nothing.
const patience = 12 * time.Minute

// program is a command on a terminal of its own.
type program struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	pty  *os.File
	cwd  string
	done chan struct{}

	mu  sync.Mutex
	out bytes.Buffer
}

func (r *reader) start(dir, command string) *program {
	r.t.Helper()
	pty, tty := openTerminal(r.t)
	defer tty.Close()
	p := &program{t: r.t, name: command, pty: pty, cwd: filepath.Join(r.t.TempDir(), "cwd"), done: make(chan struct{})}
	script := command + "\ncode=$?\npwd >" + p.cwd + "\nexit $code"
	if stays.MatchString(command) || strings.Contains(command, "testexchange") {
		script = "exec " + command
	}
	p.cmd = exec.Command("bash", "-c", script)
	p.cmd.Dir, p.cmd.Env = dir, r.env
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = tty, tty, tty
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		buf := make([]byte, 32<<10)
		for {
			n, err := pty.Read(buf)
			p.mu.Lock()
			p.out.Write(buf[:n])
			p.mu.Unlock()
			if err != nil { // everybody has closed the other end
				return
			}
		}
	}()
	r.t.Cleanup(p.kill)
	return p
}

func (p *program) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // it may have ended
	_ = p.cmd.Wait()
	_ = p.pty.Close()
}

// wait waits for the end and returns the exit code.
func (p *program) wait() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("$ %s\ndoes not end:\n%s", p.name, p.text())
	}
	_ = p.cmd.Wait() // the code says it
	return p.cmd.ProcessState.ExitCode()
}

// dir is where the shell was at the end.
func (p *program) dir() string {
	p.t.Helper()
	text, err := os.ReadFile(p.cwd)
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]|\r")

func (p *program) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return escapes.ReplaceAllString(p.out.String(), "")
}

// Of numbers and times only the places are compared, but for the results of the sample, which are the same each time.
var (
	fixed    = regexp.MustCompile(`gridtrading 1\.0\.0 +ended|^(?:grid-btc|obimm)? +(?:BTCUSDT|ETHUSDT|all) +-\d+\.\d\d `)
	variable = regexp.MustCompile(`[0-9]{4}-[0-9-]+T[0-9:.]+Z|[0-9]{8}T[0-9]{6}Z|[0-9a-f]{64}|[-+−]?[0-9][0-9,.]*`)
	unit     = regexp.MustCompile(`(?:# ?(?:ns|µs|ms|s|m|h|kB|MB|GB)\b ?)+`)
)

func normal(line string) string {
	if fixed.MatchString(line) {
		return strings.Join(strings.Fields(line), " ")
	}
	line = unit.ReplaceAllString(variable.ReplaceAllString(line, "#"), "# ")
	line = strings.Replace(line, "ahead of this machine's", "behind this machine's", 1) // either is as good
	return strings.Join(strings.Fields(line), " ")
}

// found returns how many of the shown lines stand in a text, in their order but for lines of the log, which come from
// several goroutines; "..." stands for any lines.
func found(shown []string, text string) int {
	var got []string
	for line := range strings.SplitSeq(text, "\n") {
		got = append(got, normal(line))
	}
	from := 0
	for n, line := range shown {
		want := normal(line)
		if want == "" || want == "..." || strings.HasPrefix(want, "# [") && slices.Contains(got, want) {
			continue
		}
		at := slices.Index(got[from:], want)
		if at < 0 {
			return n
		}
		from += at + 1
	}
	return len(shown)
}

func (p *program) shows(shown []string) bool { return found(shown, p.text()) == len(shown) }

// expect waits until what is shown has been printed.
func (p *program) expect(shown []string) {
	p.t.Helper()
	for begin := time.Now(); !p.shows(shown); time.Sleep(50 * time.Millisecond) {
		over := time.Since(begin) > patience
		select {
		case <-p.done:
			over = true
		default:
		}
		if over && !p.shows(shown) {
			text := p.text()
			p.t.Fatalf("$ %s\nthe README shows\n  %s\n  as %s\nafter that\n%s", p.name, shown[found(shown, text)], normal(shown[found(shown, text)]), text)
		}
	}
	p.t.Logf("$ %s\n%s", p.name, p.text())
}

// openTerminal returns both ends of a terminal.
func openTerminal(t *testing.T) (pty, tty *os.File) {
	t.Helper()
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	number := 0
	conn, err := pty.SyscallConn()
	if err == nil {
		err = conn.Control(func(fd uintptr) {
			_ = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0) // opening it says so if that failed
			_ = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: 250})
			number, _ = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return pty, tty
}
