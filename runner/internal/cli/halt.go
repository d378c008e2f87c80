package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/internal/control"
)

// halted is the JSON form of halt.
type halted struct {
	Action      string                     `json:"action"`
	Instruments []control.HaltedInstrument `json:"instruments"`
}

func (s *settings) haltCommand() *cobra.Command {
	all := false
	c := &cobra.Command{Use: "halt CONNECTOR [SYMBOL] | --all",
		Short: "refuse new orders on an instrument, a connector or everywhere, and cancel the open ones",
		Long: `halt refuses new orders and cancels the open ones: on one instrument, on all of a connector, or with --all everywhere.
Strategies keep running. The halt outlives restarts; 'runner resume' ends it. The command returns when the venues have
confirmed that no order of this runner is open there; otherwise it lists what is left after exit_timeout, the exit code is
6, and the runner goes on canceling.

The signal SIGUSR1 to the running host, and a file HALT in its state directory, halt everything as well. While the file is
there, nothing is resumed.`,
		Example: "  runner halt --all\n  runner halt bf\n  runner halt bf BTCUSDT",
		Args: func(_ *cobra.Command, args []string) error {
			if all && len(args) > 0 || !all && len(args) != 1 && len(args) != 2 {
				return errors.New("halt takes a connector, and a symbol if it is not all of it, or --all")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			args = append(args, "", "")
			return s.withHost(func(r Remote) error {
				list, err := r.Halt(cmd.Context(), args[0], args[1])
				if err != nil {
					return err
				}
				return s.reportHalted(list)
			})
		}}
	c.Flags().BoolVar(&all, "all", false, "halt everything")
	return c
}

func (s *settings) reportHalted(list []control.HaltedInstrument) error {
	if s.json() {
		if list == nil {
			list = []control.HaltedInstrument{}
		}
		return printJSON(s.app.Stdout, halted{"halt", list})
	}
	for i := range list {
		in := &list[i]
		fmt.Fprintf(s.app.Stdout, "%s %s: %s\n", in.Connector, in.Symbol, choose(in.Already, "was "+in.Cause, "halted"))
	}
	fmt.Fprintln(s.app.Stdout, "no order is open there; to trade again: runner resume CONNECTOR [SYMBOL]")
	return nil
}
