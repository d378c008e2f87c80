package binancejsontest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

// Line is one line of a recording.
type Line struct {
	// LocalTimestampNs is when the message was received.
	LocalTimestampNs int64
	// Message is the venue's JSON.
	Message []byte
}

// RecordingPath returns the path of a recording in the data folder: the one that HFTRUNNER_DATA names, or shared/data
// beside the repository. The test fails when it is not there.
func RecordingPath(tb testing.TB, venue, file string) string {
	tb.Helper()
	dir := os.Getenv("HFTRUNNER_DATA")
	if dir == "" {
		_, source, _, _ := runtime.Caller(0)
		dir = filepath.Join(filepath.Dir(source), "..", "..", "..", "..", "shared", "data")
	}
	path := filepath.Join(dir, venue, file)
	if _, err := os.Stat(path); err != nil {
		tb.Fatalf("the recorded market data is needed; set HFTRUNNER_DATA to its folder: %v", err)
	}
	return path
}

// Recorded returns the lines of a recording, at most limit when that is positive.
func Recorded(tb testing.TB, venue, file string, limit int) []Line {
	tb.Helper()
	f, err := os.Open(RecordingPath(tb, venue, file))
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
