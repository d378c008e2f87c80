package main

import (
	"os"
	"strings"
	"testing"
)

func Example() {
	in := strings.NewReader(`goos: linux
pkg: hftrunner/depth
cpu: something
BenchmarkUpdate/window-2   	 1000000	        13.30 ns/op	       0 B/op	       0 allocs/op
PASS
ok  	hftrunner/depth	1.2s
`)
	_, _ = table(in, os.Stdout, os.Stderr)
	// Output:
	// hftrunner/depth
	//   Update/window                                                     13.30 ns/op                     0 B/op                      0 allocs/op
}

func TestFailureIsNotLost(t *testing.T) {
	var out, rest strings.Builder
	ok, err := table(strings.NewReader("--- FAIL: BenchmarkX\n    x_test.go:1: boom\nFAIL\nFAIL\thftrunner/x\t1s\n"),
		&out, &rest)
	if ok || err != nil || !strings.Contains(rest.String(), "boom") || out.Len() != 0 {
		t.Errorf("ok %v, err %v, out %q, rest %q", ok, err, out.String(), rest.String())
	}
}

func TestLinesThatAreNoRows(t *testing.T) {
	for _, line := range []string{"", "Benchmark", "BenchmarkX-2", "BenchmarkX-2 100 12", "Bench 1 2 3"} {
		if name, figures, ok := parse(line); ok {
			t.Errorf("%q is taken for %s %v", line, name, figures)
		}
	}
}
