package binancefutures

import (
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

type listenKey struct {
	key, account string
	expiresNs    int64
}

// userConn is a connection of user data with what it gets.
type userConn struct {
	conn   *wire.Conn
	stream *venue.UserStream
	key    *listenKey
	// events restricts the types, nil for all.
	events []string
}

// openUser attaches a connection to the first of names that is a listen key.
func (v *Venue) openUser(c *wire.Conn, names []string, events string) {
	v.core.Do(func(nowNs int64, _ *market.Market) {
		for _, name := range names {
			if k := v.listenKeys[name]; k != nil && nowNs < k.expiresNs {
				u := &userConn{conn: c, stream: v.core.NewUserStream(c), key: k}
				if events != "" {
					u.events = strings.Split(events, "/")
				}
				v.users[c.ID] = u
				return
			}
		}
	})
}

func (v *Venue) closeUser(c *wire.Conn) {
	v.core.Do(func(int64, *market.Market) { delete(v.users, c.ID) })
}

// sendUser sends an event to the connections of an account.
func (v *Venue) sendUser(account, event string, payload []byte) {
	ids := make([]int64, 0, len(v.users))
	for id, u := range v.users {
		if u.key.account == account && (u.events == nil || slices.Contains(u.events, event)) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		u := v.users[id]
		if strings.HasSuffix(u.conn.Path, "/stream") {
			u.stream.Send(event, binance.Combined(u.key.key, payload))
		} else {
			u.stream.Send(event, payload)
		}
	}
}

// newListenKey answers POST: a new key, or the account's with a new life.
func (v *Venue) newListenKey(c *binance.Call) (any, *binance.Error) {
	var out any
	v.core.Do(func(nowNs int64, _ *market.Market) {
		k := v.keyOf(c.Key.Account)
		if k == nil {
			const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			text := make([]byte, 64)
			for i := range text {
				text[i] = letters[v.random.IntN(len(letters))]
			}
			k = &listenKey{key: string(text), account: c.Key.Account}
			v.listenKeys[k.key] = k
		}
		k.expiresNs = nowNs + int64(v.options.ListenKeyTTL)
		out = map[string]string{"listenKey": k.key}
	})
	return out, nil
}

func (v *Venue) keyOf(account string) *listenKey {
	for _, k := range v.listenKeys {
		if k.account == account {
			return k
		}
	}
	return nil
}

// keepListenKey answers PUT.
func (v *Venue) keepListenKey(c *binance.Call) (out any, bad *binance.Error) {
	v.core.Do(func(nowNs int64, _ *market.Market) {
		k := v.keyOf(c.Key.Account)
		if _, hit := v.core.Faults.Hit(fault.ListenKeyUnknown, c.What); hit && k != nil {
			delete(v.listenKeys, k.key)
			k = nil
		}
		if k == nil {
			bad = &binance.Error{Code: -1125, Msg: "This listenKey does not exist."}
			return
		}
		k.expiresNs = nowNs + int64(v.options.ListenKeyTTL)
		out = map[string]string{"listenKey": k.key}
	})
	return out, bad
}

// endListenKey answers DELETE.
func (v *Venue) endListenKey(c *binance.Call) (any, *binance.Error) {
	v.core.Do(func(int64, *market.Market) {
		if k := v.keyOf(c.Key.Account); k != nil {
			delete(v.listenKeys, k.key)
			v.detach(k)
		}
	})
	return struct{}{}, nil
}

// detach ends what the connections of a key get.
func (v *Venue) detach(k *listenKey) {
	for id, u := range v.users {
		if u.key == k {
			delete(v.users, id)
		}
	}
}

type keyExpired struct {
	Event     string `json:"e"`
	E         int64  `json:"E"`
	ListenKey string `json:"listenKey"`
}

// tickUser lets listen keys expire.
func (v *Venue) tickUser(nowNs int64) {
	_, all := v.core.Faults.Hit(fault.ListenKeyExpired, "")
	for name, k := range v.listenKeys {
		if !all && nowNs < k.expiresNs {
			continue
		}
		v.sendUser(k.account, "listenKeyExpired", binance.Encode(keyExpired{"listenKeyExpired",
			binance.Milliseconds(nowNs), name}))
		delete(v.listenKeys, name)
		v.detach(k)
	}
	for _, u := range v.users {
		u.stream.Tick(nowNs)
	}
}

// tickActions does the faults that happen to all connections.
func (v *Venue) tickActions(nowNs int64) {
	if _, hit := v.core.Faults.Hit(fault.CutConnections, ""); hit {
		v.core.Hub.CloseAll(websocket.StatusGoingAway, "connection expired")
	}
	if f, hit := v.core.Faults.Hit(fault.ServerShutdown, ""); hit {
		v.shutdownNs = nowNs + int64(f.DurationOr(10*time.Second))
		payload := binance.Encode(map[string]any{"e": "serverShutdown", "E": binance.Milliseconds(nowNs)})
		for _, c := range v.core.Hub.Conns() {
			if strings.HasSuffix(c.Path, "/stream") {
				c.Send("serverShutdown", binance.Combined("!serverShutdown", payload))
			} else {
				c.Send("serverShutdown", payload)
			}
		}
	}
	if v.shutdownNs != 0 && nowNs >= v.shutdownNs {
		v.shutdownNs = 0
		v.core.Hub.CloseAll(websocket.StatusGoingAway, "server shutdown")
	}
}

// publishUser sends what happened to accounts.
func (v *Venue) publishUser(nowNs int64, m *market.Market, events []market.Event) {
	if len(v.users) == 0 {
		return
	}
	for i := range events {
		switch e := &events[i]; e.Kind {
		case market.AccountChanged:
			v.sendUser(e.Account, "ACCOUNT_UPDATE", binance.Encode(newAccountUpdate(nowNs, e)))
		case market.OrderChanged:
			v.sendOrder(nowNs, e)
		case market.Called:
			v.sendUser(e.Account, "MARGIN_CALL", binance.Encode(newMarginCall(nowNs, m, e)))
		case market.LeverageChanged:
			v.sendUser(e.Account, "ACCOUNT_CONFIG_UPDATE", binance.Encode(leverageUpdate{"ACCOUNT_CONFIG_UPDATE",
				binance.Milliseconds(nowNs), binance.Milliseconds(e.TimeNs), leverage{e.Symbol.Name, e.Leverage}}))
		}
	}
}

func (v *Venue) sendOrder(nowNs int64, e *market.Event) {
	if v.options.TradeLite && e.Change == market.Executed {
		v.sendUser(e.Account, "TRADE_LITE", binance.Encode(newTradeLite(nowNs, e)))
	}
	update := newOrderUpdate(nowNs, e)
	_, null := v.core.Faults.Hit(fault.NullFeeAsset, e.Order.ClientID)
	update.Order.null = null
	if _, hit := v.core.Faults.Hit(fault.UnknownStatus, e.Order.ClientID); hit {
		strange := update
		strange.Order.Exec, strange.Order.Status = "SOMETHING_NEW", "PENDING_SOMETHING"
		strange.Order.LastQty, strange.Order.LastPrice, strange.Order.TradeID = "0", "0", 0
		v.sendUser(e.Account, "ORDER_TRADE_UPDATE", binance.Encode(strange))
	}
	payload := binance.Encode(update)
	v.sendUser(e.Account, "ORDER_TRADE_UPDATE", payload)
	if e.Order.Status == hft.StatusFilled {
		if _, hit := v.core.Faults.Hit(fault.RepeatFilled, e.Order.ClientID); hit {
			v.sendUser(e.Account, "ORDER_TRADE_UPDATE", payload)
		}
	}
}
