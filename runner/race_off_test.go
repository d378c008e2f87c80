//go:build !race

package runner

func raceFlags() []string { return nil }
