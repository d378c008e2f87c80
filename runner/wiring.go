package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/paper"
	"github.com/hftrunner/hftrunner/internal/replay"
	"github.com/hftrunner/hftrunner/ipc"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

// newConnector makes the connector of a block: a simulated exchange, or the connection to a venue.
func newConnector(ctx context.Context, file *config.File, c *config.Connector, clock *hostipc.Clock, logger hclog.Logger) (host.ConnectorConfig, error) {
	if c.Live != nil {
		return liveConnector(ctx, file, c, clock, logger)
	}
	if c.Kind != config.KindPaper {
		return host.ConnectorConfig{}, fmt.Errorf("%v: this build has no connector of kind %q", c.Pos, c.Kind)
	}
	made, err := newPaper(ctx, c, file.Kinds.Formats(), logger)
	if err != nil {
		return host.ConnectorConfig{}, fmt.Errorf("%v: connector %q: %w", c.Pos, c.Name, err)
	}
	return host.ConnectorConfig{Name: c.Name, Kind: c.Kind, Connector: made, Risk: c.Risk.Risk()}, nil
}

// hostConfig makes the host's configuration of a checked file.
func hostConfig(ctx context.Context, file *config.File, logger hclog.Logger) (host.Config, error) {
	clock := hostipc.NewWallClock()
	cfg := host.Config{Version: version(), ConfigPath: file.Path, PluginDir: file.Runner.PluginDir, StateDir: file.Runner.StateDir,
		Clock: clock,
		Supervision: host.Supervision{
			StartTimeout: file.Runner.StartTimeout, StopTimeout: file.Runner.StopTimeout,
			ExitTimeout:      file.Runner.ExitTimeout,
			HeartbeatTimeout: file.Runner.HeartbeatTimeout,
			BackoffMin:       file.Runner.BackoffMin, BackoffMax: file.Runner.BackoffMax,
			CrashLoopRestarts: file.Runner.CrashLoopRestarts, CrashLoopWindow: file.Runner.CrashLoopWindow,
		},
		StrategyLogs: host.StrategyLogs{Megabytes: file.Runner.StrategyLogMB, Files: file.Runner.StrategyLogFiles,
			LinesPerSecond: file.Runner.StrategyLogRate},
		Journal: host.Journal{Keep: file.Runner.JournalKeep,
			BeforeRemove:    func(ctx context.Context) error { return updateHistory(ctx, file.Runner.StateDir) },
			ContinueOnError: file.Runner.OnJournalError == "continue"}, Fresh: file.Fresh, TakeOver: file.TakeOver,
		Risk: file.Runner.Risk.Risk()}
	connectors, err := newConnectors(ctx, file, clock, logger)
	if err != nil {
		return cfg, err
	}
	cfg.Connectors = connectors
	for i := range file.Strategies {
		st, err := strategyConfig(&file.Strategies[i])
		if err != nil {
			return cfg, err
		}
		cfg.Strategies = append(cfg.Strategies, st)
	}
	return cfg, nil
}

// updateHistory brings the history of a state directory up to date, in another process: what that needs of memory and
// time is not the host's.
func updateHistory(ctx context.Context, stateDir string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program)
	cmd.Args = []string{"runner", "journal", "project", "--state-dir", stateDir}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("runner journal project: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// newConnectors makes all connectors side by side: none waits for another's venue. The error has all that is wrong with the
// configuration.
func newConnectors(ctx context.Context, file *config.File, clock *hostipc.Clock, logger hclog.Logger) ([]host.ConnectorConfig, error) {
	made, errs := make([]host.ConnectorConfig, len(file.Connectors)), make([]error, len(file.Connectors))
	var group sync.WaitGroup
	for i := range file.Connectors {
		c := &file.Connectors[i]
		group.Go(func() { made[i], errs[i] = newConnector(ctx, file, c, clock, logger.Named(c.Name)) })
	}
	group.Wait()
	var wrong config.Problems
	for _, err := range errs {
		var problems config.Problems
		if errors.As(err, &problems) {
			wrong = append(wrong, problems...)
		} else if err != nil {
			return nil, err
		}
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return made, nil
}

func strategyConfig(st *config.Strategy) (host.StrategyConfig, error) {
	wait, err := ipc.ParseWaitStrategy(st.Wait)
	if err != nil {
		return host.StrategyConfig{}, fmt.Errorf("%v: strategy %q: %w", st.Pos, st.Name, err)
	}
	cfg := host.StrategyConfig{Name: st.Name, Plugin: st.Plugin, SHA256: st.SHA256, BotID: st.BotID, Params: st.Params, Wait: wait,
		OnExit: host.ExitAction(st.OnExit), OnChange: host.ChangeAction(st.OnChange), Position: host.PositionMode(st.Position),
		Disabled: !st.Enabled, Risk: st.Risk.Risk()}
	for _, in := range st.Instruments {
		cfg.Instruments = append(cfg.Instruments, host.InstrumentConfig{Connector: in.Connector, Symbol: in.Symbol,
			TickSize: in.TickSize, LotSize: in.LotSize, Depth: in.Depth, ROILow: in.ROILow, ROIHigh: in.ROIHigh, LastTrades: in.LastTrades,
			Currency: in.Currency, Risk: in.Risk.Risk()})
	}
	return cfg, nil
}

// newPaper makes a simulated exchange on its feed.
func newPaper(ctx context.Context, c *config.Connector, formats map[string]connector.Format, logger hclog.Logger) (connector.Connector, error) {
	source, err := newSource(ctx, c, formats, logger)
	if err != nil {
		return nil, err
	}
	made, err := paper.New(paper.Config{Source: source, Speed: c.Speed, Exchange: paper.Exchange{
		PartialFill: c.Exchange.Model == "partial_fill", Queue: c.Exchange.Queue, QueueN: c.Exchange.QueueN,
		OrderLatency: c.Exchange.OrderLatency, ResponseLatency: c.Exchange.ResponseLatency,
		MakerFee: c.Fee.Maker, TakerFee: c.Fee.Taker,
	}})
	if err != nil {
		_ = source.Close() // the first error is the one to report
		return nil, err
	}
	return made, nil
}

// lookingThrough tells, when it takes more than a second, and then every five, how far the recordings have been looked through.
func lookingThrough(logger hclog.Logger, now func() time.Time) func(symbol string, done, total int64) {
	next := now().Add(time.Second)
	return func(symbol string, done, total int64) {
		if at := now(); !at.Before(next) && total > 0 {
			next = at.Add(5 * time.Second)
			logger.Info("replay: scanning the recordings before it starts", "symbol", symbol, "done", fmt.Sprintf("%d%%", 100*done/total))
		}
	}
}

func newSource(ctx context.Context, c *config.Connector, formats map[string]connector.Format, logger hclog.Logger) (paper.Source, error) {
	if s := c.Synthetic; s != nil {
		return paper.NewSynthetic(paper.SyntheticConfig{Seed: s.Seed, StartNs: time.Now().UnixNano(),
			EventsPerSecond: s.EventsPerSecond, Volatility: s.Volatility, JumpInterval: s.JumpInterval, JumpSize: s.JumpSize,
			FeedLatency: s.FeedLatency})
	}
	format, ok := formats[c.Replay.Format]
	if !ok {
		return nil, fmt.Errorf("this build cannot replay format %q", c.Replay.Format)
	}
	source, err := replay.Open(replay.Config{Context: ctx, Files: c.Replay.Files, NewDecoder: format.NewDecoder, Rule: format.Rule, Format: c.Replay.Format, Formats: formats,
		Sync: replay.Sync(c.Replay.Sync), OnBadLine: replay.OnBadLine(c.Replay.OnBadLine), OnGap: replay.OnGap(c.Replay.OnGap),
		BookTicker: c.Replay.BookTicker, BaseLatency: c.Replay.BaseLatency,
		ExchangeTime: c.Speed == 0 && replay.Sync(c.Replay.Sync) == replay.SyncExchange,
		Progress:     lookingThrough(logger, time.Now),
		OnProblem:    func(p feed.Problem) { logger.Warn("replay", "problem", p.Error()) }})
	if err != nil {
		return nil, err
	}
	for _, r := range source.Reports() {
		for _, c := range r.Corrections {
			if c.OffsetNs != 0 {
				logger.Warn("replay", "symbol", r.Symbol, "clock", c.String())
			}
		}
	}
	return source, nil
}
