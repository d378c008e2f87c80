package control

import "github.com/hftrunner/hftrunner/internal/settings"

// Nearest is settings.Nearest.
func Nearest(name string, known []string) string { return settings.Nearest(name, known) }
