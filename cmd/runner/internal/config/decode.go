package config

import (
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// decoder turns the merged settings into a File.
type decoder struct {
	*report
	layers *layers
	// partial: the file has syntax errors, so what seems to be missing may just be unreadable.
	partial bool
}

// section is one block's converted arguments. A wrong one has been reported and reads as the zero value.
type section struct{ values map[string]any }

func get[T any](s section, name string) T {
	v, _ := s.values[name].(T)
	return v
}

// section converts a block's arguments by the table.
func (d *decoder) section(b *block) section {
	s := section{values: make(map[string]any, len(b.typ.args))}
	for i := range b.typ.args {
		a := &b.typ.args[i]
		raw, override := d.layers.get(b, a.name)
		set := b.args[a.name]
		if raw == nil {
			if a.required && (set == nil || set.ok) && !d.partial {
				d.missing(b, a)
			}
			continue
		}
		v, rng := value{goValue: raw}, b.rng
		switch {
		case override != "":
			v.text, rng = true, hcl.Range{Filename: override}
		case set != nil:
			v.text, v.secret, rng = set.text, set.secret, set.valueRng
		}
		converted, problem, hint := a.convert(v)
		if problem != "" {
			d.errorf(rng, hint, "%s", problem)
			continue
		}
		s.values[a.name] = converted
	}
	return s
}

// file decodes the whole tree.
func (d *decoder) file(path string, root *block) *File {
	f := &File{Path: path, Connectors: []Connector{}, Strategies: []Strategy{}}
	for _, b := range root.blocks {
		switch b.typ.name {
		case "runner":
			f.Runner = d.runner(b)
		case "connector":
			f.Connectors = append(f.Connectors, d.connector(b))
		case "strategy":
			f.Strategies = append(f.Strategies, d.strategy(b))
		}
	}
	for i := range f.Strategies {
		d.needSteps(f, &f.Strategies[i])
		if f.Strategies[i].Backtest != nil {
			d.inherit(f, &f.Strategies[i])
		}
	}
	return f
}

func (d *decoder) runner(b *block) Runner {
	s := d.section(b)
	r := Runner{
		PluginDir:         get[string](s, "plugin_dir"),
		StateDir:          get[string](s, "state_dir"),
		StartTimeout:      get[time.Duration](s, "start_timeout"),
		StopTimeout:       get[time.Duration](s, "stop_timeout"),
		ExitTimeout:       get[time.Duration](s, "exit_timeout"),
		HeartbeatTimeout:  get[time.Duration](s, "heartbeat_timeout"),
		BackoffMin:        get[time.Duration](s, "backoff_min"),
		BackoffMax:        get[time.Duration](s, "backoff_max"),
		CrashLoopRestarts: int(get[int64](s, "crash_loop_restarts")),
		CrashLoopWindow:   get[time.Duration](s, "crash_loop_window"),
		StrategyLogMB:     int(get[int64](s, "strategy_log_mb")),
		StrategyLogFiles:  int(get[int64](s, "strategy_log_files")),
		StrategyLogRate:   int(get[int64](s, "strategy_log_rate")),
		LogLevel:          get[string](s, "log_level"),
	}
	if r.BackoffMin > 0 && r.BackoffMax > 0 && r.BackoffMin > r.BackoffMax {
		d.errorf(b.at("backoff_max"), "make it at least backoff_min", "backoff_max %v is below backoff_min %v", r.BackoffMax, r.BackoffMin)
	}
	return r
}

func (d *decoder) connector(b *block) Connector {
	c := Connector{Kind: b.labels[0], Name: b.labels[1], Pos: position(b.rng), rng: b.rng}
	if c.Kind != KindPaper {
		d.live(b, &c)
		return c
	}
	s := d.section(b)
	c.Speed = get[float64](s, "speed")
	if synthetic := b.child("synthetic"); synthetic != nil {
		s := d.section(synthetic)
		c.Synthetic = &Synthetic{Seed: get[uint64](s, "seed"), EventsPerSecond: get[float64](s, "events_per_second"),
			Volatility: get[float64](s, "volatility"), JumpInterval: get[time.Duration](s, "jump_interval"),
			JumpSize: get[float64](s, "jump_size"), FeedLatency: get[time.Duration](s, "feed_latency")}
	}
	if replay := b.child("replay"); replay != nil {
		d.replay(b, replay, &c)
	}
	c.Exchange = exchangeOf(d.section(b.child("exchange")))
	if n := b.child("exchange").args["queue_n"]; n != nil && !isPowerQueue(c.Exchange.Queue) {
		d.warnf(n.nameRng, "remove it, or choose power_prob, power_prob2 or power_prob3", "queue_n has no effect with queue %q", c.Exchange.Queue)
	}
	c.Fee = feeOf(d.section(b.child("fee")))
	return c
}

func exchangeOf(s section) Exchange {
	return Exchange{Model: get[string](s, "model"), Queue: get[string](s, "queue"), QueueN: get[float64](s, "queue_n"),
		OrderLatency: get[time.Duration](s, "order_latency"), ResponseLatency: get[time.Duration](s, "response_latency")}
}

func feeOf(s section) Fee {
	return Fee{Maker: get[float64](s, "maker"), Taker: get[float64](s, "taker")}
}

func isPowerQueue(queue string) bool {
	return queue == "power_prob" || queue == "power_prob2" || queue == "power_prob3"
}

func (d *decoder) replay(parent, b *block, c *Connector) {
	if other := parent.child("synthetic"); other != nil {
		d.errorf(b.rng, "remove one of them", "connector %q has a replay block and a synthetic block; it has one feed", c.Name)
	}
	if speed := parent.args["speed"]; speed != nil {
		d.errorf(speed.nameRng, "move it into the replay block", "the speed of a replay belongs into its block")
	}
	s := d.section(b)
	c.Speed = get[float64](s, "speed")
	c.filesRng = b.at("files")
	c.Replay = &Replay{Format: get[string](s, "format"), Files: get[map[string][]string](s, "files"), Sync: get[string](s, "sync"),
		OnBadLine: get[string](s, "on_bad_line"), OnGap: get[string](s, "on_gap"), BookTicker: get[bool](s, "book_ticker"), BaseLatency: get[time.Duration](s, "base_latency")}
}

func (d *decoder) strategy(b *block) Strategy {
	s := d.section(b)
	st := Strategy{Name: b.labels[0], Pos: position(b.rng),
		Plugin: get[string](s, "plugin"), SHA256: get[string](s, "sha256"), BotID: get[uint64](s, "bot_id"),
		Wait: get[string](s, "wait"), OnExit: get[string](s, "on_exit"), OnChange: get[string](s, "on_change"),
		Position: get[string](s, "position"), Enabled: get[bool](s, "enabled"), Instruments: []Instrument{},
		rng: b.rng, pluginRng: b.at("plugin"), botIDRng: b.at("bot_id"), sha256Rng: b.at("sha256"), params: b.child("params")}
	st.Params = d.params(st.params)
	for name, set := range st.params.args {
		if set.secret {
			st.SecretParams = append(st.SecretParams, name)
		}
	}
	slices.Sort(st.SecretParams)
	if t := b.child("backtest"); t != nil {
		st.backtestRng = t.rng
		st.Backtest = d.backtest(t)
	}
	for _, c := range b.blocks {
		if c.typ.name == "instrument" {
			st.Instruments = append(st.Instruments, d.instrument(c))
		}
	}
	if len(st.Instruments) == 0 && !d.partial {
		d.errorf(b.rng, `add instrument "connector" "SYMBOL" { tick_size = ..., lot_size = ... }, one argument a line`,
			"strategy %q has no instrument block", st.Name)
	}
	return st
}

func (d *decoder) instrument(b *block) Instrument {
	s := d.section(b)
	i := Instrument{Connector: b.labels[0], Symbol: b.labels[1], TickSize: get[float64](s, "tick_size"), LotSize: get[float64](s, "lot_size"),
		Depth: get[string](s, "depth"), ROILow: get[float64](s, "roi_low"), ROIHigh: get[float64](s, "roi_high"),
		LastTrades: int(get[int64](s, "last_trades")), block: b}
	switch _, low := s.values["roi_low"]; {
	case i.Depth == DepthROI && low && i.ROIHigh <= i.ROILow:
		d.errorf(b.at("roi_high"), "give roi_low and roi_high, the prices between which the book is kept",
			"a roi book needs roi_low below roi_high; they are %v and %v", i.ROILow, i.ROIHigh)
	case i.Depth != DepthROI && i.Depth != "" && (b.args["roi_low"] != nil || b.args["roi_high"] != nil):
		d.warnf(b.rng, `remove them, or write depth = "roi"`, "roi_low and roi_high have no effect with depth %q", i.Depth)
	}
	return i
}

func position(rng hcl.Range) Position {
	return Position{File: rng.Filename, Line: rng.Start.Line, Column: rng.Start.Column}
}
