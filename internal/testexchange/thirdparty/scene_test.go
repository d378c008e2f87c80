package thirdparty_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
)

const (
	deadline = 10 * time.Second
	btc      = "BTCUSDT"
)

// scene is one venue on the wall clock, as the clients know no other, with a still market.
type scene struct {
	*testing.T
	exchange *testexchange.Exchange
	venue    testexchange.Venue
}

// change changes the configuration of an exchange.
type change = func(*testexchange.Config)

// worlds are the ways in which messages may come.
func worlds() map[string]change {
	return map[string]change{
		"plain":                func(*testexchange.Config) {},
		"compressed fragments": func(c *testexchange.Config) { c.Compress, c.Faults = true, []fault.Fault{{Name: fault.Fragment}} },
		"ids above 2^53":       func(c *testexchange.Config) { c.LargeIDs = true },
		"unknown fields":       func(c *testexchange.Config) { c.Faults = []fault.Fault{{Name: fault.UnknownField}} },
	}
}

// open starts a venue where others have 5 at 60000.0 and 60000.2 each.
func open(t *testing.T, v testexchange.Venue, changes ...change) *scene {
	t.Helper()
	config := testexchange.Config{Venues: []testexchange.Venue{v}, Background: testexchange.Still, Seed: 1}
	for _, change := range changes {
		change(&config)
	}
	e, err := testexchange.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{t, e, v}
	t.Cleanup(func() {
		for _, f := range s.state().Faults {
			if f.Hits == 0 {
				t.Errorf("the fault %s did not happen: the test does not show what it is named for", f.Name)
			}
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	s.level(hft.Buy, 60000, 5)
	s.level(hft.Sell, 60000.2, 5)
	return s
}

func (s *scene) httpURL() string { return s.exchange.HTTPURL(s.venue) }
func (s *scene) wsURL() string   { return s.exchange.WSURL(s.venue) }

func (s *scene) level(side hft.Side, price, qty float64) {
	s.Helper()
	if err := s.exchange.SetLevel(s.venue, btc, side, price, qty); err != nil {
		s.Fatal(err)
	}
}

func (s *scene) trade(taker hft.Side, price, qty float64) {
	s.Helper()
	if err := s.exchange.TradeOfOthers(s.venue, btc, taker, price, qty); err != nil {
		s.Fatal(err)
	}
}

func (s *scene) state() venue.State {
	s.Helper()
	state, err := s.exchange.State(s.venue)
	if err != nil {
		s.Fatal(err)
	}
	return state
}

// book is the venue's own book of BTCUSDT.
func (s *scene) book() venue.BookState {
	s.Helper()
	books := s.state().Books
	i := slices.IndexFunc(books, func(b venue.BookState) bool { return b.Symbol == btc })
	if i < 0 {
		s.Fatalf("no book of %s", btc)
	}
	return books[i]
}

// stir changes the book n times in the background, by seeded chance, within 40 levels of each side; wait for it by the
// function that it returns.
func (s *scene) stir(n int) (wait func()) {
	var moving sync.WaitGroup
	moving.Go(func() {
		r := rand.New(rand.NewPCG(1, 2))
		for range n {
			side, price := hft.Buy, 60000-0.1*float64(r.IntN(40))
			if r.IntN(2) == 0 {
				side, price = hft.Sell, 60000.2+0.1*float64(r.IntN(40))
			}
			if err := s.exchange.SetLevel(s.venue, btc, side, price, float64(r.IntN(4))); err != nil {
				s.Error(err)
				return
			}
			time.Sleep(time.Millisecond) // the clients work on the same wall clock
		}
	})
	return moving.Wait
}

// inbox holds what a client's handler has received, in order.
type inbox[T any] struct {
	*testing.T
	ch chan T
}

func newInbox[T any](t *testing.T) *inbox[T] { return &inbox[T]{t, make(chan T, 10_000)} }

func (b *inbox[T]) put(v T) {
	select {
	case b.ch <- v:
	default:
		b.Error("more messages than a test can use")
	}
}

// until takes messages up to and with the first that satisfies done, and returns them.
func (b *inbox[T]) until(what string, done func(T) bool) []T {
	b.Helper()
	var list []T
	timeout := time.After(deadline)
	for {
		select {
		case v := <-b.ch:
			list = append(list, v)
			if done(v) {
				return list
			}
		case <-timeout:
			b.Fatalf("no %s within %v; got %+v", what, deadline, list)
		}
	}
}

// next takes one message.
func (b *inbox[T]) next(what string) T {
	b.Helper()
	return b.until(what, func(T) bool { return true })[0]
}

// eventually waits until ok.
func (s *scene) eventually(what string, ok func() bool) {
	s.Helper()
	for end := time.Now().Add(deadline); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("%s: not within %v", what, deadline)
		}
	}
}

// book is a client's copy of the venue's book: quantity by price of each side, quantities as the venue writes them.
type book struct {
	*testing.T
	bids, asks map[float64]string
}

func newBook(t *testing.T) *book { return &book{t, map[float64]string{}, map[float64]string{}} }

func (b *book) set(levels map[float64]string, price, qty string) {
	b.Helper()
	p, err := strconv.ParseFloat(price, 64)
	if err != nil {
		b.Fatalf("price %q: %v", price, err)
	}
	q, err := strconv.ParseFloat(qty, 64)
	if err != nil {
		b.Fatalf("quantity %q: %v", qty, err)
	}
	if q == 0 {
		delete(levels, p)
	} else {
		levels[p] = qty
	}
}

// compare returns how the book differs from the venue's own.
func (b *book) compare(want venue.BookState) {
	b.Helper()
	own := newBook(b.T)
	for _, l := range want.Bids {
		own.set(own.bids, l[0], l[1])
	}
	for _, l := range want.Asks {
		own.set(own.asks, l[0], l[1])
	}
	if !maps.Equal(b.bids, own.bids) {
		b.Errorf("bids:\nclient %v\nvenue  %v", b.bids, own.bids)
	}
	if !maps.Equal(b.asks, own.asks) {
		b.Errorf("asks:\nclient %v\nvenue  %v", b.asks, own.asks)
	}
	if len(own.bids) < 2 || len(own.asks) < 2 {
		b.Error("the venue's book is too small to show anything")
	}
}

// equal compares lists of text.
func equal(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\ngot  %q\nwant %q", what, got, want)
	}
}
