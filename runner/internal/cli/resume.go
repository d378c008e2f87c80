package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/internal/control"
)

// resumed is the JSON form of resume.
type resumed struct {
	Action      string               `json:"action"`
	Connector   string               `json:"connector"`
	Instruments []control.Resumption `json:"instruments"`
}

func (s *settings) resumeCommand() *cobra.Command {
	return &cobra.Command{Use: "resume CONNECTOR [SYMBOL]",
		Short: "accept new orders again on a halted instrument, or on all of a connector",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 && len(args) != 2 {
				return errors.New("resume takes a connector, and a symbol if it is not all")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			symbol := ""
			if len(args) == 2 {
				symbol = args[1]
			}
			return s.withHost(func(r Remote) error {
				list, err := r.Resume(cmd.Context(), args[0], symbol)
				if err != nil {
					return err
				}
				return s.reportResumed(args[0], symbol, list)
			})
		}}
}

// reportResumed prints what takes new orders again; what does not is the error.
func (s *settings) reportResumed(connector, symbol string, list []control.Resumption) error {
	var refused []error
	for i := range list {
		if list[i].Refused != "" {
			refused = append(refused, fmt.Errorf("%s %s is still halted: %s", connector, list[i].Symbol,
				list[i].Refused))
		}
	}
	if s.json() {
		if list == nil {
			list = []control.Resumption{}
		}
		return errors.Join(append(refused, printJSON(s.app.Stdout, resumed{"resume", connector, list}))...)
	}
	if len(list) == 0 {
		fmt.Fprintln(s.app.Stdout, strings.TrimSpace(connector+" "+symbol)+": nothing is halted")
	}
	for i := range list {
		if r := &list[i]; r.Refused == "" {
			fmt.Fprintf(s.app.Stdout, "%s %s: new orders are accepted again; it was %s\n", connector, r.Symbol, r.Cause)
		}
	}
	return errors.Join(refused...)
}
