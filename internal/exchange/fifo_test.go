package exchange

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
)

// member is an order in a queue of naiveFIFO.
type member struct {
	own bool
	id  uint64
}

type place struct {
	side hft.Side
	tick int64
}

// naiveFIFO is the queues written down as lists, the way one would explain them.
type naiveFIFO struct {
	queues map[place][]member
	places map[member]place
	qty    map[uint64]float64
}

func (n *naiveFIFO) join(m member, p place) {
	n.queues[p] = append(n.queues[p], m)
	n.places[m] = p
}

func (n *naiveFIFO) leave(m member) {
	p := n.places[m]
	n.queues[p] = slices.DeleteFunc(n.queues[p], func(x member) bool { return x == m })
	delete(n.places, m)
}

func (n *naiveFIFO) modifyFeed(id uint64, tick int64, qty float64) {
	m := member{id: id}
	if p := n.places[m]; p.tick != tick || qty > n.qty[id] {
		n.leave(m)
		n.join(m, place{p.side, tick})
	}
	n.qty[id] = qty
}

func (n *naiveFIFO) clearFeed(s hft.Side) {
	for m, p := range n.places {
		if !m.own && (s == hft.SideNone || p.side == s) {
			n.leave(m)
		}
	}
}

// before returns the ids of the bots' orders before one of the feed.
func (n *naiveFIFO) before(id uint64) (ids []uint64) {
	for _, m := range n.queues[n.places[member{id: id}]] {
		if m.own {
			ids = append(ids, m.id)
		} else if m.id == id {
			break
		}
	}
	return ids
}

// The queues are the same as lists would be.
func TestFIFOEqualsLists(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	sides := []hft.Side{hft.Buy, hft.Sell}
	const ids = 300
	for round := range 10 {
		q := newFIFO()
		naive := naiveFIFO{queues: map[place][]member{}, places: map[member]place{}, qty: map[uint64]float64{}}
		own := map[uint64]*order{}
		compared := 0
		for step := range 5000 {
			id, side, tick, qty := random.Uint64N(ids), sides[random.IntN(2)], random.Int64N(4), float64(random.IntN(4))
			feed, mine := member{id: id}, member{own: true, id: id}
			_, inFeed := naive.places[feed]
			ok := inFeed
			switch op := random.IntN(40); {
			case op < 14:
				ok = q.addFeed(side, id, tick, qty)
				if ok == inFeed {
					t.Fatalf("step %d: added: %v, was there: %v", step, ok, inFeed)
				}
				if ok {
					naive.join(feed, place{side, tick})
					naive.qty[id] = qty
				}
				continue
			case op < 22:
				ok = q.modifyFeed(id, tick, qty)
				if inFeed {
					naive.modifyFeed(id, tick, qty)
				}
			case op < 28:
				ok = q.cancelFeed(id)
				if inFeed {
					naive.leave(feed)
				}
			case op < 38:
				if o := own[id]; o != nil {
					q.leave(o)
					naive.leave(mine)
					delete(own, id)
				} else {
					own[id] = &order{Order: hft.Order{OrderID: id, Side: side, PriceTick: tick}}
					q.join(own[id])
					naive.join(mine, place{side, tick})
				}
			case op == 38 && random.IntN(20) == 0:
				s := append(sides, hft.SideNone)[random.IntN(3)]
				q.clearFeed(s)
				naive.clearFeed(s)
				continue
			}
			if ok != inFeed {
				t.Fatalf("step %d: found: %v, is there: %v", step, ok, inFeed)
			}
			compared += compareFIFO(t, &q, &naive, random.Uint64N(ids))
		}
		if compared < 500 {
			t.Errorf("round %d: only %d orders were found before one of the feed", round, compared)
		}
	}
}

// compareFIFO holds the bots' orders before one of the feed, if it is there, to those of the lists, and returns how
// many there are.
func compareFIFO(t *testing.T, q *fifo, naive *naiveFIFO, id uint64) int {
	t.Helper()
	f := q.feed.get(id)
	if _, known := naive.places[member{id: id}]; known != (f != nil) {
		t.Fatalf("order %d is found: %v, want %v", id, f != nil, known)
	}
	if f == nil {
		return 0
	}
	var got []uint64
	from, to := q.before(f)
	for _, r := range q.side(f.side).rungs[from:to] {
		got = append(got, r.order.OrderID)
	}
	if want := naive.before(id); !slices.Equal(got, want) {
		t.Fatalf("before %d are %v, want %v", id, got, want)
	}
	return len(got)
}

// The queues of a feed whose orders come and go, always other ones, do not grow.
func TestFIFODoesNotAllocate(t *testing.T) {
	q := newFIFO()
	own := [8]order{}
	var id uint64
	turn := func() {
		for range 1000 {
			id++
			q.addFeed(hft.Buy, id, int64(id%16), 1)
			q.modifyFeed(id-100, int64(id%7), 2)
			q.cancelFeed(id - 400)
			o := &own[id%8]
			if o.arrival != 0 {
				q.leave(o)
			}
			o.Side, o.PriceTick = hft.Buy, int64(id%16)
			q.join(o)
		}
	}
	turn()
	if n := testing.AllocsPerRun(50, turn); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if q.feed.count != 400 || len(q.buys.rungs) != 8 {
		t.Errorf("%d orders of the feed and %d of bots are left, want 400 and 8", q.feed.count, len(q.buys.rungs))
	}
}
