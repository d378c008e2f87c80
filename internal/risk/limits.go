package risk

import (
	"fmt"
	"strconv"

	"github.com/hftrunner/hftrunner/hft"
	public "github.com/hftrunner/hftrunner/risk"
)

// Limits are those of one level.
type Limits = public.Limits

// Rule is a limit that refuses an order.
type Rule uint8

// Rules, in the order in which they are checked.
const (
	None Rule = iota
	OrderQty
	OrderValue
	Position
	PositionValue
	OpenOrders
	OpenValue
	OrderRate
	// Price: the value of an order is limited, and there is no price to value it at.
	Price
)

// String returns the setting's name.
func (r Rule) String() string {
	switch r {
	case OrderQty:
		return "max_order_qty"
	case OrderValue:
		return "max_order_value"
	case Position:
		return "max_position"
	case PositionValue:
		return "max_position_value"
	case OpenOrders:
		return "max_open_orders"
	case OpenValue:
		return "max_open_value"
	case OrderRate:
		return "max_order_rate"
	case Price:
		return "no_price"
	}
	return "none"
}

// Level names the block of a limit.
type Level uint8

// Levels.
const (
	Instrument Level = iota
	Strategy
	Connector
	Runner
)

// String returns the name of the block that the limit stands in.
func (l Level) String() string {
	switch l {
	case Instrument:
		return "instrument"
	case Strategy:
		return "strategy"
	case Connector:
		return "connector"
	}
	return "runner"
}

// Refusal says which limit refuses an order; with Rule None it is let through.
type Refusal struct {
	Rule  Rule
	Level Level
	// Name is that of the strategy, connector or symbol; empty for the runner.
	Name string
	// Limit is allowed, Value would be reached with the order. Both are quantities, amounts of Currency, or numbers of orders.
	Limit, Value float64
	Currency     string
}

// Event returns the value of the strategy's error event: a map of reason (the words of String), rule, level, name, limit,
// value and currency.
func (r Refusal) Event() hft.Value {
	return hft.MapValue(map[string]hft.Value{"reason": hft.StringValue(r.String()), "rule": hft.StringValue(r.Rule.String()),
		"level": hft.StringValue(r.Level.String()), "name": hft.StringValue(r.Name), "limit": hft.FloatValue(r.Limit),
		"value": hft.FloatValue(r.Value), "currency": hft.StringValue(r.Currency)})
}

// String says it in words, for logs and for the strategy.
func (r Refusal) String() string {
	if r.Rule == None {
		return ""
	}
	of := r.Level.String()
	if r.Name != "" {
		of += " " + r.Name
	}
	if r.Rule == Price {
		return fmt.Sprintf("the value of orders is limited, and there is no price to value this one at (%s)", of)
	}
	unit := ""
	if r.Currency != "" {
		unit = " " + r.Currency
	}
	return fmt.Sprintf("%s of %s is %s%s, it would be %s%s", r.Rule, of, text(r.Limit), unit, text(r.Value), unit)
}

// text writes a number without the noise of binary fractions.
func text(x float64) string { return strconv.FormatFloat(x, 'g', 12, 64) }
