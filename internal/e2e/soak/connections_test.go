package soak

import (
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

// TestLostConnections: whatever ends connections, all of them come back with all symbols, and an order that was there
// goes on.
func TestLostConnections(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		for _, text := range []string{"cut-connections", "reset-mid-frame=count:3", "refuse-connect=count:2"} {
			f, err := fault.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(string(f.Name), func(t *testing.T) {
				t.Parallel()
				sc := open(t, s, settings{symbols: []string{"BTCUSDT", "ETHUSDT"}}, nil)
				o := sc.submit(sc.resting())
				sc.becomes(o, hft.StatusNew)
				sc.arm(text)
				if f.Name == fault.RefuseConnect {
					sc.arm("cut-connections")
				}
				sc.happened(f.Name)
				sc.wait("a connection is lost", func() bool { return sc.Counter(connector.Reconnects) > 0 })
				sc.wait("the books are ready again", sc.ready)
				sc.takesOrders()
				sc.cancelOrder(o)
				sc.becomes(o, hft.StatusCanceled)
				sc.agrees()
				if sc.said(hft.ConnectionInterrupted, "") == 0 {
					t.Error("the bots were not told of a lost connection")
				}
			})
		}
	})
}

// TestExecutedWhileAway: executions while all connections were down are reported once they are back.
func TestExecutedWhileAway(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{}, nil)
		o := sc.submit(sc.order(hft.Buy, 0.5, hft.GTC))
		sc.becomes(o, hft.StatusNew)
		sc.arm("refuse-connect=count:6")
		sc.cut()
		if err := sc.exchange.TradeOfOthers(s.name, "BTCUSDT", hft.Sell, hft.TickPrice(o.PriceTick, o.TickSize),
			o.Qty); err != nil {
			t.Fatal(err)
		}
		u := sc.becomes(o, hft.StatusFilled)
		if !u.Maker || !u.Fill {
			t.Errorf("the execution is told as %+v, want the maker's", u)
		}
		sc.wait("the book is ready again", sc.ready)
		sc.agrees()
	})
}

// TestTakenOver: connections that are replaced before the venue cuts them lose nothing: no gap, no book, no order.
func TestTakenOver(t *testing.T) {
	each(t, func(s subject) bool { return s.watchdogs }, func(t *testing.T, s subject) {
		sc := open(t, s, settings{options: options{lifetime: time.Second}}, nil)
		before := map[int64]bool{}
		for _, c := range sc.state().Connections {
			before[c.ID] = true
		}
		o := sc.submit(sc.resting())
		sc.becomes(o, hft.StatusNew)
		sc.takenOver(before)
		sc.cancelOrder(o)
		sc.becomes(o, hft.StatusCanceled)
		sc.agrees()
	})
}

// takenOver waits until none of some connections is left and checks that nothing was lost.
func (sc *scene) takenOver(before map[int64]bool) {
	sc.Helper()
	stales := sc.Stales()
	sc.wait("the connections are replaced", func() bool {
		for _, c := range sc.state().Connections {
			if before[c.ID] {
				return false
			}
		}
		return true
	})
	gaps, lost := sc.Counter(connector.Gaps), sc.Counter(connector.Reconnects)
	if n := sc.Stales() - stales; n != 0 || gaps != 0 || lost != 0 {
		sc.Errorf("books lost %d times, %d gaps, %d connections lost, want none", n, gaps, lost)
	}
}

// TestServerShutdown: the notice is heeded before the venue closes the connections.
func TestServerShutdown(t *testing.T) {
	each(t, isBinance, func(t *testing.T, s subject) {
		sc := open(t, s, settings{}, nil)
		before := map[int64]bool{}
		for _, c := range sc.state().Connections {
			before[c.ID] = true
		}
		sc.arm("server-shutdown=for:30s")
		sc.happened(fault.ServerShutdown)
		sc.takenOver(before)
		sc.agrees()
	})
}

// TestCutByAge: a venue that cuts connections by their age, again and again.
func TestCutByAge(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{}, func(c *testexchange.Config) { c.MaxAge = 700 * time.Millisecond })
		o := sc.submit(sc.resting())
		sc.becomes(o, hft.StatusNew, hft.StatusExpired)
		sc.wait("connections were cut", func() bool { return sc.Counter(connector.Reconnects) >= 4 })
		sc.ended(o)
	})
}

// TestPrivateStreamEnds: each way in which a venue ends the private stream, or lets it die, is mended, and events of
// orders come again.
func TestPrivateStreamEnds(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		for _, c := range []struct {
			fault   string
			options options
		}{
			{"listen-key-expired", options{}},
			{"listen-key-unknown=count:1", options{keepAlive: 200 * time.Millisecond}},
			{"session-expired", options{}},
		} {
			f, err := fault.Parse(c.fault)
			if err != nil {
				t.Fatal(err)
			}
			if !s.has(f.Name) {
				continue
			}
			t.Run(string(f.Name), func(t *testing.T) {
				t.Parallel()
				sc := open(t, s, settings{options: c.options}, nil)
				user := sc.userConnections()
				sc.arm(c.fault)
				sc.happened(f.Name)
				if f.Name != fault.SessionExpired {
					sc.wait("there is another private stream", func() bool {
						for id := range sc.userConnections() {
							if !user[id] {
								return true
							}
						}
						return false
					})
				}
				sc.takesOrders()
				sc.agrees()
			})
		}
	})
}

// userConnections are those of the private stream.
func (sc *scene) userConnections() map[int64]bool {
	list := map[int64]bool{}
	for _, c := range sc.state().Connections {
		if len(c.Streams) == 0 || sc.isPrivate(c.Path) {
			list[c.ID] = true
		}
	}
	return list
}

// TestSilence: a connection that is accepted and says nothing, be it data or pings, is replaced.
func TestSilence(t *testing.T) {
	each(t, func(s subject) bool { return s.watchdogs }, func(t *testing.T, s subject) {
		t.Run("no data", func(t *testing.T) {
			t.Parallel()
			sc := open(t, s, settings{options: options{quiet: 500 * time.Millisecond}}, nil)
			sc.arm("silent")
			sc.wait("the book is given up", func() bool { return !sc.IsReady(0) })
			if n := sc.Counter(connector.StoppedStreams); n != 1 {
				t.Errorf("%d streams have stopped", n)
			}
			if err := sc.exchange.Disarm(s.name, fault.Silent); err != nil {
				t.Fatal(err)
			}
			sc.wait("the book is ready again", sc.ready)
			sc.agrees()
		})
		t.Run("no pings", func(t *testing.T) {
			t.Parallel()
			sc := open(t, s, settings{options: options{silence: 800 * time.Millisecond}},
				func(c *testexchange.Config) { c.PingInterval = 200 * time.Millisecond })
			sc.arm("no-pings")
			sc.wait("the private stream, which has nothing else to say, is given up", func() bool {
				return sc.said(hft.ConnectionInterrupted, "not even a ping") > 0
			})
			if err := sc.exchange.Disarm(s.name, fault.NoPings); err != nil {
				t.Fatal(err)
			}
			sc.takesOrders()
			sc.agrees()
		})
	})
}

// TestPongsAreSent: a venue that closes what does not answer its pings keeps this one.
func TestPongsAreSent(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{},
			func(c *testexchange.Config) { c.PingInterval, c.PongTimeout = 400*time.Millisecond, time.Second })
		began := sc.state().NowNs
		sc.wait("twice the time that the venue waits for a pong has passed",
			func() bool { return sc.state().NowNs-began > int64(2*time.Second) })
		if n := sc.Counter(connector.Reconnects); n != 0 {
			t.Errorf("%d connections were lost", n)
		}
	})
}
