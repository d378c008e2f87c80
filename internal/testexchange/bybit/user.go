package bybit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// user is a private connection that has logged on.
type user struct {
	conn    *wire.Conn
	stream  *venue.UserStream
	account string
}

type userMessage struct {
	ID           string `json:"id"`
	Topic        string `json:"topic"`
	CreationTime int64  `json:"creationTime"`
	Data         any    `json:"data"`
}

// sendUser sends a message to the connections of an account that have subscribed to a topic, by either of its names.
func (v *Venue) sendUser(nowNs int64, account, topic string, data any) {
	v.messages++
	for _, id := range slices.Sorted(maps.Keys(v.users)) {
		u := v.users[id]
		if u.account != account {
			continue
		}
		for _, name := range u.conn.Streams() {
			if name == topic || name == topic+"."+linear {
				u.stream.Send(topic, encode(userMessage{fmt.Sprintf("%s_%d", account, v.messages), name,
					milliseconds(nowNs), data}))
			}
		}
	}
}

// changes are the account changes in one publication.
type changes struct {
	executions []executionRow
	orders     []orderRow
	touched    []*market.Symbol
	coins      []string
}

// publishUser sends what happened to accounts: executions before the orders that they are of, then positions, which are
// sent for each order that has changed, and then balances.
func (v *Venue) publishUser(nowNs int64, m *market.Market, events []market.Event) {
	if len(v.users) == 0 {
		return
	}
	accounts := map[string]*changes{}
	for i := range events {
		e := &events[i]
		if e.Kind != market.OrderChanged && e.Kind != market.AccountChanged {
			continue
		}
		c := accounts[e.Account]
		if c == nil {
			c = new(changes)
			accounts[e.Account] = c
		}
		c.add(e, v.seq+int64(i)+1)
	}
	for _, account := range slices.Sorted(maps.Keys(accounts)) {
		v.sendChanges(nowNs, m, account, accounts[account])
	}
}

func (c *changes) add(e *market.Event, seq int64) {
	if e.Kind == market.AccountChanged {
		for _, b := range e.Balances {
			if !slices.Contains(c.coins, b.Asset) {
				c.coins = append(c.coins, b.Asset)
			}
		}
		if e.Why == market.WhyFunding {
			row := newExecutionRow(e.Symbol, &e.Execution, &market.Order{}, seq)
			row.Category = linear
			c.executions = append(c.executions, row)
		}
		return
	}
	if e.Kind != market.OrderChanged {
		return
	}
	if !slices.Contains(c.touched, e.Symbol) {
		c.touched = append(c.touched, e.Symbol)
	}
	if e.Change == market.Executed {
		row := newExecutionRow(e.Symbol, &e.Execution, &e.Order, seq)
		row.Category = linear
		c.executions = append(c.executions, row)
	}
	row := newOrderRow(e.Symbol, &e.Order)
	row.Category = linear
	c.orders = append(c.orders, row)
}

func (v *Venue) sendChanges(nowNs int64, m *market.Market, account string, c *changes) {
	if len(c.executions) > 0 {
		fast := make([]fastRow, 0, len(c.executions))
		for i := range c.executions {
			if c.executions[i].ExecType == executionType(market.Trade) { // the fast topic has nothing else
				fast = append(fast, newFastRow(&c.executions[i]))
			}
		}
		if len(fast) > 0 {
			v.sendUser(nowNs, account, "execution.fast", fast)
		}
		v.sendUser(nowNs, account, "execution", c.executions)
	}
	v.sendOrders(nowNs, account, c.orders)
	var positions []positionRow
	for _, s := range c.touched {
		for _, p := range positionsOf(m, account, s) {
			row := newPositionRow(m, &p, v.seq)
			row.Category, row.EntryPrice = linear, p.EntryPrice()
			positions = append(positions, row)
		}
	}
	if len(positions) > 0 {
		v.sendUser(nowNs, account, "position", positions)
	}
	if len(c.coins) > 0 {
		v.sendUser(nowNs, account, "wallet", []walletRow{newWalletRow(m, account,
			func(asset string) bool { return slices.Contains(c.coins, asset) })})
	}
}

// sendOrders sends rows of the topic order with the faults that hit them.
func (v *Venue) sendOrders(nowNs int64, account string, rows []orderRow) {
	if len(rows) == 0 {
		return
	}
	var again []orderRow
	faults := v.core.Faults
	for i := range rows {
		r := &rows[i]
		if _, hit := faults.Hit(fault.UnknownStatus, r.OrderLinkID); hit {
			strange := *r
			strange.Status, strange.CumExecQty = "SomethingNew", "0"
			v.sendUser(nowNs, account, "order", []orderRow{strange})
		}
		if r.Status == statusText(hft.StatusFilled) {
			if _, hit := faults.Hit(fault.RepeatFilled, r.OrderLinkID); hit {
				second := *r
				second.RejectReason = "EC_OrigClOrdIDDoesNotExist"
				again = append(again, second)
			}
		}
		if _, hit := faults.Hit(fault.EmptyLeaves, r.OrderLinkID); hit {
			r.LeavesQty, r.LeavesValue, r.AvgPrice = "", "", ""
		}
	}
	v.sendUser(nowNs, account, "order", rows)
	for _, r := range again {
		v.sendUser(nowNs, account, "order", []orderRow{r})
	}
}

// userTopics are the topics of a private connection.
func userTopics() []string {
	return []string{"order", "order.linear", "execution", "execution.linear", "execution.fast", "execution.fast.linear",
		"position", "position.linear", "wallet", "greeks", "dcp.future"}
}

// mixed reports whether topics have one of two names of the same thing, and the other, too.
func mixed(topics []string) bool {
	return slices.ContainsFunc(topics, func(t string) bool {
		plain, ok := strings.CutSuffix(t, "."+linear)
		return ok && slices.Contains(topics, plain)
	})
}
