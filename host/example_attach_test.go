package host_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/paper"
	"github.com/hftrunner/hftrunner/live"
)

// A host with a simulated market and no strategy of its own, and a strategy that attaches itself to it: usually from
// another process, here from the same.
func Example_attach() {
	dir, err := os.MkdirTemp("", "hft") // a socket's path has to be short
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	source, err := paper.NewSynthetic(paper.SyntheticConfig{Seed: 1, StartNs: time.Now().UnixNano()})
	if err != nil {
		fmt.Println(err)
		return
	}
	market, err := paper.New(paper.Config{Source: source, Speed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := host.New(host.Config{StateDir: dir, Supervision: host.Supervision{StopTimeout: 5 * time.Second},
		Connectors: []host.ConnectorConfig{{Name: "sim", Kind: "paper", Connector: market}}}, hclog.NewNullLogger())
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan host.Exit)
	go func() {
		exit, err := h.Run(ctx)
		if err != nil {
			fmt.Println(err)
		}
		ended <- exit
	}()
	socket := filepath.Join(dir, host.AttachSocketName)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, err := os.Stat(socket); err == nil {
			break
		}
	}
	if err := buy(socket); err != nil {
		fmt.Println(err)
	}
	stop()
	fmt.Println("host:", <-ended)
	for _, s := range h.Summary(host.ExitInterrupted).Strategies {
		fmt.Println(s.Name, s.Plugin, s.Instruments[0].Position)
	}
	// Output:
	// position 0.01
	// host: interrupted
	// attached-7 (attached) 0.01
}

// buy is a strategy that buys once.
func buy(socket string) error {
	bot, err := live.NewBuilder().
		Register(live.NewInstrument("sim", "BTCUSDT", 0.1, 0.001, depth.NewWindowMarketDepth(0.1, 0.001), 0)).
		ID(7).
		Connect(socket)
	if err != nil {
		return err
	}
	defer bot.Close()
	for bot.Depth(0).BestAskTick() == hft.InvalidMax {
		if _, err := bot.WaitNextFeed(false, 10*time.Second); err != nil {
			return err
		}
	}
	if _, err := bot.SubmitBuyOrder(0, 1, bot.Depth(0).BestAsk()+100, 0.01, hft.IOC, hft.Limit, true); err != nil {
		return err
	}
	fmt.Println("position", bot.Position(0))
	return nil
}
