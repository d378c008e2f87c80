package cli

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/internal/control"
)

// adopted is the JSON form of adopt.
type adopted struct {
	Strategy     string  `json:"strategy,omitempty"`
	Action       string  `json:"action"`
	Connector    string  `json:"connector"`
	Symbol       string  `json:"symbol"`
	Qty          float64 `json:"qty"`
	Price        float64 `json:"price,omitempty"`
	Position     float64 `json:"position"`
	Unattributed float64 `json:"unattributed"`
	Resumed      bool    `json:"resumed"`
}

func (s *settings) adoptCommand() *cobra.Command {
	var none bool
	var price float64
	c := &cobra.Command{Use: "adopt STRATEGY|--none CONNECTOR SYMBOL [QTY]",
		Short: "book a position of the account that belongs to no strategy to one, or to none",
		Args: func(_ *cobra.Command, args []string) error {
			if none && len(args) != 2 {
				return errors.New("adopt --none takes a connector and a symbol")
			} else if !none && len(args) != 3 && len(args) != 4 {
				return errors.New("adopt takes a strategy, or --none, a connector and a symbol, and a quantity if it is not all")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			a := control.Adoption{Price: price}
			if !none {
				a.Strategy, args = args[0], args[1:]
			}
			a.Connector, a.Symbol = args[0], args[1]
			if len(args) == 3 {
				qty, err := strconv.ParseFloat(args[2], 64)
				if err != nil || !(qty > 0) || math.IsInf(qty, 0) {
					return withCode(ExitUsage,
						fmt.Errorf("%q is not a quantity: write how much of it, such as 0.5, whether long or short",
							args[2]))
				}
				a.Qty = qty
			}
			return s.withHost(func(r Remote) error {
				result, err := r.Adopt(cmd.Context(), a)
				if err != nil {
					return withNames(cmd.Context(), r, err)
				}
				return s.reportAdopted(&a, &result)
			})
		}}
	c.Flags().BoolVar(&none, "none", false, "no strategy gets it: what the strategies do not have belongs to none")
	c.Flags().Float64Var(&price, "price", 0, "price at which the strategy gets it; the middle of the book by default")
	return c
}

func (s *settings) reportAdopted(a *control.Adoption, r *control.AdoptResult) error {
	if s.json() {
		return printJSON(s.app.Stdout, adopted{a.Strategy, "adopt", a.Connector, a.Symbol, r.Qty, r.Price, r.Position,
			r.Unattributed, r.Resumed})
	}
	text := fmt.Sprintf("%s %s: ", a.Connector, a.Symbol)
	if a.Strategy != "" {
		text += fmt.Sprintf("%s got %s at %s and holds %s, ", a.Strategy, decimal(r.Qty), decimal(r.Price),
			decimal(r.Position))
	}
	text += decimal(r.Unattributed) + " belongs to no strategy"
	if r.Resumed {
		text += "; new orders are accepted again"
	}
	fmt.Fprintln(s.app.Stdout, text)
	return nil
}
