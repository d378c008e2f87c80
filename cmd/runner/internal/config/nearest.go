package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// nearest returns the known name that is most like the given one, empty when none is alike.
func nearest(name string, known []string) string {
	best, bestDistance := "", 1+max(2, len(name)/3)
	if len(name) <= 3 {
		bestDistance = 2 // a short name is within 2 of anything
	}
	for _, k := range known {
		d := levenshtein.Distance(strings.ToLower(name), strings.ToLower(k), nil)
		if d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// suggest says which name was perhaps meant, and otherwise which there are.
func suggest(name string, known []string, what string) string {
	if n := nearest(name, known); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	if len(known) == 0 {
		return "there is no " + what
	}
	return fmt.Sprintf("known: %s", list(known))
}

// list joins names in alphabetical order, cut after twenty.
func list(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) > 20 {
		return strings.Join(names[:20], ", ") + fmt.Sprintf(" and %d more", len(names)-20)
	}
	return strings.Join(names, ", ")
}
