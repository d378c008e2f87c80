package control_test

import (
	"context"
	"fmt"
	"os"

	"github.com/hftrunner/hftrunner/internal/control"
)

// A host starts a strategy process, asks what it is, configures and starts it, and stops it later. Here the plugin is
// this test binary.
func Example() {
	spawner := control.NewSpawner()
	defer func() { _ = spawner.Close() }()
	ctx := context.Background()
	p, err := control.Launch(ctx, control.LaunchConfig{Spawner: spawner, Path: os.Args[0], Args: []string{"plugin"}})
	if err != nil {
		fmt.Println(err) // one line with cause and fix
		return
	}
	defer func() { _ = p.Close() }()
	d, err := p.Describe(ctx)
	fmt.Println(d.Name, d.Version, err)
	if err := p.Configure(ctx, control.Configuration{StrategyName: "s",
		Params: []byte(`{"mode": "wrong"}`)}); err != nil {
		fmt.Println(err)
	}
	if err := p.Start(ctx, nil); err != nil {
		fmt.Println(err)
	}
	_, err = p.Stop(ctx)
	fmt.Println("stopped:", err)
	// Output:
	// fake 1.2.3 <nil>
	// parameter "qty" is too much; parameter "mode" is wrong
	// stopped: <nil>
}
