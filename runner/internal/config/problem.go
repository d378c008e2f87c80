package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// Severity says how bad a Problem is.
type Severity string

// Severities.
const (
	// SeverityError: the configuration cannot be used.
	SeverityError Severity = "error"
	// SeverityWarning: it can, but perhaps does not do what was meant.
	SeverityWarning Severity = "warning"
)

// Position is a place in the configuration. Line and Column count from 1 and are 0 when File is not a file but the
// name of an environment variable or flag.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// String returns file:line:column.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	Severity Severity `json:"severity"`
	Position
	// Message says what is wrong, Hint what to do about it.
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Source is the line it is on, with secrets hidden; empty where there is none. Caret marks Message's subject in it.
	Source string `json:"source,omitempty"`
	Caret  string `json:"caret,omitempty"`
	// PluginFailed says that the configuration is right and the plugin it names could not be started.
	PluginFailed bool `json:"plugin_failed,omitempty"`
	// Strategy is the strategy that File.FillSteps has a problem with.
	Strategy string `json:"-"`
}

// String returns the problem as people read it, over several lines, without a final newline.
func (p *Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: %s", p.Position, p.Severity, p.Message)
	if p.Line > 0 && p.Source != "" {
		number := fmt.Sprintf("%5d", p.Line)
		fmt.Fprintf(&b, "\n%s | %s\n%s | %s", number, p.Source, strings.Repeat(" ", len(number)), p.Caret)
	}
	if p.Hint != "" {
		fmt.Fprintf(&b, "\n      %s", p.Hint)
	}
	return b.String()
}

// Problems are all problems of one configuration, errors and warnings, in the order of their positions. As an error it
// has at least one error in it.
type Problems []Problem

// Error returns all problems as people read them.
func (ps Problems) Error() string {
	texts := make([]string, len(ps))
	for i := range ps {
		texts[i] = ps[i].String()
	}
	return strings.Join(texts, "\n\n")
}

// Count returns how many problems have that severity.
func (ps Problems) Count(s Severity) int {
	n := 0
	for i := range ps {
		if ps[i].Severity == s {
			n++
		}
	}
	return n
}

// OnlyPluginsFailed reports whether all errors are plugins that could not be started.
func (ps Problems) OnlyPluginsFailed() bool {
	return !slices.ContainsFunc(ps, func(p Problem) bool { return p.Severity == SeverityError && !p.PluginFailed })
}

// report collects problems while a file is read.
type report struct {
	source   []byte
	problems Problems
}

// errorf adds an error at rng.
func (r *report) errorf(rng hcl.Range, hint, format string, args ...any) *Problem {
	return r.add(SeverityError, rng, hint, fmt.Sprintf(format, args...))
}

// warnf adds a warning at rng.
func (r *report) warnf(rng hcl.Range, hint, format string, args ...any) {
	r.add(SeverityWarning, rng, hint, fmt.Sprintf(format, args...))
}

func (r *report) add(s Severity, rng hcl.Range, hint, message string) *Problem {
	p := Problem{Severity: s, Message: message, Hint: hint,
		Position: Position{File: rng.Filename, Line: rng.Start.Line, Column: rng.Start.Column}}
	if p.Line > 0 {
		p.Source, p.Caret = r.excerpt(rng)
	}
	r.problems = append(r.problems, p)
	return &r.problems[len(r.problems)-1]
}

// addDiagnostics adds what HCL itself found, which is always an error of syntax or of an expression.
func (r *report) addDiagnostics(diags hcl.Diagnostics) {
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		rng := hcl.Range{Filename: "configuration"}
		if d.Subject != nil {
			rng = *d.Subject
		}
		message, hint := wording(d)
		r.add(SeverityError, rng, hint, message)
	}
}

// wording takes a diagnostic apart into what is wrong and what to do. The errors of our own functions have both in one
// text, with a semicolon between.
func wording(d *hcl.Diagnostic) (message, hint string) {
	switch d.Summary {
	case "Invalid function argument":
		_, detail, ok := strings.Cut(d.Detail, " parameter: ")
		if !ok {
			return "invalid function argument", d.Detail
		}
		message, hint, _ = strings.Cut(strings.TrimSuffix(detail, "."), "; ")
		return message, hint
	case "Variables not allowed":
		return "a name without quotes", `write text in quotes; values from outside come from env("NAME") or file("path")`
	case "Error in function call":
		return "wrong function call", d.Detail
	}
	return strings.ToLower(d.Summary[:1]) + d.Summary[1:], d.Detail
}

// sorted returns the problems in the order of their positions, what has no line first, without repetitions.
func (r *report) sorted() Problems {
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.File, b.File))
	})
	return slices.Compact(r.problems)
}

// secretArgument finds an argument that holds a secret, up to its value.
var secretArgument = regexp.MustCompile(`\b(?:` + strings.Join(secretNames(), "|") + `)\b"?\s*[=:]\s*`)

// secretReference is a value that only says where the secret comes from.
var secretReference = regexp.MustCompile(`^(?:env|file)\("[^"\\]*"\)\s*[},]?\s*$`)

func secretNames() []string { return []string{"api_key", "secret"} }

// excerpt returns the line that rng begins on, with secrets hidden, and the marks under it.
func (r *report) excerpt(rng hcl.Range) (line, caret string) {
	at := min(max(rng.Start.Byte, 0), len(r.source))
	begin := strings.LastIndexByte(string(r.source[:at]), '\n') + 1
	end := len(r.source)
	if n := strings.IndexByte(string(r.source[at:]), '\n'); n >= 0 {
		end = at + n
	}
	line = strings.ToValidUTF8(strings.TrimRight(string(r.source[begin:end]), "\r"), "?")
	before := strings.ToValidUTF8(string(r.source[begin:at]), "?")
	marked := strings.ToValidUTF8(string(r.source[at:max(at, min(rng.End.Byte, end))]), "?")
	hidden := hideSecrets(line)
	if hidden != line {
		marked = marked[:min(len(marked), max(0, len(hidden)-len(before)))]
		line = hidden
	}
	pad := strings.Map(func(c rune) rune {
		if c == '\t' {
			return c
		}
		return ' '
	}, before)
	return line, pad + strings.Repeat("^", max(1, utf8.RuneCountInString(strings.TrimRight(marked, "\r"))))
}

// HideSecrets returns the text of a configuration with the secrets that are written in it hidden.
func HideSecrets(source []byte) []byte {
	lines := strings.Split(string(source), "\n")
	for i := range lines {
		lines[i] = hideSecrets(lines[i])
	}
	return []byte(strings.Join(lines, "\n"))
}

// hideSecrets replaces what is written after a secret argument's equals sign, unless it only names its origin.
func hideSecrets(line string) string {
	loc := secretArgument.FindStringIndex(line)
	if loc == nil || secretReference.MatchString(line[loc[1]:]) {
		return line
	}
	return line[:loc[1]] + "(hidden)"
}
