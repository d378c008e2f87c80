package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/internal/control"
)

// withHost calls f with the running host and gives what it returns its exit code.
func (s *settings) withHost(f func(Remote) error) (err error) {
	remote, err := s.dial()
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := remote.Close(); err == nil && closeErr != nil {
			err = withCode(ExitFailure, closeErr)
		}
	}()
	return hostError(f(remote))
}

// hostError gives an error of the running host its exit code.
func hostError(err error) error {
	var coded *codedError
	switch {
	case err == nil || errors.As(err, &coded):
		return err
	case errors.Is(err, control.ErrNoHost):
		return withCode(ExitNoHost, err)
	case errors.Is(err, control.ErrNotFound):
		return withCode(ExitUsage, err)
	case errors.As(err, new(*control.OrdersLeftError)):
		return withCode(ExitOrdersLeft, err)
	}
	return withCode(ExitFailure, err)
}

func (s *settings) psCommand() *cobra.Command {
	return &cobra.Command{Use: "ps", Short: "show the strategies of the running host", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.withHost(func(r Remote) error {
				all, err := r.Strategies(cmd.Context())
				if err != nil {
					return err
				}
				return s.printStrategies(all)
			})
		}}
}

func (s *settings) printStrategies(all []control.StrategyStatus) error {
	if s.json() {
		for i := range all {
			if all[i].Instruments == nil {
				all[i].Instruments = []control.InstrumentStatus{}
			}
			if all[i].RestartGapNs == nil {
				all[i].RestartGapNs = []int64{}
			}
		}
		if all == nil {
			all = []control.StrategyStatus{}
		}
		return printJSON(s.app.Stdout, map[string]any{"strategies": all})
	}
	rows := make([][]string, len(all))
	for i := range all {
		st := &all[i]
		pid := none
		if st.PID != 0 {
			pid = fmt.Sprint(st.PID)
		}
		rows[i] = append([]string{pid, st.Plugin + " " + st.Version, whole(st.Restarts)}, statusRow(st)...)
	}
	printTable(s.app.Stdout, append(columns(">pid", "plugin", ">restarts"), statusColumns()...), rows)
	for _, line := range slices.Concat(reasons(all), positionLines(all), feedLines(all)) {
		fmt.Fprintln(s.app.Stdout, line)
	}
	return nil
}

// outcome is the JSON form of start, stop and restart; the last five keys are restart's.
type outcome struct {
	Strategy string `json:"strategy"`
	Action   string `json:"action"`
	// Already: the strategy was as it was to be, nothing was done.
	Already bool   `json:"already,omitempty"`
	GapNs   *int64 `json:"gap_ns,omitempty"`
	OldPID  int    `json:"old_pid,omitempty"`
	NewPID  int    `json:"new_pid,omitempty"`
	Version string `json:"version,omitempty"`
	// StateLost is why the state was given up.
	StateLost string `json:"state_lost,omitempty"`
}

func (s *settings) report(o outcome, text string) error {
	if s.json() {
		return printJSON(s.app.Stdout, o)
	}
	fmt.Fprintln(s.app.Stdout, text)
	return nil
}

// strategyCommand makes a command that acts on one strategy.
func (s *settings) strategyCommand(use, short string, act func(ctx context.Context, r Remote,
	name string) error) *cobra.Command {
	return &cobra.Command{Use: use + " NAME", Short: short, Args: oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.withHost(func(r Remote) error { return withNames(cmd.Context(), r, act(cmd.Context(), r, args[0])) })
		}}
}

// withNames adds the names that there are to the error of one that there is not, where none is near it.
func withNames(ctx context.Context, r Remote, err error) error {
	var unknown *control.NotFoundError
	if !errors.As(err, &unknown) || unknown.Nearest != "" {
		return err
	}
	all, askErr := r.Strategies(ctx)
	if askErr != nil || len(all) == 0 {
		return err
	}
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
	}
	return fmt.Errorf("%w; there are %s", err, strings.Join(names, ", "))
}

// oneName wants the name of a strategy.
func oneName(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%s takes the name of one strategy, got %d names; 'runner ps' shows them", cmd.Name(),
			len(args))
	}
	return nil
}

func choose(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

func (s *settings) startCommand() *cobra.Command {
	discard := false
	c := s.strategyCommand("start", "start a strategy that is not running",
		func(ctx context.Context, r Remote, name string) error {
			already, err := r.Start(ctx, name, discard)
			if err != nil {
				return err
			}
			return s.report(outcome{Strategy: name, Action: "start", Already: already},
				name+choose(already, " is already running", " started"))
		})
	c.Flags().BoolVar(&discard, "discard-state", false, "start without the state that the strategy has saved")
	return c
}

func (s *settings) stopCommand() *cobra.Command {
	return s.strategyCommand("stop", "stop a strategy and apply its on_exit policy to its orders",
		func(ctx context.Context, r Remote, name string) error {
			already, err := r.Stop(ctx, name)
			if err != nil {
				return err
			}
			return s.report(outcome{Strategy: name, Action: "stop", Already: already},
				name+choose(already, " was not running", " stopped"))
		})
}

func (s *settings) restartCommand() *cobra.Command {
	discard := false
	c := s.strategyCommand("restart",
		"replace a strategy's process; the old one keeps running if the new one fails or the state cannot be saved",
		func(ctx context.Context, r Remote, name string) error {
			result, err := r.Restart(ctx, name, discard)
			if err != nil {
				return err
			}
			gapNs := int64(result.Gap)
			text := fmt.Sprintf("%s restarted: version %s, process %d after %d, gap %s", name, result.Version,
				result.NewPID, result.OldPID, latency(gapNs))
			if result.StateLost != "" {
				text += "; its state was discarded: " + result.StateLost
			}
			return s.report(outcome{Strategy: name, Action: "restart", GapNs: &gapNs, OldPID: result.OldPID,
				NewPID: result.NewPID, Version: result.Version, StateLost: result.StateLost}, text)
		})
	c.Flags().BoolVar(&discard, "discard-state", false,
		"restart even if the strategy's state cannot be saved; the state is then lost")
	return c
}

// versions is the JSON form of version; host is null when none is running.
type versions struct {
	Version    string               `json:"version"`
	APIVersion int                  `json:"api_version"`
	Go         string               `json:"go"`
	Platform   string               `json:"platform"`
	Host       *control.VersionInfo `json:"host"`
}

func (s *settings) versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "print the version of this program and of the running host",
		Args: noArguments, RunE: func(cmd *cobra.Command, _ []string) error {
			v := versions{Version: s.app.Version, APIVersion: control.APIVersion, Go: runtime.Version(),
				Platform: runtime.GOOS + "/" + runtime.GOARCH}
			// A host is a bonus here: this program has a version whether one runs or not.
			if err := s.withHost(func(r Remote) error {
				info, err := r.Version(cmd.Context())
				if err == nil {
					v.Host = &info
				}
				return err
			}); err != nil && s.socket != "" {
				return err
			}
			return s.printVersions(&v)
		}}
}

func (s *settings) printVersions(v *versions) error {
	if s.json() {
		return printJSON(s.app.Stdout, v)
	}
	fmt.Fprintf(s.app.Stdout, "runner %s (strategy API %d, %s, %s)\n", v.Version, v.APIVersion, v.Go, v.Platform)
	if v.Host == nil {
		fmt.Fprintln(s.app.Stdout, "no host is running")
		return nil
	}
	fmt.Fprintf(s.app.Stdout, "host %s (strategy API %d), process %d, %s, since %s\n", v.Host.Version,
		v.Host.APIVersion, v.Host.PID, v.Host.Config, v.Host.StartedAt.Format("2006-01-02 15:04:05 MST"))
	return nil
}
