package config_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hftrunner/hftrunner/runner/internal/config"
)

func Example() {
	dir, err := os.MkdirTemp("", "config")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "runner.hcl")
	source := `connector "paper" "sim" {
}
strategy "grid-btc" {
  plugin = "gridtrading"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = env("LOT", "0.001")
  }
}
`
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	file, err := config.Load(path, config.Options{Environ: []string{"LOT=0.01", "RUNNER_LOG_LEVEL=warn"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	in := file.Strategies[0].Instruments[0]
	fmt.Println(file.Strategies[0].Name, in.Connector, in.Symbol, in.TickSize, in.LotSize, in.Depth, file.Runner.LogLevel)
	// Output: grid-btc sim BTCUSDT 0.1 0.01 window warn
}
