package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

// validation is the JSON form of validate. Connectors and strategies are null when the configuration is wrong.
type validation struct {
	Valid      bool               `json:"valid"`
	Config     string             `json:"config"`
	Problems   config.Problems    `json:"problems"`
	Connectors []config.Connector `json:"connectors"`
	Strategies []config.Strategy  `json:"strategies"`
}

func (s *settings) validateCommand() *cobra.Command {
	schema := false
	c := &cobra.Command{Use: "validate", Short: "check the configuration, its plugins and their parameters",
		Args: noArguments, RunE: func(cmd *cobra.Command, _ []string) error {
			if schema {
				text, err := config.JSONSchema(s.app.Kinds)
				if err == nil {
					_, err = s.app.Stdout.Write(text)
				}
				return err
			}
			file, err := s.load(cmd.Context(), false)
			if s.json() {
				return s.validateJSON(file, err)
			}
			if err != nil {
				return err
			}
			if len(file.Warnings) > 0 {
				s.app.printProblems(file.Warnings)
			}
			printFile(s.app.Stdout, file)
			return nil
		}}
	c.Flags().BoolVar(&schema, "schema", false,
		"print a JSON Schema of the configuration instead, for editors and programs that write or check configurations")
	return c
}

func (s *settings) validateJSON(file *config.File, err error) error {
	v := validation{Config: s.configPath, Problems: config.Problems{}}
	code := ExitOK
	var problems config.Problems
	switch {
	case err == nil:
		v.Valid, v.Connectors, v.Strategies = true, file.Connectors, file.Strategies
		v.Problems = append(v.Problems, file.Warnings...)
	case errors.As(err, &problems):
		v.Problems = problems
		var coded *codedError
		if code = ExitConfig; errors.As(err, &coded) {
			code = coded.code
		}
	default:
		return err
	}
	if err := printJSON(s.app.Stdout, v); err != nil {
		return err
	}
	if code != ExitOK {
		return withCode(code, fmt.Errorf("%s is not valid: %s", v.Config, tally(v.Problems)))
	}
	return nil
}

// printFile prints what a configuration amounts to. Parameters are left out: they may hold secrets.
func printFile(w io.Writer, f *config.File) {
	fmt.Fprintf(w, "%s is valid: %s, %s\n", f.Path, count(len(f.Connectors), "connector"),
		count(len(f.Strategies), "strategy"))
	var rows [][]string
	for i := range f.Connectors {
		c := &f.Connectors[i]
		if c.Live != nil {
			continue
		}
		rows = append(rows, []string{c.Name, c.Kind, marketOf(c), speed(c.Speed),
			c.Exchange.Model + ", " + c.Exchange.Queue, c.Exchange.OrderLatency.String() +
				" / " + c.Exchange.ResponseLatency.String(), percent(c.Fee.Maker) + " / " + percent(c.Fee.Taker)})
	}
	section(w, columns("connector", "kind", "feed", ">speed", "exchange", "latency out / back", "fee maker / taker"),
		rows)
	section(w, columns("connector", "venue", "addresses", "orders", "dead man"), venueRows(f))
	rows = nil
	for i := range f.Strategies {
		st := &f.Strategies[i]
		for n, in := range st.Instruments {
			row := []string{"", "", "", in.Connector, in.Symbol, step(in.TickSize), step(in.LotSize), in.Depth}
			if n == 0 {
				row[0], row[1], row[2] = st.Name, st.Plugin, "yes"
				if !st.Enabled {
					row[2] = "no"
				}
			}
			rows = append(rows, row)
		}
	}
	section(w, columns("strategy", "plugin", "enabled", "connector", "symbol", ">tick size", ">lot size", "depth"),
		rows)
	section(w, columns("backtest", "mode", ">runs", "symbol", ">files", "format", "exchange", "latency out / back",
		"fee maker / taker"), backtestRows(f))
	for _, row := range venueRows(f) {
		fmt.Fprintf(w, "\n%s: not verified against the venue; run 'runner check %s'", row[0], row[0])
	}
	if slices.ContainsFunc(f.Connectors, func(c config.Connector) bool { return c.Live != nil }) {
		fmt.Fprintln(w)
	}
}

// venueRows is a line for each connector to a venue.
func venueRows(f *config.File) [][]string {
	var rows [][]string
	for i := range f.Connectors {
		c := &f.Connectors[i]
		if c.Live == nil {
			continue
		}
		row := []string{c.Name, c.Kind, c.Live.Network, "none: market data only", none}
		if c.Live.Network == "" {
			row[2] = "own"
		}
		if c.Live.HasKey() {
			row[3] = c.Live.OrderEntry + ", prefix " + c.Live.OrderPrefix
		}
		if !c.Live.Account {
			row[3] = none
		}
		if c.Live.DeadMan > 0 {
			row[4] = c.Live.DeadMan.String()
		}
		rows = append(rows, row)
	}
	return rows
}

// step is a step of prices or quantities, which may be left to the venue.
func step(x float64) string {
	if x == 0 {
		return "venue's"
	}
	return decimal(x)
}

// backtestRows is a line for the data of each instrument of each backtest.
func backtestRows(f *config.File) [][]string {
	var rows [][]string
	for i := range f.Strategies {
		t := f.Strategies[i].Backtest
		if t == nil {
			continue
		}
		for n := range t.Data {
			a := &t.Data[n].Asset
			row := []string{"", "", "", a.Symbol, whole(len(a.Files)), "events",
				a.Exchange.Model + ", " + a.Exchange.Queue, "as in files",
				fmt.Sprintf("%s / %s", decimal(a.Fee.Maker), decimal(a.Fee.Taker))}
			if n == 0 {
				row[0], row[1], row[2] = f.Strategies[i].Name, t.Spec.Compat, whole(t.Parts())
			}
			if slices.ContainsFunc(a.Files, func(p string) bool { return !config.EventFile(p) }) {
				row[5] = t.Data[n].Format
			}
			if l := &a.Exchange.Latency; len(l.Files) == 0 {
				row[7] = fmt.Sprintf("%v / %v", time.Duration(l.EntryNs), time.Duration(l.ResponseNs))
			}
			if a.Fee.Model == config.FeeByValue {
				row[8] = percent(a.Fee.Maker) + " / " + percent(a.Fee.Taker)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// marketOf says what a connector's market is.
func marketOf(c *config.Connector) string {
	if c.Replay == nil {
		return fmt.Sprintf("synthetic, seed %d", c.Synthetic.Seed)
	}
	return c.Replay.Format + " replay of " + strings.Join(slices.Sorted(maps.Keys(c.Replay.Files)), ", ")
}

func speed(x float64) string {
	if x == 0 {
		return "max"
	}
	return decimal(x) + "x"
}

func percent(x float64) string { return decimal(100*x) + " %" }

// pluginForm is the JSON form of one plugin.
type pluginForm struct {
	Name    string          `json:"name"`
	Path    string          `json:"path"`
	SHA256  string          `json:"sha256"`
	Version string          `json:"version"`
	Doc     string          `json:"doc"`
	Params  []control.Param `json:"params"`
	Error   string          `json:"error,omitempty"`
}

func (s *settings) pluginsCommand() *cobra.Command {
	return &cobra.Command{Use: "plugins [NAME...]", Short: "list plugins and their parameters",
		Long: "plugins starts the named plugins of plugin_dir (default: those that strategies use) briefly to query their parameters.\n" +
			"Other files in the directory are listed but not executed.",
		RunE: func(cmd *cobra.Command, args []string) error { return s.plugins(cmd.Context(), args) }}
}

func (s *settings) plugins(ctx context.Context, names []string) error {
	dir, used, err := s.pluginDir()
	if err != nil {
		return err
	}
	available, err := s.app.PluginNames(dir)
	if err != nil {
		return withCode(ExitFailure, fmt.Errorf("%w; set plugin_dir, or build the plugins into it", err))
	}
	if len(names) == 0 {
		names = slices.DeleteFunc(used, func(n string) bool { return !slices.Contains(available, n) })
	}
	infos, err := s.app.Describe(ctx, dir, names)
	if err != nil {
		return withCode(ExitFailure, err)
	}
	failed := 0
	forms := make([]pluginForm, 0, len(names))
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		forms = append(forms, formOf(infos[name]))
		if infos[name].Err != nil {
			failed++
		}
	}
	others := slices.DeleteFunc(available, func(n string) bool { return slices.Contains(names, n) })
	if s.json() {
		if others == nil {
			others = []string{}
		}
		err = printJSON(s.app.Stdout, map[string]any{"plugin_dir": dir, "plugins": forms, "others": others})
	} else {
		printPlugins(s.app.Stdout, dir, forms, others)
	}
	if err == nil && failed > 0 {
		err = withCode(ExitPluginFailed, fmt.Errorf("%s could not be started", count(failed, "plugin")))
	}
	return err
}

// pluginDir returns the plugin folder and the plugins that strategies use.
func (s *settings) pluginDir() (dir string, used []string, err error) {
	runner, err := config.LoadRunner(s.configPath, s.options())
	if err != nil {
		return "", nil, configError(err)
	}
	file, err := config.Load(s.configPath, s.options())
	if err != nil { // plugins can be looked at before the rest is right
		return runner.PluginDir, nil, nil
	}
	for i := range file.Strategies {
		used = append(used, file.Strategies[i].Plugin)
	}
	slices.Sort(used)
	return runner.PluginDir, slices.Compact(used), nil
}

func formOf(info host.PluginInfo) pluginForm {
	f := pluginForm{Name: info.Name, Path: info.Path, SHA256: info.SHA256, Version: info.Description.Version,
		Doc: info.Description.Doc, Params: info.Description.Params}
	if f.Params == nil {
		f.Params = []control.Param{}
	}
	if info.Err != nil {
		f.Error = info.Err.Error()
	}
	return f
}

func printPlugins(w io.Writer, dir string, forms []pluginForm, others []string) {
	fmt.Fprintf(w, "plugin directory %s\n", dir)
	for i := range forms {
		f := &forms[i]
		if f.Error != "" {
			fmt.Fprintf(w, "\n%s\n  %s\n", f.Name, f.Error)
			continue
		}
		fmt.Fprintf(w, "\n%s %s: %s\n  sha256 %s\n", f.Name, f.Version, f.Doc, f.SHA256)
		rows := make([][]string, len(f.Params))
		for n, p := range f.Params {
			def := "required"
			if !p.Required() {
				def = string(p.DefaultJSON())
			}
			rows[n] = []string{"  " + p.Name, string(p.Type), def, limits(&p), p.Doc}
		}
		if len(rows) > 0 {
			printTable(w, columns("  parameter", "type", ">default", "range", "meaning"), rows)
		}
	}
	if len(others) > 0 {
		fmt.Fprintf(w, "\nnot queried (pass their names to query them): %s\n", strings.Join(others, ", "))
	}
}

// limits says the range of a parameter.
func limits(p *control.Param) string {
	unit := ""
	if p.Type == control.ParamDuration {
		unit = " s"
	}
	switch {
	case p.Min != nil && p.Max != nil:
		return decimal(*p.Min) + " to " + decimal(*p.Max) + unit
	case p.Min != nil:
		return "from " + decimal(*p.Min) + unit
	case p.Max != nil:
		return "to " + decimal(*p.Max) + unit
	}
	return ""
}
