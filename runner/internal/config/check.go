package config

import (
	"errors"
	"io/fs"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// checker checks what no single block can say.
type checker struct {
	*report
	file    *File
	options *Options
}

func (c *checker) check() {
	if len(c.file.Strategies) == 0 {
		c.warnf(c.fileRange(), `add a block: strategy "name" { ... }`, "there is no strategy, so there is nothing to run")
	}
	c.references()
	c.steps()
	c.clocks()
	c.botIDs()
	c.accounts()
	c.limits()
	c.live()
	c.files()
	c.backtests()
	c.selection()
	if c.options.Plugins != nil {
		c.plugins()
	}
}

// references: every instrument's connector exists, every recorded symbol too, and every connector is used.
func (c *checker) references() {
	names := make([]string, len(c.file.Connectors))
	for i := range c.file.Connectors {
		names[i] = c.file.Connectors[i].Name
	}
	used, complete := map[string]bool{}, true
	for si := range c.file.Strategies {
		for ii := range c.file.Strategies[si].Instruments {
			in := &c.file.Strategies[si].Instruments[ii]
			used[in.Connector] = true
			target := c.file.connector(in.Connector)
			if target == nil {
				c.errorf(in.block.labelRngs[0], suggest(in.Connector, names, "connector block"), "unknown connector %q", in.Connector)
				complete = false // perhaps the one that seems unused was meant
				continue
			}
			if target.Replay == nil || len(target.Replay.Files) == 0 || target.Replay.Files[in.Symbol] != nil {
				continue
			}
			symbols := slices.Collect(maps.Keys(target.Replay.Files))
			c.errorf(in.block.labelRngs[1], suggest(in.Symbol, symbols, "recorded file"),
				"connector %q replays no file of %q", in.Connector, in.Symbol)
		}
	}
	for i := range c.file.Connectors {
		if con := &c.file.Connectors[i]; complete && !used[con.Name] && len(c.file.Strategies) > 0 {
			c.warnf(con.rng, "remove it, or trade on it", "no strategy uses connector %q", con.Name)
		}
	}
}

// steps: all strategies agree on an instrument's tick and lot size; there is one feed of it.
func (c *checker) steps() {
	type key struct{ connector, symbol string }
	first := map[key]*Instrument{}
	for si := range c.file.Strategies {
		for ii := range c.file.Strategies[si].Instruments {
			in := &c.file.Strategies[si].Instruments[ii]
			k := key{in.Connector, in.Symbol}
			other := first[k]
			if other == nil {
				first[k] = in
				continue
			}
			c.sameStep(in, other, "tick_size", in.TickSize, other.TickSize)
			c.sameStep(in, other, "lot_size", in.LotSize, other.LotSize)
		}
	}
}

func (c *checker) sameStep(in, other *Instrument, name string, step, otherStep float64) {
	if step == otherStep || step == 0 || otherStep == 0 {
		return
	}
	c.errorf(in.block.at(name), "write the venue's value in both",
		"%s of %s is %v here and %v on line %d", name, in.Symbol, step, otherStep, other.block.at(name).Start.Line)
}

// clocks: a bot has one clock, so a connector with its own time goes with no other.
func (c *checker) clocks() {
	for si := range c.file.Strategies {
		st := &c.file.Strategies[si]
		for ii := range st.Instruments {
			in, head := &st.Instruments[ii], &st.Instruments[0]
			if in.Connector == head.Connector {
				continue
			}
			a, b := c.file.connector(head.Connector), c.file.connector(in.Connector)
			if a == nil || b == nil || !a.OwnClock() && !b.OwnClock() {
				continue
			}
			own := a
			if !a.OwnClock() {
				own = b
			}
			c.errorf(in.block.labelRngs[0], "use one connector, or split the strategy in two",
				"strategy %q mixes connectors %q and %q; %q has its own clock, and a strategy has only one",
				st.Name, a.Name, b.Name, own.Name)
			break
		}
	}
}

func (c *checker) botIDs() {
	first := map[uint64]*Strategy{}
	for i := range c.file.Strategies {
		st := &c.file.Strategies[i]
		if st.BotID == 0 {
			continue
		}
		if other := first[st.BotID]; other != nil {
			c.errorf(st.block.at("bot_id"), "use a different one for each strategy, or remove it", "bot_id %d is also strategy %q's", st.BotID, other.Name)
			continue
		}
		first[st.BotID] = st
	}
}

// accounts: two bots that take the account's position for their own trade against each other's fills.
func (c *checker) accounts() {
	type key struct{ connector, symbol string }
	first := map[key]string{}
	for si := range c.file.Strategies {
		st := &c.file.Strategies[si]
		if st.Position != PositionAccount {
			continue
		}
		for ii := range st.Instruments {
			in := &st.Instruments[ii]
			k := key{in.Connector, in.Symbol}
			if other, ok := first[k]; ok && other != st.Name {
				c.warnf(in.block.rng, `write position = "strategy" unless they are meant to see each other's fills`,
					"strategies %q and %q share %s with position = %q", other, st.Name, in.Symbol, PositionAccount)
				continue
			}
			first[k] = st.Name
		}
	}
}

// files: recorded files are there.
func (c *checker) files() {
	for i := range c.file.Connectors {
		con := &c.file.Connectors[i]
		if con.Replay == nil {
			continue
		}
		rng := con.filesRng
		for _, sym := range slices.Sorted(maps.Keys(con.Replay.Files)) {
			for _, path := range con.Replay.Files[sym] {
				c.fileExists(rng, path, sym)
			}
		}
	}
}

// absentAdvice says what to do about data that is not there.
const absentAdvice = "paths are relative to the working directory; env(\"HFTRUNNER_DATA\") is the usual way to name the data directory; " +
	"'runner sample --out data/sample' makes data to try with"

// fileExists reports a file that is not there or is none.
func (c *checker) fileExists(rng hcl.Range, path, sym string) {
	if c.options.Stat == nil {
		return
	}
	info, err := c.options.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.errorf(rng, absentAdvice,
			"file %q of %s does not exist", path, sym)
	case err != nil:
		c.errorf(rng, "", "file %q of %s cannot be used: %v", path, sym, err)
	case info.IsDir():
		c.errorf(rng, "name the files in it", "%q of %s is a directory", path, sym)
	}
}
