package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/settings"
	"github.com/hftrunner/hftrunner/risk"
)

// Limits is a risk block. What is 0 or no currency of is not limited.
type Limits struct {
	MaxOrderQty       float64            `json:"max_order_qty,omitempty" hcl:"max_order_qty" default:"0" min:"0" doc:"largest quantity of one order, 0 for no limit"`
	MaxOrderValue     map[string]float64 `json:"max_order_value,omitempty" hcl:"max_order_value" default:"{}" above:"0" doc:"largest value of one order; a market order is valued at the worst price that it reaches in the book"`
	MaxPosition       float64            `json:"max_position,omitempty" hcl:"max_position" default:"0" min:"0" doc:"largest position in each instrument, long or short, 0 for no limit. What open orders could add to it counts, buys and sells apart; what makes it smaller passes"`
	MaxPositionValue  map[string]float64 `json:"max_position_value,omitempty" hcl:"max_position_value" default:"{}" above:"0" doc:"largest value of all positions together, each with what open orders could add to it; a position is valued at the middle of the book when it was last traded"`
	MaxOpenOrders     int                `json:"max_open_orders,omitempty" hcl:"max_open_orders" default:"0" min:"0" max:"1000000" doc:"most orders open at a time, 0 for no limit"`
	MaxOpenValue      map[string]float64 `json:"max_open_value,omitempty" hcl:"max_open_value" default:"{}" above:"0" doc:"largest value of all orders open at a time"`
	MaxOrderRate      int                `json:"max_order_rate,omitempty" hcl:"max_order_rate" default:"0" min:"0" max:"1000000" doc:"most submissions and amendments in any 'order_rate_interval', 0 for no limit; cancels always pass"`
	OrderRateInterval time.Duration      `json:"order_rate_interval_ns,omitempty" hcl:"order_rate_interval" default:"1s" above:"0s" max:"24h" doc:"see 'max_order_rate'"`

	block *block
}

// Risk returns the limits as the gate takes them.
func (l *Limits) Risk() risk.Limits {
	return risk.Limits{MaxOrderQty: l.MaxOrderQty, MaxOrderValue: l.MaxOrderValue, MaxPosition: l.MaxPosition,
		MaxPositionValue: l.MaxPositionValue, MaxOpenOrders: l.MaxOpenOrders, MaxOpenValue: l.MaxOpenValue,
		MaxOrderRate: l.MaxOrderRate, OrderRateInterval: l.OrderRateInterval}
}

// IsZero reports whether nothing is limited.
func (l Limits) IsZero() bool { return l.Risk().IsZero() }

// money reports whether a limit of money is set.
func (l *Limits) money() bool {
	return len(l.MaxOrderValue)+len(l.MaxPositionValue)+len(l.MaxOpenValue) > 0
}

// limitsOfAccount is the risk block of a connector, whatever its kind has besides.
type limitsOfAccount struct {
	Risk Limits `hcl:"risk,block,later" doc:"Limits of the account: of all strategies on this connector together. See 'runner › risk'."`
}

// addLimits gives a kind of connectors the risk block.
func addLimits(b *settings.Block, k *connector.Kind) error {
	if b.Block("risk") != nil {
		return fmt.Errorf("kind of connectors %q: its settings may not have a block risk, which every connector has", k.Name)
	}
	own, err := settings.Of(reflect.TypeFor[limitsOfAccount]())
	if err != nil {
		return err
	}
	b.Blocks = append(b.Blocks, own.Blocks...)
	return nil
}

// limitsOf decodes the risk block of a connector.
func (d *decoder) limitsOf(b *block, c *Connector) {
	d.into(b.child("risk"), &c.Risk)
}

func (l *Limits) decoded(d *decoder, b *block) {
	l.block = b
	if l.MaxOrderQty > 0 && l.MaxPosition > 0 && l.MaxOrderQty > 2*l.MaxPosition {
		d.warnf(b.at("max_order_qty"), "lower it, or raise max_position",
			"max_order_qty %v is never reached: max_position %v allows orders of at most %v, from one end to the other",
			l.MaxOrderQty, l.MaxPosition, 2*l.MaxPosition)
	}
	for currency, most := range l.MaxOrderValue {
		if open := l.MaxOpenValue[currency]; open > 0 && most > open {
			d.warnf(b.at("max_order_value"), "lower it, or raise max_open_value",
				"max_order_value %v %s is never reached: max_open_value is %v %[2]s", most, currency, open)
		}
	}
	if rate := b.args["order_rate_interval"]; rate != nil && l.MaxOrderRate == 0 {
		d.warnf(rate.nameRng, "set max_order_rate, or remove it", "order_rate_interval has no effect without max_order_rate")
	}
}

// limits: limits of money know the currency of what they are about, and a strategy's own parameters are within its limits.
func (c *checker) limits() {
	for si := range c.file.Strategies {
		st := &c.file.Strategies[si]
		for ii := range st.Instruments {
			in := &st.Instruments[ii]
			list := []*Limits{&in.Risk, &st.Risk, &c.file.Runner.Risk}
			if con := c.file.connector(in.Connector); con != nil {
				list = append(list, &con.Risk)
			}
			c.currencyOf(in, list)
			c.paramsWithin(st, list)
		}
	}
}

// currencyOf reports a limit of money on an instrument of which it is not known what money that is, or that does not limit
// its currency.
func (c *checker) currencyOf(in *Instrument, list []*Limits) {
	for _, l := range list {
		if !l.money() {
			continue
		}
		if in.Currency == "" {
			c.errorf(in.block.rng, `add currency = "USDT", or what its prices are in`,
				"the risk block on line %d limits money, and the currency of %s is not known", l.block.rng.Start.Line, in.Symbol)
			return
		}
		for name, by := range map[string]map[string]float64{"max_order_value": l.MaxOrderValue,
			"max_position_value": l.MaxPositionValue, "max_open_value": l.MaxOpenValue} {
			if _, limited := by[in.Currency]; !limited && len(by) > 0 {
				c.warnf(l.block.at(name), "add "+in.Currency+" = ...", "%s does not limit %s, in which %s is traded", name,
					in.Currency, in.Symbol)
			}
		}
	}
}

// paramsWithin reports parameters of a strategy that its limits would refuse. Their names are those of the field, and of
// the examples.
func (c *checker) paramsWithin(st *Strategy, list []*Limits) {
	var params map[string]any
	if st.params == nil || json.Unmarshal(st.Params, &params) != nil {
		return
	}
	for _, l := range list {
		for _, p := range []struct {
			name, limit string
			most        float64
		}{{"order_qty", "max_order_qty", l.MaxOrderQty}, {"max_position", "max_position", l.MaxPosition}} {
			v, is := params[p.name].(float64)
			if set := st.params.args[p.name]; is && set != nil && p.most > 0 && v > p.most {
				c.warnf(set.valueRng, "lower it, or raise the limit", "%s is %v, and %s of the risk block on line %d is %v: "+
					"what exceeds it will be refused", p.name, v, p.limit, l.block.rng.Start.Line, p.most)
			}
		}
	}
}

// riskOf returns the limits of a strategy's backtest besides those of its instruments.
func (f *File) riskOf(st *Strategy) backtest.Risk {
	r := backtest.Risk{Runner: f.Runner.Risk.Risk(), Strategy: st.Risk.Risk()}
	for i := range st.Instruments {
		c := f.connector(st.Instruments[i].Connector)
		if c == nil || c.Risk.IsZero() {
			continue
		}
		if r.Connectors == nil {
			r.Connectors = make(map[string]risk.Limits)
		}
		r.Connectors[c.Name] = c.Risk.Risk()
	}
	return r
}
