package binancespot

import (
	"maps"
	"slices"
	"strconv"

	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// subscription is the user data of one account on one connection.
type subscription struct {
	id      int
	account string
	// byLogon ends with the session's logon.
	byLogon bool
	stream  *venue.UserStream
}

type subscribed struct {
	SubscriptionID int `json:"subscriptionId"`
}

// session answers the methods of the WebSocket API that are about user data.
func (v *Venue) session(s *binance.Session, c *binance.Call) (result any, refusal *binance.Error, known bool) {
	switch c.What {
	case "userDataStream.subscribe":
		key := s.Key()
		if key == nil {
			return nil, &binance.Error{Status: 401, Code: -2015,
				Msg: "Invalid API-key, IP, or permissions for action."}, true
		}
		result, refusal = v.subscribe(s, key, true)
	case "userDataStream.subscribe.signature":
		key, bad := binance.Authenticate(v.core.Key, v.rest.Rules, binance.Milliseconds(v.core.NowNs()), c.Request,
			true)
		if bad != nil {
			return nil, bad, true
		}
		result, refusal = v.subscribe(s, key, false)
	case "userDataStream.unsubscribe":
		result, refusal = v.unsubscribe(s, c.Params["subscriptionId"])
	case "session.subscriptions":
		list := []subscribed{}
		v.core.Do(func(int64, *market.Market) {
			for _, u := range v.users[s.Conn.ID] {
				list = append(list, subscribed{u.id})
			}
		})
		result = list
	case "session.logout":
		v.core.Do(func(nowNs int64, _ *market.Market) {
			v.terminate(nowNs, s.Conn.ID, func(u *subscription) bool { return u.byLogon })
		})
		return nil, nil, false // the rest is the session's
	default:
		return nil, nil, false
	}
	return result, refusal, true
}

func (v *Venue) subscribe(s *binance.Session, key *wire.Key, byLogon bool) (out any, bad *binance.Error) {
	v.core.Do(func(int64, *market.Market) {
		list := v.users[s.Conn.ID]
		id := 0
		for _, u := range list {
			if u.account == key.Account {
				bad = &binance.Error{Code: -2035, Msg: "User Data Stream subscription already active."}
				return
			}
			id = max(id, u.id+1)
		}
		v.users[s.Conn.ID] = append(list, &subscription{id: id, account: key.Account, byLogon: byLogon,
			stream: v.core.NewUserStream(s.Conn)})
		out = subscribed{id}
	})
	return out, bad
}

// unsubscribe ends one subscription, all of them without an id.
func (v *Venue) unsubscribe(s *binance.Session, id string) (any, *binance.Error) {
	ended := false
	v.core.Do(func(int64, *market.Market) {
		list := v.users[s.Conn.ID]
		rest := slices.DeleteFunc(slices.Clone(list),
			func(u *subscription) bool { return id == "" || strconv.Itoa(u.id) == id })
		ended = len(rest) < len(list)
		v.set(s.Conn.ID, rest)
	})
	if !ended {
		return nil, &binance.Error{Code: -2036, Msg: "User Data Stream subscription not active."}
	}
	return struct{}{}, nil
}

func (v *Venue) set(conn int64, list []*subscription) {
	if len(list) == 0 {
		delete(v.users, conn)
		return
	}
	v.users[conn] = list
}

func (v *Venue) closeSession(s *binance.Session) {
	v.core.Do(func(int64, *market.Market) { delete(v.users, s.Conn.ID) })
}

// terminate ends subscriptions of a connection with the event that says so.
func (v *Venue) terminate(nowNs, conn int64, which func(*subscription) bool) {
	var rest []*subscription
	for _, u := range v.users[conn] {
		if which(u) {
			u.send("eventStreamTerminated", binance.Encode(plainEvent{"eventStreamTerminated",
				binance.Milliseconds(nowNs)}))
		} else {
			rest = append(rest, u)
		}
	}
	v.set(conn, rest)
}

// send wraps an event.
func (u *subscription) send(what string, event []byte) {
	b := append([]byte(`{"subscriptionId":`), strconv.Itoa(u.id)...)
	b = append(b, `,"event":`...)
	b = append(b, event...)
	u.stream.Send(what, append(b, '}'))
}

// sendUser sends an event to the subscriptions of an account.
func (v *Venue) sendUser(account, what string, event []byte) {
	for _, conn := range slices.Sorted(maps.Keys(v.users)) {
		for _, u := range v.users[conn] {
			if u.account == account {
				u.send(what, event)
			}
		}
	}
}

// tickUser sends what was held back, and ends subscriptions if a fault says so.
func (v *Venue) tickUser(nowNs int64) {
	_, expired := v.core.Faults.Hit(fault.SessionExpired, "")
	for _, conn := range slices.Sorted(maps.Keys(v.users)) {
		for _, u := range v.users[conn] {
			u.stream.Tick(nowNs)
		}
		if expired {
			v.terminate(nowNs, conn, func(*subscription) bool { return true })
		}
	}
}

// publishUser sends the reports of orders and then, once for each account, the balances that have changed.
func (v *Venue) publishUser(nowNs int64, events []market.Event) {
	changed := map[string]map[string]market.Balance{}
	for i := range events {
		switch e := &events[i]; e.Kind {
		case market.OrderChanged:
			v.sendOrder(nowNs, e)
		case market.AccountChanged:
			if changed[e.Account] == nil {
				changed[e.Account] = map[string]market.Balance{}
			}
			for _, b := range e.Balances {
				changed[e.Account][b.Asset] = b
			}
			if e.Why != "" {
				v.sendUser(e.Account, "balanceUpdate", binance.Encode(balanceUpdate{"balanceUpdate",
					binance.Milliseconds(nowNs), e.Balances[0].Asset, e.Delta.String(),
					binance.Milliseconds(e.TimeNs)}))
			}
		}
	}
	for _, account := range slices.Sorted(maps.Keys(changed)) {
		p := accountPosition{Event: "outboundAccountPosition", E: binance.Milliseconds(nowNs),
			Updated: binance.Milliseconds(nowNs)}
		for _, asset := range slices.Sorted(maps.Keys(changed[account])) {
			b := changed[account][asset]
			p.Balances = append(p.Balances, accountBalance{asset, (b.Total - b.Locked).String(), b.Locked.String()})
		}
		v.sendUser(account, p.Event, binance.Encode(p))
	}
}

func (v *Venue) sendOrder(nowNs int64, e *market.Event) {
	r := v.report(nowNs, e)
	if _, hit := v.core.Faults.Hit(fault.NullFeeAsset, e.Order.ClientID); hit {
		r.FeeAsset = nil
	}
	if _, hit := v.core.Faults.Hit(fault.UnknownStatus, e.Order.ClientID); hit {
		strange := r
		strange.Exec, strange.Status, strange.LastQty, strange.LastPrice, strange.TradeID = "SOMETHING_NEW",
			"PENDING_SOMETHING", zero, zero, -1
		v.sendUser(e.Account, r.Event, binance.Encode(strange))
	}
	payload := binance.Encode(r)
	v.sendUser(e.Account, r.Event, payload)
	if filled(e) {
		if _, hit := v.core.Faults.Hit(fault.RepeatFilled, e.Order.ClientID); hit {
			v.sendUser(e.Account, r.Event, payload)
		}
	}
}
