package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/history"
	"github.com/hftrunner/hftrunner/internal/journal"
	"github.com/hftrunner/hftrunner/internal/rowfile"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

// stateFlags say whose journal is read.
type stateFlags struct{ dir string }

func (f *stateFlags) add(c *cobra.Command) {
	c.PersistentFlags().StringVar(&f.dir, "state-dir", "",
		"state `DIR` of the runner (default state_dir of the configuration)")
}

// directory returns the state directory.
func (f *stateFlags) directory(s *settings) (string, error) {
	if f.dir != "" {
		return f.dir, nil
	}
	return s.stateDir()
}

// stateDir returns the state directory of the configuration, the default one where there is no file and nobody asked
// for one.
func (s *settings) stateDir() (string, error) {
	path := s.configPath
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && path == defaultConfigFile {
		path = "" // no file was named: use the default state directory
	}
	runner, err := config.LoadRunner(path, s.options())
	if err != nil {
		return "", configError(err)
	}
	return runner.StateDir, nil
}

// journalDir returns the directory of the journal in a state directory, if there is one.
func (f *stateFlags) journalDir(s *settings) (string, error) {
	state, err := f.directory(s)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(state, journal.DirName)
	if _, err := os.Stat(dir); err != nil {
		return "", withCode(ExitFailure,
			fmt.Errorf("no journal in %s: it begins with the first 'runner run'; name another state directory with --state-dir", state))
	}
	return dir, nil
}

func (s *settings) journalCommand() *cobra.Command {
	state := &stateFlags{}
	c := &cobra.Command{Use: "journal", Short: "read the journal of everything the host has done",
		Long: "The journal in <state_dir>/journal has a record of each order, execution, payment and event. These commands work\n" +
			"whether or not a host is running.",
		Args: knownCommand, RunE: func(*cobra.Command,
			[]string) error {
			return errors.New("journal needs one of cat, verify, export, latency")
		}}
	state.add(c)
	c.AddCommand(s.journalCatCommand(state), s.journalVerifyCommand(state), s.journalExportCommand(state),
		s.journalLatencyCommand(state), s.journalProjectCommand(state))
	return c
}

// journalProjectCommand makes the command that the host starts before it removes segments.
func (s *settings) journalProjectCommand(state *stateFlags) *cobra.Command {
	return &cobra.Command{Use: "project", Short: "bring " + history.DBName + " up to date", Args: noArguments,
		Hidden: true, RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := state.directory(s)
			if err != nil {
				return err
			}
			d, err := history.Open(cmd.Context(), dir)
			if err != nil {
				return withCode(ExitFailure, err)
			}
			return d.Close()
		}}
}

// journalFilter chooses records.
type journalFilter struct {
	since, strategy string
	kinds           []string
	sequence        uint64
}

func (f *journalFilter) add(c *cobra.Command) {
	c.Flags().StringVar(&f.since, "since", "", "`TIME` to start at: "+sinceHelp)
	c.Flags().Uint64Var(&f.sequence, "from", 0, "`SEQUENCE` to start at")
	c.Flags().StringVar(&f.strategy, "strategy", "", "only records of the strategy `NAME`")
	c.Flags().StringSliceVar(&f.kinds, "kind", nil, "only records of these `KINDS`, as cat shows them")
}

const sinceHelp = "2026-03-01, 2026-03-01T12:00:00Z or how long ago, 90m, 2d"

// parseTime reads a time as --since and its like take it.
func (s *settings) parseTime(flag, text string) (ns int64, err error) {
	if text == "" {
		return 0, nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339Nano} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UnixNano(), nil
		}
	}
	ago := text
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil {
			ago = time.Duration(n * 24 * float64(time.Hour)).String()
		}
	}
	d, err := time.ParseDuration(ago)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("--%s is %q: give a time (UTC), %s", flag, text, sinceHelp)
	}
	return s.app.now().Add(-d).UnixNano(), nil
}

// parse returns where to start and the kinds that were chosen, all if none.
func (f *journalFilter) parse(s *settings) (from journal.ReadFrom, kinds []journal.Kind, err error) {
	from.Sequence = f.sequence
	if from.TimeNs, err = s.parseTime("since", f.since); err != nil {
		return from, nil, err
	}
	for _, name := range f.kinds {
		k, err := journal.ParseKind(name)
		if err != nil {
			return from, nil, err
		}
		kinds = append(kinds, k)
	}
	return from, kinds, nil
}

func (f *journalFilter) chooses(r *journal.Record, names *history.Names, kinds []journal.Kind) bool {
	return (f.strategy == "" || names.Strategy(r.Bot) == f.strategy) && (len(kinds) == 0 || slices.Contains(kinds,
		r.Kind))
}

// read calls fn for the records that are chosen, in their order, with the names by then. The damage that was met is
// returned.
func (f *journalFilter) read(ctx context.Context, s *settings, dir string, follow bool, fn func(*journal.Record,
	*history.Names) error) ([]journal.Damage, error) {
	from, kinds, err := f.parse(s)
	if err != nil {
		return nil, withCode(ExitUsage, err)
	}
	from.Follow = follow
	names, err := history.LoadNames(dir)
	if err != nil {
		return nil, withCode(ExitFailure, err)
	}
	if err := knownStrategy(names, f.strategy); err != nil && !follow {
		return nil, err
	}
	r, err := journal.OpenReader(dir, from)
	if err != nil {
		return nil, withCode(ExitFailure, err)
	}
	defer func() { _ = r.Close() }()
	for {
		rec, err := r.Next(ctx)
		if errors.Is(err, io.EOF) || follow && ctx.Err() != nil {
			return r.Damage(), nil
		}
		if err != nil {
			return r.Damage(), withCode(ExitFailure, err)
		}
		names.Learn(rec)
		if !f.chooses(rec, names, kinds) {
			continue
		}
		if err := fn(rec, names); err != nil {
			return r.Damage(), withCode(ExitFailure, err)
		}
	}
}

// knownStrategy refuses a name that no strategy in the journal has.
func knownStrategy(names *history.Names, name string) error {
	all := names.Strategies()
	if name == "" || slices.Contains(all, name) {
		return nil
	}
	slices.Sort(all)
	if near := control.Nearest(name, all); near != "" {
		return withCode(ExitUsage, fmt.Errorf("there is no strategy %q in the journal; did you mean %q?", name, near))
	}
	return withCode(ExitUsage, fmt.Errorf("there is no strategy %q in the journal; there are %s", name,
		strings.Join(all, ", ")))
}

func (s *settings) journalCatCommand(state *stateFlags) *cobra.Command {
	var filter journalFilter
	follow := false
	c := &cobra.Command{Use: "cat", Short: "print records, one per line", Args: noArguments,
		Long: "cat prints records in their order, one per line; with --output json one object per line.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := state.journalDir(s)
			if err != nil {
				return err
			}
			damage, err := filter.read(cmd.Context(), s, dir, follow, s.printRecord)
			return s.tellDamage(damage, err)
		}}
	filter.add(c)
	c.Flags().BoolVarP(&follow, "follow", "f", false, "print new records as they are appended, until Ctrl-C")
	return c
}

// tellDamage prints the parts that could not be read. It adds nothing to another error.
func (s *settings) tellDamage(damage []journal.Damage, err error) error {
	for _, d := range damage {
		s.app.say("damaged: %v\n", d)
	}
	if err == nil && len(damage) > 0 {
		err = withCode(ExitFailure, fmt.Errorf("the journal is damaged in %s; everything else was read",
			count(len(damage), "place")))
	}
	return err
}

func (s *settings) printRecord(r *journal.Record, names *history.Names) error {
	head, fields := names.Head(r), history.Fields(r)
	if s.json() {
		line, err := jsonObject(append(head, fields...))
		if err == nil {
			_, err = fmt.Fprintf(s.app.Stdout, "%s\n", line)
		}
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s %-13v", r.Sequence, time.Unix(0, r.TimeNs).UTC().Format(rowfile.TimeFormat), r.Kind)
	if who := names.Strategy(r.Bot); who != "" || r.Bot != 0 {
		if who == "" {
			who = fmt.Sprintf("bot %d", r.Bot)
		}
		fmt.Fprintf(&b, " %s/%d", control.PlainLine(who), r.Incarnation)
	}
	if connector, symbol := names.Instrument(r.Instrument); symbol != "" {
		fmt.Fprintf(&b, " %s %s", control.PlainLine(connector), control.PlainLine(symbol))
	} else if r.Instrument != 0 {
		fmt.Fprintf(&b, " instrument %d", r.Instrument)
	}
	for _, f := range fields {
		if text := plain(f.Type, f.Value); text != "" && text != "0" && text != "false" {
			if strings.ContainsAny(text, " =\"") {
				text = strconv.Quote(text)
			}
			fmt.Fprintf(&b, " %s=%s", f.Name, text)
		}
	}
	_, err := fmt.Fprintln(s.app.Stdout, b.String())
	return err
}

// plain returns a value for people and their scripts.
func plain(t rowfile.ColumnType, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return control.PlainLine(v)
	case float64:
		return strings.ReplaceAll(decimal(v), ",", "")
	case int64:
		if t == rowfile.Time {
			return time.Unix(0, v).UTC().Format(rowfile.TimeFormat)
		}
	}
	return fmt.Sprint(v)
}

// jsonValue returns a value as JSON has it.
func jsonValue(t rowfile.ColumnType, v any) any {
	if ns, ok := v.(int64); ok && t == rowfile.Time {
		return time.Unix(0, ns).UTC().Format(rowfile.TimeFormat)
	}
	return v
}

// jsonObject returns fields as one object, in their order.
func jsonObject(fields []history.Field) ([]byte, error) {
	b := []byte{'{'}
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(f.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(jsonValue(f.Type, f.Value))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}
