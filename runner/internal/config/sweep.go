package config

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/settings"
)

// maxSweepValues bounds the values of one parameter of a sweep.
const maxSweepValues = 10_000

// sweepArg is one NAME=V1,V2 of the command line.
type sweepArg struct {
	strategy, name string
	texts          []string
	rng            hcl.Range
	used           bool
	// known are the parameters of the strategies that it could have meant.
	known []string
}

// parseSweep takes NAME=V1,V2 or STRATEGY.NAME=V1,V2. Commas inside of brackets belong to a value.
func (c *checker) parseSweep(text string) *sweepArg {
	name, values, ok := strings.Cut(text, "=")
	s := &sweepArg{name: strings.TrimSpace(name), rng: hcl.Range{Filename: "--set " + text}}
	if at := strings.LastIndexByte(s.name, '.'); at >= 0 {
		s.strategy, s.name = s.name[:at], s.name[at+1:]
	}
	s.texts = splitValues(values)
	switch {
	case !ok || s.name == "":
		c.errorf(s.rng, "write NAME=VALUE, or NAME=VALUE1,VALUE2 for a run with each", "not a parameter with values")
		return nil
	case slices.Contains(s.texts, ""):
		c.errorf(s.rng, "write the values with single commas between them", "a value of %q is empty", s.name)
		return nil
	case len(s.texts) > maxSweepValues:
		c.errorf(s.rng, "split it over several runs", "%q has %d values, more than %d", s.name, len(s.texts), maxSweepValues)
		return nil
	}
	return s
}

func splitValues(text string) []string {
	var out []string
	depth, begin := 0, 0
	for i, ch := range text {
		switch {
		case ch == '[':
			depth++
		case ch == ']':
			depth--
		case ch == ',' && depth == 0:
			out = append(out, strings.TrimSpace(text[begin:i]))
			begin = i + 1
		}
	}
	return append(out, strings.TrimSpace(text[begin:]))
}

// sweeps reads the command line's parameters and checks the names of strategies in them.
func (c *checker) sweeps() []*sweepArg {
	var list []*sweepArg
	for _, text := range c.options.Sets {
		s := c.parseSweep(text)
		if s == nil {
			continue
		}
		if twin := slices.IndexFunc(list, func(o *sweepArg) bool { return o.strategy == s.strategy && o.name == s.name }); twin >= 0 {
			c.errorf(s.rng, "write all values in one", "parameter %q is set twice", s.name)
			continue
		}
		if names := c.strategyNames(); s.strategy != "" && !slices.Contains(names, s.strategy) {
			c.errorf(s.rng, suggest(s.strategy, names, "strategy block"), "there is no strategy %q", s.strategy)
			continue
		}
		list = append(list, s)
	}
	return list
}

func (c *checker) strategyNames() []string {
	names := make([]string, len(c.file.Strategies))
	for i := range c.file.Strategies {
		names[i] = c.file.Strategies[i].Name
	}
	return names
}

// applySweeps gives a strategy the command line's parameters that it has. It returns the names that are set.
func (c *checker) applySweeps(st *Strategy, d control.Description, list []*sweepArg) {
	for _, s := range list {
		if s.strategy != "" && s.strategy != st.Name || s.strategy == "" && !c.selected(st) {
			continue
		}
		at := slices.IndexFunc(d.Params, func(p settings.Setting) bool { return p.Name == s.name })
		if at < 0 {
			for i := range d.Params {
				s.known = append(s.known, d.Params[i].Name)
			}
			continue
		}
		s.used = true
		sweep := SweepParam{Name: s.name, Texts: s.texts}
		for _, text := range s.texts {
			converted, problem := checkParam(&d.Params[at], settings.Value{Go: sweepValue(&d.Params[at], text), Text: true})
			if problem != nil {
				c.errorf(s.rng, problem.Hint, "%s", problem)
				continue
			}
			if raw, err := json.Marshal(converted); err == nil {
				sweep.Values = append(sweep.Values, raw)
			}
		}
		st.Sweep = append(st.Sweep, sweep)
	}
}

// sweepValue makes a list of "[1, 2]" where a list is wanted.
func sweepValue(p *settings.Setting, text string) any {
	element, isList := p.Type.Element()
	inner, ok := strings.CutPrefix(text, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	if !isList || !ok || !closed {
		return text
	}
	list := []any{}
	if strings.TrimSpace(inner) == "" {
		return list
	}
	for _, e := range splitValues(inner) {
		list = append(list, element.FromText(e))
	}
	return list
}

// unusedSweeps reports parameters that no strategy has.
func (c *checker) unusedSweeps(list []*sweepArg) {
	for _, s := range list {
		if s.used || len(s.known) == 0 && c.file.failed {
			continue
		}
		where := "no strategy of this backtest has a parameter %q"
		if s.strategy != "" {
			where = "strategy " + s.strategy + " has no parameter %q"
		}
		c.errorf(s.rng, suggest(s.name, s.known, "parameter"), where, s.name)
	}
}

// selected reports whether a backtest runs the strategy.
func (c *checker) selected(st *Strategy) bool {
	return st.Backtest != nil && (len(c.options.Selected) == 0 || slices.Contains(c.options.Selected, st.Name))
}

// selection checks the strategies that a backtest was asked for.
func (c *checker) selection() {
	if !c.options.Backtest {
		return
	}
	var with []string
	for i := range c.file.Strategies {
		if c.file.Strategies[i].Backtest != nil {
			with = append(with, c.file.Strategies[i].Name)
		}
	}
	for _, name := range c.options.Selected {
		switch {
		case !slices.Contains(c.strategyNames(), name):
			c.errorf(hcl.Range{Filename: name}, suggest(name, c.strategyNames(), "strategy block"), "there is no strategy %q", name)
		case !slices.Contains(with, name):
			c.errorf(c.strategyRange(name), "add backtest { data \"SYMBOL\" { files = ... } }, as docs/config.md shows", "strategy %q has no backtest block", name)
		}
	}
	if len(c.options.Selected) == 0 && len(with) == 0 {
		c.errorf(c.fileRange(), "add backtest { data \"SYMBOL\" { files = ... } } to a strategy, as docs/config.md shows", "no strategy has a backtest block")
	}
}

func (c *checker) strategyRange(name string) hcl.Range {
	for i := range c.file.Strategies {
		if c.file.Strategies[i].Name == name {
			return c.file.Strategies[i].block.rng
		}
	}
	return c.fileRange()
}
