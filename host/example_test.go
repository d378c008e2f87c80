package host_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/paper"
)

// Example runs a host with a synthetic market and no strategy for a moment.
func Example() {
	dir, err := os.MkdirTemp("", "hft")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	source, err := paper.NewSynthetic(paper.SyntheticConfig{Seed: 1, StartNs: 1_700_000_000_000_000_000})
	if err != nil {
		fmt.Println(err)
		return
	}
	sim, err := paper.New(paper.Config{Source: source})
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := host.New(host.Config{
		PluginDir:   dir,
		StateDir:    filepath.Join(dir, "state"),
		Supervision: host.Supervision{StopTimeout: time.Second},
		Connectors:  []host.ConnectorConfig{{Name: "sim", Kind: "paper", Connector: sim}},
	}, hclog.NewNullLogger())
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	exit, err := h.Run(ctx)
	summary := h.Summary(exit)
	fmt.Println(summary.Exit, err, summary.Connectors[0].Name, len(summary.Strategies))
	// Output: interrupted <nil> sim 0
}
