package settings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the known name that was probably meant, empty when none is like it: at most two edits away, and fewer
// than half of its letters. Another case is the likeliest mistake. Among equals the first wins.
func Nearest(name string, known []string) string {
	best, bestDistance := "", 3
	for _, k := range known {
		if strings.EqualFold(name, k) {
			return k
		}
		distance := levenshtein.Distance(name, k, nil)
		if distance < bestDistance && 2*distance < max(len(name), len(k)) {
			best, bestDistance = k, distance
		}
	}
	return best
}

// Suggest says which name was perhaps meant, and otherwise which there are.
func Suggest(name string, known []string, what string) string {
	if n := Nearest(name, known); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	if len(known) == 0 {
		return "there is no " + what
	}
	return "known: " + list(known)
}

// list joins names in alphabetical order, cut after twenty.
func list(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) > 20 {
		return strings.Join(names[:20], ", ") + fmt.Sprintf(" and %d more", len(names)-20)
	}
	return strings.Join(names, ", ")
}

// OneOf names the choices, the nearest first.
func OneOf(text string, choices []string) string {
	if n := Nearest(text, choices); n != "" {
		return fmt.Sprintf("did you mean %q? (one of %s)", n, strings.Join(choices, ", "))
	}
	return "one of " + strings.Join(choices, ", ")
}
