package shm

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// roleVariable makes the test binary a child with that role; its inherited segments start at descriptor 3.
const roleVariable = "HFTRUNNER_SHM_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		go func() { // whatever happens to the parent, this process does not outlive it
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
		if err := playRole(role); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	before := held()
	code := m.Run()
	if after := held(); code == 0 && after != before {
		fmt.Printf("left behind: %s; before the tests: %s\n", after, before)
		code = 99
	}
	os.Exit(code)
}

// held counts what a test may leak: segments still mapped or open. (The runtime's own descriptors come and go.)
func held() string {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return "" // only Linux tells
	}
	open := 0
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil &&
			strings.Contains(target, "memfd:") {
			open++
		}
	}
	return fmt.Sprintf("%d mappings, %d descriptors", strings.Count(string(maps), "memfd:"), open)
}

// process is a child with a role.
type process struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	stdin io.WriteCloser
}

func startProcess(t testing.TB, role string, segments ...*Segment) *process {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(executable)}
	p.cmd.Env = append(os.Environ(), roleVariable+"="+role)
	p.cmd.Stderr = os.Stderr
	for _, s := range segments {
		p.cmd.ExtraFiles = append(p.cmd.ExtraFiles, s.File())
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(stdout)
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

// kill ends the process by SIGKILL, if it has not ended, and waits for it.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func (p *process) signal(t testing.TB, sig os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// line returns the next line the process prints.
func (p *process) line(t testing.TB) string {
	t.Helper()
	if !p.lines.Scan() {
		t.Fatalf("the child printed nothing more: %v", p.lines.Err())
	}
	return p.lines.Text()
}

// await is the watchdog of tests that wait for another goroutine or process.
func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); !done(); {
		if time.Now().After(limit) {
			t.Fatalf("still waiting: %s", what)
		}
		time.Sleep(50 * time.Microsecond)
	}
}

func newSegment(t testing.TB, size int) *Segment {
	t.Helper()
	s, err := Create("shm-test", size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, s) })
	return s
}

// remap returns a second mapping of s, as another process has it.
func remap(t testing.TB, s *Segment, readOnly bool) *Segment {
	t.Helper()
	fd, err := unix.Dup(int(s.File().Fd()))
	if err != nil {
		t.Fatal(err)
	}
	again, err := Open(fd, readOnly)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, again) })
	return again
}

func mustClose(t testing.TB, s *Segment) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", what)
		}
	}()
	f()
}

// mix is a hash by which records are told to be whole.
func mix(v uint64) uint64 {
	v = (v ^ v>>33) * 0xff51afd7ed558ccd
	return v ^ v>>29
}

// fillFeed makes the record of a sequence: every part of it depends on the sequence.
func fillFeed(rec *FeedRecord, sequence uint64) {
	rec.Lo = uint32(mix(sequence))
	rec.W[0] = sequence
	for i := 1; i < len(rec.W); i++ {
		rec.W[i] = mix(sequence + uint64(i))
	}
}

// checkFeed reports whether rec is exactly the record of sequence.
func checkFeed(rec *FeedRecord, sequence uint64) error {
	var want FeedRecord
	fillFeed(&want, sequence)
	if *rec != want {
		return fmt.Errorf("record %d is torn or wrong: %x, want %x", sequence, *rec, want)
	}
	return nil
}

// fillWords makes the payload of a queue's record.
func fillWords(words []uint64, sequence uint64) {
	for i := range words {
		words[i] = mix(sequence*31 + uint64(i))
	}
}

func checkWords(words []uint64, sequence uint64) error {
	for i, got := range words {
		if want := mix(sequence*31 + uint64(i)); got != want {
			return fmt.Errorf("record %d is torn or wrong: word %d is %x, want %x", sequence, i, got, want)
		}
	}
	return nil
}
