package paper

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/sim"
)

// Config configures a paper connector.
type Config struct {
	// Source is the market. The connector closes it when Run ends.
	Source Source
	// Speed is how fast the source's time passes against the wall clock; 0 is as fast as the bots can follow, without
	// losing an event, for recorded data "max".
	Speed float64
	// Exchange is how orders are matched, for every instrument.
	Exchange Exchange
	// RequestCapacity is how many requests wait at most until Run takes them; further ones are refused.
	// defaultRequestCapacity when 0.
	RequestCapacity int
}

// defaultRequestCapacity is how many requests wait at most unless configured.
const defaultRequestCapacity = 4096

// Exchange configures the simulated exchange.
type Exchange struct {
	// PartialFill takes displayed quantities into account; otherwise every fill is whole.
	PartialFill bool
	// Queue is the queue model: risk_adverse (the default), power_prob, power_prob2, power_prob3, log_prob or
	// log_prob2.
	Queue string
	// QueueN is the exponent of the power models, DefaultQueueN when 0; the others do not use it.
	QueueN float64
	// OrderLatency is from the host to the exchange, ResponseLatency back. Neither is negative.
	OrderLatency, ResponseLatency time.Duration
	// MakerFee and TakerFee are shares of the traded value; a rebate is negative.
	MakerFee, TakerFee float64
	// ContractSize is the value of one contract at price 1; 1 when left 0.
	ContractSize float64
}

// DefaultQueueN is the exponent of the power models unless configured.
const DefaultQueueN = 3

// QueueNames returns the names that Exchange.Queue takes.
func QueueNames() []string {
	return []string{"risk_adverse", "power_prob", "power_prob2", "power_prob3", "log_prob", "log_prob2"}
}

// queueModel returns the configured queue model.
func (e *Exchange) queueModel() (sim.QueueModel, error) {
	n := e.QueueN
	if n == 0 {
		n = DefaultQueueN
	}
	if !(n > 0) || math.IsInf(n, 0) {
		return nil, fmt.Errorf("paper: queue_n is %v: must be positive", e.QueueN)
	}
	switch e.Queue {
	case "", "risk_adverse":
		return sim.RiskAdverseQueue(), nil
	case "power_prob":
		return sim.ProbabilityQueue(sim.PowerProbability(n)), nil
	case "power_prob2":
		return sim.ProbabilityQueue(sim.PowerProbability2(n)), nil
	case "power_prob3":
		return sim.ProbabilityQueue(sim.PowerProbability3(n)), nil
	case "log_prob":
		return sim.ProbabilityQueue(sim.LogProbability), nil
	case "log_prob2":
		return sim.ProbabilityQueue(sim.LogProbability2), nil
	}
	return nil, fmt.Errorf("paper: unknown queue model %q: use one of %s", e.Queue, strings.Join(QueueNames(), ", "))
}

// check returns the first thing that is wrong with c.
func (c *Config) check() error {
	e := &c.Exchange
	switch {
	case c.Source == nil:
		return fmt.Errorf("paper: no source: set Config.Source")
	case !(c.Speed >= 0) || math.IsInf(c.Speed, 0):
		return fmt.Errorf("paper: speed is %v: must be positive, or 0 for as fast as the bots can follow", c.Speed)
	case c.RequestCapacity < 0:
		return fmt.Errorf("paper: request capacity is %d: must be positive, or 0 for the default", c.RequestCapacity)
	case e.OrderLatency < 0 || e.ResponseLatency < 0:
		return fmt.Errorf("paper: order latency %v, response latency %v: must be 0 or more", e.OrderLatency,
			e.ResponseLatency)
	case math.IsNaN(e.MakerFee) || math.IsInf(e.MakerFee, 0) || math.IsNaN(e.TakerFee) || math.IsInf(e.TakerFee, 0):
		return fmt.Errorf("paper: maker fee %v, taker fee %v: must be shares of the traded value, such as 0.0005",
			e.MakerFee, e.TakerFee)
	case !(e.ContractSize >= 0) || math.IsInf(e.ContractSize, 0):
		return fmt.Errorf("paper: contract size is %v: must be positive, or 0 for 1", e.ContractSize)
	}
	_, err := e.queueModel()
	return err
}
