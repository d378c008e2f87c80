package parity_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/paper"
	"github.com/hftrunner/hftrunner/internal/replay"
	"github.com/hftrunner/hftrunner/ipc"
)

// patience is the time that the paper world waits for its host.
const patience = time.Minute

// recordedLines returns an asset's messages as a recorder of the venue writes them.
func recordedLines(tb testing.TB, m *market, asset int) string {
	tb.Helper()
	var text strings.Builder
	id := 0
	for _, msg := range m.messages {
		if msg.asset != asset {
			continue
		}
		receivedNs := t0 + int64(msg.at)
		line := map[string]any{"s": symbols()[asset], "T": (receivedNs - int64(feedLatency)) / 1000}
		if first := msg.events[0]; first.Kind() == hft.TradeEvent {
			line["e"], line["X"], line["m"] = "trade", "MARKET", first.Side() == hft.Sell
			line["p"], line["q"] = fmt.Sprint(first.Px), fmt.Sprint(first.Qty)
		} else {
			id++
			line["e"], line["U"], line["u"], line["pu"] = "depthUpdate", id, id, id-1
			levels := map[hft.Side][][2]string{hft.Buy: {}, hft.Sell: {}}
			for _, e := range msg.events {
				levels[e.Side()] = append(levels[e.Side()], [2]string{fmt.Sprint(e.Px), fmt.Sprint(e.Qty)})
			}
			line["b"], line["a"] = levels[hft.Buy], levels[hft.Sell]
		}
		b, err := json.Marshal(line)
		if err != nil {
			tb.Fatal(err)
		}
		fmt.Fprintf(&text, "%d %s\n", receivedNs, b)
	}
	return text.String()
}

// gatedSource holds the replay until the bot is there.
type gatedSource struct {
	*replay.Source
	gate chan struct{}
}

func (s gatedSource) Next(b *paper.Batch) error {
	<-s.gate
	return s.Source.Next(b)
}

// inPaper returns a player on a bot that is attached to a host which replays the market at full speed.
func inPaper(tb testing.TB, m *market) *player {
	tb.Helper()
	dir, err := os.MkdirTemp("", "hft") // a socket's path has to be short
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	insts := instruments(m)
	files := make(map[string][]string)
	var configured []host.InstrumentConfig
	for i, inst := range insts {
		file := filepath.Join(dir, inst.Symbol)
		if err := os.WriteFile(file, []byte(recordedLines(tb, m, i)), 0o600); err != nil {
			tb.Fatal(err)
		}
		files[inst.Symbol] = []string{file}
		configured = append(configured, host.InstrumentConfig{Connector: inst.Connector, Symbol: inst.Symbol,
			TickSize: inst.TickSize, LotSize: inst.LotSize, Depth: "window"})
	}
	source, err := replay.Open(replay.Config{Files: files, NewDecoder: binance.Futures().Format.NewDecoder,
		Rule: connector.RuleFutures, Sync: replay.SyncNatural, OnBadLine: replay.FatalBadLine, OnGap: replay.FatalGap})
	if err != nil {
		tb.Fatal(err)
	}
	gate := make(chan struct{})
	sim, err := paper.New(paper.Config{Source: gatedSource{source, gate},
		Exchange: paper.Exchange{PartialFill: m.partial, OrderLatency: m.entry, ResponseLatency: m.response,
			MakerFee: makerFee, TakerFee: takerFee}})
	if err != nil {
		tb.Fatal(err)
	}
	// A strategy that is not started makes the connector list the instruments before the data begins.
	cfg := host.Config{Version: "test", PluginDir: filepath.Join(dir, "plugins"), StateDir: filepath.Join(dir, "state"),
		Supervision: host.Supervision{StartTimeout: patience, StopTimeout: patience, HeartbeatTimeout: patience,
			BackoffMin: ms, BackoffMax: ms, CrashLoopRestarts: 1, CrashLoopWindow: time.Minute},
		Connectors: []host.ConnectorConfig{{Name: connectorName, Kind: "paper", Connector: sim, Risk: m.limits}},
		Strategies: []host.StrategyConfig{{Name: "listed", Plugin: "none", Disabled: true, Instruments: configured,
			OnExit: host.CancelOrders, OnChange: host.IgnoreChange, Position: host.StrategyPosition}}}
	if err := os.Mkdir(cfg.PluginDir, 0o700); err != nil {
		tb.Fatal(err)
	}
	h, err := host.New(cfg, hclog.NewNullLogger())
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		_, err := h.Run(ctx)
		done <- err
	}()
	p := &player{tb: tb}
	tb.Cleanup(func() {
		if p.bot != nil {
			_ = p.bot.Close()
		} else {
			close(gate)
		}
		stop()
		select {
		case err := <-done:
			if err != nil {
				tb.Errorf("the host: %v", err)
			}
		case <-time.After(patience):
			tb.Error("the host does not end")
		}
	})
	p.attach(cfg.StateDir, m)
	close(gate)
	return p
}

// attach builds the player's bot on a channel to the host.
func (p *player) attach(stateDir string, m *market) {
	p.tb.Helper()
	socket := filepath.Join(stateDir, host.AttachSocketName)
	for deadline := time.Now().Add(patience); ; time.Sleep(ms) {
		if _, err := os.Stat(socket); err == nil {
			break
		} else if time.Now().After(deadline) {
			p.tb.Fatal(err)
		}
	}
	b := liveBuilder(p.tb, p, m)
	ch, err := b.Attach(ipc.DialConfig{Timeout: patience}).Dial(socket)
	if err != nil {
		p.tb.Fatal(err)
	}
	bot, err := b.Build(ch)
	if err != nil {
		_ = ch.Close()
		p.tb.Fatal(err)
	}
	p.bot = bot
}
