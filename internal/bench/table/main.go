// Command benchtable turns the output of `go test -bench` into one table: a row per benchmark, its figures in the
// units that Go printed, grouped by package. It reads standard input and writes rows as they come, so that a long run
// shows progress; other lines go to standard error. It exits with 1 when a package failed.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	ok, err := table(os.Stdin, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchtable:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// figure is one measurement of a row.
type figure struct {
	value, unit string
}

// table copies benchmark lines from in to out as rows; ok is false when a package failed.
func table(in io.Reader, out, rest io.Writer) (ok bool, err error) {
	ok = true
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		pkg, isPackage := strings.CutPrefix(line, "pkg: ")
		name, figures, isRow := parse(line)
		switch {
		case isPackage:
			_, err = fmt.Fprintf(out, "\n%s\n", pkg)
		case isRow:
			_, err = fmt.Fprintln(out, row(name, figures))
		case strings.HasPrefix(line, "goos:"), strings.HasPrefix(line, "goarch:"), line == "PASS",
			strings.HasPrefix(line, "ok "), strings.HasPrefix(line, "? "), strings.Contains(line, "[no test files]"):
		case strings.HasPrefix(line, "cpu:"):
		default:
			if strings.HasPrefix(line, "FAIL") || strings.HasPrefix(line, "--- FAIL") {
				ok = false
			}
			_, err = fmt.Fprintln(rest, line)
		}
		if err != nil {
			return ok, err
		}
	}
	return ok, lines.Err()
}

// parse splits a line such as "BenchmarkX/y-2  100  12 ns/op  0 allocs/op".
func parse(line string) (name string, figures []figure, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 || len(fields)%2 != 0 || !strings.HasPrefix(fields[0], "Benchmark") {
		return "", nil, false
	}
	name = strings.TrimPrefix(fields[0], "Benchmark")
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		name = name[:i] // the number of processors
	}
	for i := 2; i < len(fields); i += 2 {
		figures = append(figures, figure{fields[i], fields[i+1]})
	}
	return name, figures, true
}

// row lays out a benchmark; figures stand in columns of equal width.
func row(name string, figures []figure) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %-58s", name)
	for _, f := range figures {
		fmt.Fprintf(&b, " %12s %-14s", f.value, f.unit)
	}
	return strings.TrimRight(b.String(), " ")
}
