package risk

import "time"

// Limits are those of one level. What is 0 or nil is not limited. Money is by currency, which is that of the
// instrument's prices; a currency that is not in the map is not limited.
type Limits struct {
	// MaxOrderQty and MaxOrderValue bound one order.
	MaxOrderQty   float64            `json:"max_order_qty,omitempty"`
	MaxOrderValue map[string]float64 `json:"max_order_value,omitempty"`
	// MaxPosition bounds the position in each instrument, long or short, and with it what open orders could add to it:
	// buys and sells are counted apart. MaxPositionValue bounds the sum of all positions' values, counted in that way.
	MaxPosition      float64            `json:"max_position,omitempty"`
	MaxPositionValue map[string]float64 `json:"max_position_value,omitempty"`
	// MaxOpenOrders and MaxOpenValue bound the orders that are open at a time.
	MaxOpenOrders int                `json:"max_open_orders,omitempty"`
	MaxOpenValue  map[string]float64 `json:"max_open_value,omitempty"`
	// MaxOrderRate bounds submissions and amendments in any interval of OrderRateInterval.
	MaxOrderRate      int           `json:"max_order_rate,omitempty"`
	OrderRateInterval time.Duration `json:"order_rate_interval_ns,omitempty"`
}

// IsZero reports whether nothing is limited.
func (l Limits) IsZero() bool {
	return l.MaxOrderQty == 0 && l.MaxPosition == 0 && l.MaxOpenOrders == 0 && l.MaxOrderRate == 0 &&
		len(l.MaxOrderValue)+len(l.MaxPositionValue)+len(l.MaxOpenValue) == 0
}
