package settings

import (
	"encoding/hex"
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// maxNameBytes bounds names: they become file names and parts of client order ids.
const maxNameBytes = 64

var (
	identifier  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)
	orderPrefix = regexp.MustCompile(`^[0-9A-Za-z]{1,4}$`)
)

// formats are what a string can have to be; the function is given one and says whether it is not.
func formats() map[string]struct {
	wrong func(string) bool
	text  string
} {
	return map[string]struct {
		wrong func(string) bool
		text  string
	}{
		"identifier": {func(s string) bool { return !identifier.MatchString(s) || len(s) > maxNameBytes },
			"is not a name: use letters, digits, dot, dash and underscore, at most 64"},
		"symbol": {func(s string) bool {
			return s == "" || len(s) > maxNameBytes || strings.ContainsFunc(s,
				func(c rune) bool { return unicode.IsSpace(c) || !unicode.IsPrint(c) })
		}, "is not a symbol: no spaces, at most 64 bytes"},
		"not_empty": {func(s string) bool { return strings.TrimSpace(s) == "" }, "is empty"},
		"sha256": {func(s string) bool {
			raw, err := hex.DecodeString(s)
			return err != nil || len(raw) != 32
		}, "is not a SHA-256: 64 hex digits, as sha256sum prints them"},
		"order_prefix": {func(s string) bool { return !orderPrefix.MatchString(s) },
			"is not an order prefix: must be 1 to 4 letters or digits"},
		"ws":   {noAddress("ws"), "is not a URL: must be like wss://host/path"},
		"http": {noAddress("http"), "is not a URL: must be like https://host/path"},
	}
}

// noAddress checks an address of a scheme, with or without encryption.
func noAddress(scheme string) func(string) bool {
	return func(s string) bool {
		u, err := url.Parse(s)
		return err != nil || u.Scheme != scheme && u.Scheme != scheme+"s" || u.Host == "" || u.User != nil ||
			u.RawQuery != "" || u.Fragment != ""
	}
}

// CheckFormat describes what is wrong with a string that has to be of a format, in words that follow it; nothing when
// it is right.
func CheckFormat(format, s string) string {
	if f, ok := formats()[format]; ok && f.wrong(s) {
		return f.text
	}
	return ""
}
