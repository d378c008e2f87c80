package sim

import (
	"math"

	"github.com/hftrunner/hftrunner/hft"
)

// QueuePosition is where a resting order stands in the queue at its price.
type QueuePosition struct {
	// FrontQty is the quantity ahead of it; negative once trades have gone past it.
	FrontQty float64
	// CumTradeQty is what traded at the price since the level last changed; the probability models keep it.
	CumTradeQty float64
}

// QueueModel estimates queue positions from an aggregated (L2) book (QueueModel). It has no state of its own.
type QueueModel interface {
	// Join sets the position of an order that begins to rest behind displayedQty.
	Join(p *QueuePosition, displayedQty float64)
	// Trade takes a trade of qty at the order's price into account.
	Trade(p *QueuePosition, qty float64)
	// Depth takes a change of the displayed quantity at the order's price into account.
	Depth(p *QueuePosition, prevQty, newQty float64)
	// TakeFilled returns the quantity, in whole lots, that traded past the order, and puts the order at the front.
	TakeFilled(p *QueuePosition, lotSize float64) float64
}

// RiskAdverseQueue moves an order ahead by trades only; a level that got smaller lost what was behind the order, as
// long as that can be (RiskAdverseQueueModel).
func RiskAdverseQueue() QueueModel { return riskAdverseQueue{} }

type riskAdverseQueue struct{}

// Join puts the order behind everything displayed.
func (riskAdverseQueue) Join(p *QueuePosition, displayedQty float64) {
	*p = QueuePosition{FrontQty: displayedQty}
}

// Trade takes qty off the front.
func (riskAdverseQueue) Trade(p *QueuePosition, qty float64) { p.FrontQty -= qty }

// Depth caps the front at what is displayed.
func (riskAdverseQueue) Depth(p *QueuePosition, _, newQty float64) {
	p.FrontQty = hft.MinFloat(p.FrontQty, newQty)
}

// TakeFilled returns the whole lots by which the front is negative.
func (riskAdverseQueue) TakeFilled(p *QueuePosition, lotSize float64) float64 {
	return takeFilled(p, lotSize)
}

func takeFilled(p *QueuePosition, lotSize float64) float64 {
	lots := hft.QtyLots(-p.FrontQty, lotSize)
	if lots <= 0 {
		return 0
	}
	p.FrontQty = 0
	return float64(lots) * lotSize
}

// ProbabilityQueue shares a decrease of the level that no trade explains between the quantity ahead of the order and
// the quantity behind it (ProbQueueModel).
func ProbabilityQueue(p Probability) QueueModel { return probabilityQueue{p} }

type probabilityQueue struct{ behind Probability }

// Join puts the order behind everything displayed.
func (probabilityQueue) Join(p *QueuePosition, displayedQty float64) {
	*p = QueuePosition{FrontQty: displayedQty}
}

// Trade takes qty off the front and remembers it, because the level's next change shows it once more.
func (probabilityQueue) Trade(p *QueuePosition, qty float64) {
	p.FrontQty -= qty
	p.CumTradeQty += qty
}

// Depth moves the order by the share of the decrease that was ahead of it. Growth joins behind.
func (q probabilityQueue) Depth(p *QueuePosition, prevQty, newQty float64) {
	decrease := prevQty - newQty
	decrease -= p.CumTradeQty
	p.CumTradeQty = 0
	if decrease < 0 {
		p.FrontQty = hft.MinFloat(p.FrontQty, newQty)
		return
	}
	front := p.FrontQty
	back := prevQty - front
	behind := q.behind(front, back)
	if math.IsInf(behind, 0) {
		behind = 1
	}
	// What does not fit behind the order was ahead of it. A NaN falls out of the last minimum.
	estimate := (front - float64((1-behind)*decrease)) + hft.MinFloat(back-float64(behind*decrease), 0)
	p.FrontQty = hft.MinFloat(estimate, newQty)
}

// TakeFilled returns the whole lots by which the front is negative.
func (probabilityQueue) TakeFilled(p *QueuePosition, lotSize float64) float64 {
	return takeFilled(p, lotSize)
}

// Probability is how likely a quantity that left the queue was behind the order, given the quantities in front and
// back of it (Probability). It may be NaN or infinite for quantities that cannot be.
type Probability func(front, back float64) float64

// PowerProbability is back^n / (back^n + front^n) (PowerProbQueueFunc).
func PowerProbability(n float64) Probability {
	return func(front, back float64) float64 {
		b := math.Pow(back, n)
		return b / (b + math.Pow(front, n))
	}
}

// PowerProbability2 is back^n / (back + front)^n (PowerProbQueueFunc2).
func PowerProbability2(n float64) Probability {
	return func(front, back float64) float64 { return math.Pow(back, n) / math.Pow(back+front, n) }
}

// PowerProbability3 is 1 - (front / (front + back))^n (PowerProbQueueFunc3).
func PowerProbability3(n float64) Probability {
	return func(front, back float64) float64 { return 1 - math.Pow(front/(front+back), n) }
}

// LogProbability is a Probability: ln(1+back) / (ln(1+back) + ln(1+front)) (LogProbQueueFunc).
func LogProbability(front, back float64) float64 {
	b := math.Log(1 + back)
	return b / (b + math.Log(1+front))
}

// LogProbability2 is a Probability: ln(1+back) / ln(1+back+front) (LogProbQueueFunc2).
func LogProbability2(front, back float64) float64 {
	return math.Log(1+back) / math.Log(1+(back+front))
}
