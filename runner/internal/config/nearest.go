package config

import "github.com/hftrunner/hftrunner/internal/settings"

func nearest(name string, known []string) string { return settings.Nearest(name, known) }

func suggest(name string, known []string, what string) string {
	return settings.Suggest(name, known, what)
}
