package main_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/hftrunner/hftrunner/internal/control"
)

// What a host gets of a plugin that ends before the handshake.
func Example() {
	spawner := control.NewSpawner()
	defer func() { _ = spawner.Close() }()
	_, err := control.Launch(context.Background(), control.LaunchConfig{Spawner: spawner,
		Path: filepath.Join(plugins, "exits")})
	var launchErr *control.LaunchError
	if errors.As(err, &launchErr) {
		fmt.Println(launchErr.Cause)
		fmt.Println(launchErr.Problem)
	}
	// Output:
	// exited
	// ended before the handshake (exit status 3), last output: exits: I never wanted to be a plugin
}
