package control

import "github.com/agext/levenshtein"

// Nearest returns the known name that name was probably meant to be, empty when none is close: at most two edits away,
// and fewer than half of its letters. Among equals the first wins.
func Nearest(name string, known []string) string {
	best, bestDistance := "", 3
	for _, k := range known {
		distance := levenshtein.Distance(name, k, nil)
		if distance < bestDistance && 2*distance < max(len(name), len(k)) {
			best, bestDistance = k, distance
		}
	}
	return best
}
