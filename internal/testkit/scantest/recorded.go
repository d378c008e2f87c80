package scantest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"os"
	"strconv"
	"testing"
)

// Line is one line of a recording.
type Line struct {
	// LocalTimestampNs is the time when the message was received.
	LocalTimestampNs int64
	// Message is the venue's JSON.
	Message []byte
}

// Lines returns the lines of a gzipped recording, at most limit when that is positive.
func Lines(tb testing.TB, path string, limit int) []Line {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	var lines []Line
	scanner := bufio.NewScanner(zip)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() && (limit <= 0 || len(lines) < limit) {
		stamp, message, _ := bytes.Cut(scanner.Bytes(), []byte(" "))
		localTimestampNs, err := strconv.ParseInt(string(stamp), 10, 64)
		if err != nil {
			tb.Fatal(err)
		}
		lines = append(lines, Line{localTimestampNs, bytes.Clone(message)})
	}
	if err := scanner.Err(); err != nil {
		tb.Fatal(err)
	}
	return lines
}
