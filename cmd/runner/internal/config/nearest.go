package config

import (
	"fmt"
	"slices"
	"strings"

	"hftrunner/internal/control"
)

// nearest returns the known name that was probably meant, empty when none is like it. Case is the likeliest mistake.
func nearest(name string, known []string) string {
	for _, k := range known {
		if strings.EqualFold(name, k) {
			return k
		}
	}
	return control.Nearest(name, known)
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
