package connectortest

import (
	"errors"
	"fmt"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/sinktest"
)

// readiness: a book is ready after it was fed, both sides are there and not crossed, and messages are counted.
func readiness(k *kit) error {
	if err := k.open(); err != nil {
		return err
	}
	for _, inst := range k.Instruments {
		bid, ask := k.sink.Best(inst.No)
		if !(bid < ask) {
			return fmt.Errorf("%s is ready with best bid %v and ask %v", inst.Symbol, bid, ask)
		}
	}
	if k.sink.Counter(connector.Messages) == 0 {
		return errors.New("no message was counted")
	}
	return nil
}

func restAndCancel(k *kit) error {
	if err := k.open(); err != nil {
		return err
	}
	for _, side := range []hft.Side{hft.Buy, hft.Sell} {
		for _, tif := range []hft.TimeInForce{hft.GTC, hft.GTX} {
			o := k.order(1, side, tif)
			u, err := k.ask(o)
			if err = errors.Join(err, want(u, hft.StatusNew)); err != nil {
				return fmt.Errorf("submit: %w", err)
			}
			if u.PriceTick != o.PriceTick || !sameQty(u.LeavesQty, o.Qty) || u.Side != side {
				return fmt.Errorf("order %+v rests as %+v", o, u)
			}
			o.Req = hft.StatusCanceled
			u, err = k.ask(o)
			if err = errors.Join(err, want(u, hft.StatusCanceled)); err != nil {
				return fmt.Errorf("cancel: %w", err)
			}
			o.Req = hft.StatusCanceled
			if u, err = k.ask(o); err != nil || u.Req != hft.StatusRejected {
				return fmt.Errorf("a second cancel is answered by %+v (%v), want a refusal", u, err)
			}
		}
	}
	return nil
}

// take: an order that crosses executes, and its executions add up.
func take(k *kit) error {
	if err := k.open(); err != nil {
		return err
	}
	inst := k.Instruments[0].No
	position := k.sink.LastPosition(inst)
	for _, side := range []hft.Side{hft.Buy, hft.Sell} {
		o := k.crossing(1, side, hft.GTC)
		if _, err := k.ask(o); err != nil {
			return err
		}
		if err := k.until("the order to be filled", func() bool {
			updates := k.sink.Updates(sinktest.KeyOf(&o))
			return updates[len(updates)-1].Status == hft.StatusFilled
		}); err != nil {
			return err
		}
		executed := 0.0
		for _, u := range k.sink.Updates(sinktest.KeyOf(&o)) {
			if u.Fill {
				executed += u.ExecQty
			}
		}
		position += float64(side) * executed
		if !sameQty(executed, o.Qty) {
			return fmt.Errorf("executions of an order of %v add up to %v", o.Qty, executed)
		}
		if k.NoPositions {
			continue
		}
		if err := k.until("the position",
			func() bool { return sameQty(k.sink.LastPosition(inst), position) }); err != nil {
			return fmt.Errorf("position is %v, executions say %v: %w", k.sink.LastPosition(inst), position, err)
		}
	}
	return nil
}

func postOnly(k *kit) error {
	if err := k.open(); err != nil {
		return err
	}
	o := k.crossing(1, hft.Buy, hft.GTX)
	if err := k.send(o); err != nil {
		return err
	}
	// Some venues show it as new first.
	if err := k.until("the end of a post-only order that would take",
		func() bool { u := k.last(o); return u.Final() }); err != nil {
		return err
	}
	if err := want(k.last(o), hft.StatusExpired); err != nil {
		return err
	}
	if errs := k.sink.Errors(); len(errs) != 0 {
		return fmt.Errorf("a post-only order that would take gave the error %+v", errs[0])
	}
	return nil
}

func modify(k *kit) error {
	if err := k.open(); err != nil {
		return err
	}
	o := k.order(1, hft.Buy, hft.GTC)
	u, err := k.ask(o)
	if err = errors.Join(err, want(u, hft.StatusNew)); err != nil {
		return err
	}
	o.Req, o.PriceTick, o.Qty = hft.StatusReplaced, o.PriceTick-5, 2*o.Qty
	u, err = k.ask(o)
	if err = errors.Join(err, want(u, hft.StatusNew)); err != nil {
		return fmt.Errorf("modify: %w", err)
	}
	if u.PriceTick != o.PriceTick || !sameQty(u.LeavesQty, o.Qty) || !sameQty(u.Qty, o.Qty) {
		return fmt.Errorf("modified to %v at %d, answered %+v", o.Qty, o.PriceTick, u)
	}
	o.Req = hft.StatusCanceled
	u, err = k.ask(o)
	return errors.Join(err, want(u, hft.StatusCanceled))
}

func unknownOrder(k *kit) error {
	if err := k.open(); err != nil {
		return err
	}
	for _, req := range []hft.Status{hft.StatusCanceled, hft.StatusReplaced} {
		o := k.order(1, hft.Buy, hft.GTC)
		o.Req = req
		u, err := k.ask(o)
		if err != nil {
			return err
		}
		if u.Req != hft.StatusRejected || u.Active() || u.Owner != o.Owner {
			return fmt.Errorf("request %v of an unknown order is answered by %+v", req, u)
		}
	}
	return nil
}

func duplicateID(k *kit) error {
	if err := k.open(); err != nil {
		return err
	}
	o := k.order(1, hft.Buy, hft.GTC)
	u, err := k.ask(o)
	if err = errors.Join(err, want(u, hft.StatusNew)); err != nil {
		return err
	}
	second := o
	second.Req, second.PriceTick = hft.StatusNew, o.PriceTick-7
	if err := k.send(second); err != nil {
		return err
	}
	// An update would be about the order that is there, so there need not be one.
	updates := func() []connector.OrderUpdate { return k.sink.Updates(sinktest.KeyOf(&o))[1:] }
	if err := k.until("an answer to a duplicate",
		func() bool { return len(updates())+len(k.sink.Errors()) > 0 }); err != nil {
		return err
	}
	if answers := updates(); len(answers) > 0 && answers[0].Req != hft.StatusRejected {
		return fmt.Errorf("a duplicate is answered by %+v, want a refusal", answers[0])
	}
	if err := k.until("an error event about the duplicate",
		func() bool { return len(k.sink.Errors()) > 0 }); err != nil {
		return err
	}
	errs := k.sink.Errors()
	if len(errs) != 1 || errs[0].Kind != hft.OrderError || errs[0].OrderID != o.OrderID || errs[0].Owner != o.Owner {
		return fmt.Errorf("a duplicate gave the errors %+v, want one OrderError about order %d", errs, o.OrderID)
	}
	o.Req = hft.StatusCanceled
	if u, err = k.ask(o); err != nil || u.Status != hft.StatusCanceled || u.PriceTick != o.PriceTick {
		return fmt.Errorf("the first order is canceled as %+v (%v)", u, err)
	}
	return nil
}

// owners: two bots use one order id, and neither touches the other's order.
func owners(k *kit) error {
	if err := k.open(); err != nil {
		return err
	}
	mine := k.order(1, hft.Buy, hft.GTC)
	theirs := k.order(2, hft.Sell, hft.GTC)
	theirs.OrderID = mine.OrderID
	for _, o := range []*hft.Order{&mine.Order, &theirs.Order} {
		o.Req = hft.StatusNew
	}
	u, err := k.ask(mine)
	if err = errors.Join(err, want(u, hft.StatusNew)); err != nil {
		return err
	}
	u, err = k.ask(theirs)
	if err = errors.Join(err, want(u, hft.StatusNew)); err != nil {
		return err
	}
	mine.Req = hft.StatusCanceled
	u, err = k.ask(mine)
	if err = errors.Join(err, want(u, hft.StatusCanceled)); err != nil {
		return err
	}
	if updates := k.sink.Updates(sinktest.KeyOf(&theirs)); len(updates) != 1 || updates[0].Side != hft.Sell {
		return fmt.Errorf("bot 2 received %+v", updates)
	}
	theirs.Req = hft.StatusCanceled
	u, err = k.ask(theirs)
	return errors.Join(err, want(u, hft.StatusCanceled))
}

func beforeRun(k *kit) error {
	for _, inst := range k.Instruments {
		if err := prompt("Register", func() { k.Connector.Register(inst) }); err != nil {
			return err
		}
	}
	k.orderID++
	o := k.at(1, k.orderID, 1000*k.Instruments[0].TickSize, hft.Buy, hft.GTC)
	if err := k.send(o); err != nil {
		return err
	}
	unknown := k.at(1, 77, o.Price(), hft.Buy, hft.GTC)
	unknown.Req = hft.StatusCanceled
	if err := k.send(unknown); err != nil {
		return err
	}
	instruments := k.Instruments
	k.Instruments = nil // they are registered
	k.start()
	k.Instruments = instruments
	return k.until("answers to the early requests", func() bool {
		return len(k.sink.Updates(sinktest.KeyOf(&o))) > 0 && len(k.sink.Updates(sinktest.KeyOf(&unknown))) > 0
	})
}

func afterRun(k *kit) error {
	if err := k.open(); err != nil {
		return err
	}
	o := k.order(1, hft.Buy, hft.GTC)
	if err := k.end(); err != nil {
		return err
	}
	for _, req := range []hft.Status{hft.StatusNew, hft.StatusReplaced, hft.StatusCanceled} {
		o.Req = req
		if err := k.send(o); err != nil {
			return err
		}
	}
	if err := prompt("Register", func() { k.Connector.Register(k.Instruments[0]) }); err != nil {
		return err
	}
	if updates := k.sink.Updates(sinktest.KeyOf(&o)); len(updates) != 0 {
		return fmt.Errorf("requests after Run gave %+v", updates)
	}
	return nil
}

// flood: more requests than any queue holds, from two goroutines and without time passing; each is answered.
func flood(k *kit) error {
	if err := k.open(); err != nil {
		return err
	}
	known := k.sink.NumUpdates()
	template := k.order(1, hft.Buy, hft.GTC)
	template.Req = hft.StatusCanceled
	failed := make(chan error, 2)
	for bot := uint64(1); bot <= 2; bot++ {
		go func() {
			o := template
			o.Owner.Bot = bot
			for i := range k.Flood / 2 {
				o.OrderID = uint64(i + 1000)
				k.sink.Sent(&o)
			}
			failed <- prompt("a flood of requests", func() {
				for i := range k.Flood / 2 {
					o.OrderID = uint64(i + 1000)
					k.Connector.Cancel(o)
				}
			})
		}()
	}
	if err := errors.Join(<-failed, <-failed); err != nil {
		return err
	}
	total := k.Flood / 2 * 2
	if err := k.until("answers to the flood", func() bool { return k.sink.NumUpdates()-known >= total }); err != nil {
		return fmt.Errorf("%d of %d requests were answered: %w", k.sink.NumUpdates()-known, total, err)
	}
	answered := map[sinktest.Key]int{}
	updates := k.sink.UpdatesFrom(known)
	for i := range updates {
		answered[sinktest.KeyOf(&updates[i].Order)]++
		if updates[i].Req != hft.StatusRejected {
			return fmt.Errorf("cancel of an unknown order is answered by %+v", updates[i])
		}
	}
	if len(answered) != total || len(updates) != total {
		return fmt.Errorf("%d requests had %d answers about %d orders", total, len(updates), len(answered))
	}
	return nil
}

// endOfContext: conduct ends the context of a busy connector; that Run returns nil and leaves no goroutine is checked
// there.
func endOfContext(k *kit) error {
	if err := k.open(); err != nil {
		return err
	}
	for range 10 {
		if err := k.send(k.order(1, hft.Buy, hft.GTC)); err != nil {
			return err
		}
	}
	if k.Clock != nil {
		k.Clock.Advance(k.Limit)
	}
	return nil
}
