package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/hftrunner/hftrunner/internal/control"
)

// column is a column of a table; numbers stand on the right.
type column struct {
	title string
	right bool
}

// columns makes columns of titles; a title that begins with > stands on the right.
func columns(titles ...string) []column {
	cs := make([]column, len(titles))
	for i, t := range titles {
		cs[i] = column{title: strings.TrimPrefix(t, ">"), right: strings.HasPrefix(t, ">")}
	}
	return cs
}

// table returns aligned lines, the titles first, two spaces between columns, nothing after the last.
func table(cs []column, rows [][]string) []string {
	widths := make([]int, len(cs))
	titles := make([]string, len(cs))
	for i, c := range cs {
		titles[i] = strings.ToUpper(c.title)
	}
	all := append([][]string{titles}, rows...)
	for _, row := range all {
		for i, cell := range row {
			cell = control.PlainLine(cell)
			row[i] = cell
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	lines := make([]string, len(all))
	for n, row := range all {
		var b strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			switch {
			case cs[i].right:
				b.WriteString(pad + cell)
			default:
				b.WriteString(cell + pad)
			}
			b.WriteString("  ")
		}
		lines[n] = strings.TrimRight(b.String(), " ")
	}
	return lines
}

func printTable(w io.Writer, cs []column, rows [][]string) {
	for _, line := range table(cs, rows) {
		fmt.Fprintln(w, line)
	}
}

// printJSON prints one object, indented.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return withCode(ExitFailure, fmt.Errorf("write the result: %w", err))
	}
	return nil
}
