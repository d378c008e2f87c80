// Package datatest finds what some tests need and the repository does not have: the recorded market data,
// hftbacktest's results on it, and sample messages of the exchanges. They are looked for where HFTRUNNER_DATA says,
// which names the directory of the recordings, and otherwise in ../shared/data, next to the repository; results are in
// golden and messages in exchanges/samples, both beside the recordings' directory.
//
// A test whose data are not there is skipped, with one line that says what to set. With HFTRUNNER_NEED_DATA it fails
// instead: continuous integration sets it, so that nothing is skipped there. What needs no particular data is tested
// on package sampletest's, everywhere.
//
// Functions are for the test's goroutine; what they return belongs to the caller.
package datatest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// SHA-256 of the recordings. A directory may have another recording by that name, such as one of package sample.
const (
	futuresBTC = "0ad7b3a0f5cff220761ea890cfd6e3c15f6899edc7f94637ec915043d7a72251"
	futuresETH = "6b76bc224bbb7fe402e7206066775e17e18dbc697247fbab8ebcc38289a3f772"
	spotBTC    = "5d263f4c5379cfc27379ef0e22779aa33804463d1b69c292e9c0714e31f2e1b4"
)

// Recording returns the path of a recording of a venue, such as binancefutures and btcusdt_20240808.gz.
func Recording(tb testing.TB, venue, file string) string {
	tb.Helper()
	dir, err := recordings()
	path := filepath.Join(dir, venue, file)
	var content []byte
	if err == nil {
		content, err = os.ReadFile(path)
	}
	if err == nil {
		switch sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) {
		case futuresBTC, futuresETH, spotBTC:
			return path
		}
		err = fmt.Errorf("%s is not the recording that hftbacktest's results are of", path)
	}
	absent(tb, "the recorded market data", err)
	return ""
}

// Golden returns a file of reference results, such as vectors/prob.csv.
func Golden(tb testing.TB, name string) []byte {
	tb.Helper()
	return beside(tb, "hftbacktest's results", "golden", name)
}

// Messages returns a file of an exchange's sample messages, such as binance-spot/rest_account.json.
func Messages(tb testing.TB, name string) []byte {
	tb.Helper()
	return beside(tb, "the exchanges' sample messages", "exchanges/samples", name)
}

// beside returns a file next to the directory of the recordings.
func beside(tb testing.TB, what, folder, name string) []byte {
	tb.Helper()
	dir, err := recordings()
	var content []byte
	if err == nil {
		content, err = os.ReadFile(filepath.Join(filepath.Dir(dir), filepath.FromSlash(folder),
			filepath.FromSlash(name)))
	}
	if err != nil {
		absent(tb, what, err)
	}
	return content
}

// absent ends a test whose data are not there.
func absent(tb testing.TB, what string, err error) {
	tb.Helper()
	text := fmt.Sprintf("needs %s: set HFTRUNNER_DATA to the directory of the recordings (%v)", what, err)
	if os.Getenv("HFTRUNNER_NEED_DATA") != "" {
		tb.Fatal(text)
	}
	tb.Skip(text)
}

// recordings returns the directory of the recordings, which may not be there.
func recordings() (string, error) {
	if dir := os.Getenv("HFTRUNNER_DATA"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(filepath.Dir(dir), "shared", "data"), nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod in any parent directory")
		}
		dir = parent
	}
}
