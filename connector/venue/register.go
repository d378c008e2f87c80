package venue

import (
	"context"
	"fmt"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/venuecheck"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// Register subscribes an instrument. One that the venue does not have, or whose steps are not the venue's, stays without a
// book, and an error event says why.
func (c *Connector) Register(inst connector.Instrument) {
	c.startMu.Lock()
	defer c.startMu.Unlock()
	if c.ended {
		return
	}
	if !c.begun {
		c.early = append(c.early, inst)
		return
	}
	if c.register(inst) {
		c.renewMarket("an instrument was added")
	}
}

// register adds an instrument, or begins to ask for its rules where they are not known yet: then it reports false, and the
// instrument is added later. startMu is held.
func (c *Connector) register(inst connector.Instrument) (added bool) {
	for i := range c.cfg.Filters {
		if f := &c.cfg.Filters[i]; f.Symbol == inst.Symbol {
			return c.add(inst, f)
		}
	}
	c.unlearned[inst.No] = true
	c.numUnlearned.Store(int64(len(c.unlearned)))
	c.group.Go(func() { c.learn(inst) })
	return false
}

// learn asks for the rules of an instrument until the venue has answered, and adds it.
func (c *Connector) learn(inst connector.Instrument) {
	f, err := c.askFilters(inst.Symbol)
	for ; err != nil; f, err = c.askFilters(inst.Symbol) {
		if protocol.Final(err) {
			c.outage.Works(question{"rules of", inst.Symbol})
			c.startMu.Lock()
			c.unlearned[inst.No] = false
			c.startMu.Unlock()
			c.unusable(inst, err)
			return
		}
		if c.ctx.Err() != nil {
			return
		}
		c.unanswered(question{"rules of", inst.Symbol}, err)
		if !c.pause(max(retryPause, c.untilRetry(err))) {
			return
		}
	}
	c.outage.Works(question{"rules of", inst.Symbol})
	c.startMu.Lock()
	defer c.startMu.Unlock()
	if !c.ended && c.add(inst, f) {
		c.renewMarket("an instrument was added")
	}
}

func (c *Connector) askFilters(symbol string) (*protocol.Filters, error) {
	ctx, cancel := context.WithTimeout(c.ctx, requestTimeout)
	defer cancel()
	list, err := c.protocol.Filters(ctx, []string{symbol})
	if err == nil && len(list) != 1 {
		err = fmt.Errorf("got filters of %d symbols, want 1", len(list))
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// add adds an instrument to the table, and to the record of orders. startMu is held.
func (c *Connector) add(inst connector.Instrument, f *protocol.Filters) bool {
	steps := venuecheck.StepsOf(f)
	_, _, err := steps.Of(inst.TickSize, inst.LotSize)
	var made *instrument
	if err == nil {
		made, err = newInstrument(inst, c.cfg.Rule, c.venueNs, f)
	}
	// First the record of orders: those of a symbol in the table may be asked for at any time.
	if err == nil && c.trade != nil {
		past := c.past[inst.No]
		made.reading.untilNs = past.ReadNs
		if made.reading.eventsFromNs = past.EventsSinceNs; past.EventsSinceNs == 0 {
			made.reading.eventsFromNs = c.venueNs(c.nowNs())
		}
		err = c.trade.register(inst, f, &past)
	}
	if err == nil {
		made.accounted.Store(c.trade == nil)
		err = c.symbols.add(made)
	}
	if err != nil {
		c.unlearned[inst.No] = false
		c.numUnlearned.Store(int64(len(c.unlearned)))
		c.unusable(inst, err)
		return false
	}
	delete(c.unlearned, inst.No)
	c.numUnlearned.Store(int64(len(c.unlearned)))
	delete(c.past, inst.No)
	if c.trade != nil {
		c.trade.catchUp()
	}
	return true
}

// unusable says why an instrument has no book and takes no orders.
func (c *Connector) unusable(inst connector.Instrument, err error) {
	reason := fmt.Sprintf("%s cannot be traded: %v", inst.Symbol, err)
	c.sink.Stale(inst.No, reason)
	c.critical(inst.No, reason)
	if j, can := c.sink.(connector.Journaler); can {
		j.Unrecoverable(inst.No)
	}
}
