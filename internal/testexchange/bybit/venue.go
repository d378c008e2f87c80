package bybit

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// Options are the venue's own settings.
type Options struct {
	// RequestsPer5s is the number of requests that an address may make by REST in 5 s, 0 for the venue's 600;
	// OrdersPerSecond how many orders an account may place, amend and cancel each, 0 for the venue's 10.
	RequestsPer5s, OrdersPerSecond int
	// ConnectionsPer5m is the number of connections that an address may open in 5 minutes, 0 for the venue's 500.
	ConnectionsPer5m int
}

// Venue is the protocol on top of a core.
type Venue struct {
	core   *venue.Core
	routes map[string]route
	// addresses counts requests, handshakes connections, and tradeRequests those of trade connections, by address;
	// limits are what accounts may do.
	addresses, handshakes, tradeRequests wire.Limiter
	limits                               map[string]*wire.Limiter

	blockMu sync.Mutex
	// forbidden is the time until which an address is not served.
	forbidden map[string]int64

	// The rest is guarded by the core's lock.
	// seq counts what happens; messages counts those of the private stream.
	seq, messages int64
	books         map[string]*books
	users         map[int64]*user
	windows       map[string]*window
	// restartNs is the time when connections end that were opened before restartedNs; 0 for not at all.
	restartedNs, restartNs int64
}

var _ venue.Protocol = (*Venue)(nil)

// Paths of the WebSockets.
const (
	publicPath  = "/v5/public/linear"
	privatePath = "/v5/private"
	tradePath   = "/v5/trade"
)

// New returns the venue of a core, which has not been started yet.
func New(core *venue.Core, o Options) *Venue {
	if o.RequestsPer5s == 0 {
		o.RequestsPer5s = 600
	}
	if o.OrdersPerSecond == 0 {
		o.OrdersPerSecond = 10
	}
	if o.ConnectionsPer5m == 0 {
		o.ConnectionsPer5m = 500
	}
	v := &Venue{core: core, books: map[string]*books{}, users: map[int64]*user{}, windows: map[string]*window{},
		forbidden: map[string]int64{}, addresses: wire.Limiter{Interval: 5 * time.Second, Limit: o.RequestsPer5s},
		handshakes:    wire.Limiter{Interval: 5 * time.Minute, Limit: o.ConnectionsPer5m},
		tradeRequests: wire.Limiter{Interval: time.Second, Limit: 3000}}
	v.limits = map[string]*wire.Limiter{}
	for name, limit := range map[string]int{unitCreate: o.OrdersPerSecond, unitAmend: o.OrdersPerSecond,
		unitCancel: o.OrdersPerSecond, unitCancelAll: 10, unitOrders: 50, unitHistory: 50, unitExecutions: 50,
		unitPositions: 50} {
		v.limits[name] = &wire.Limiter{Interval: time.Second, Limit: limit}
	}
	v.routes = v.newRoutes()
	return v
}

// WireConfig returns the venue's connection settings: one that has said nothing for 10 minutes is closed.
func WireConfig() wire.Config {
	return wire.Config{IdleTimeout: 10 * time.Minute,
		UnknownEvent: []byte(`{"id":"1","topic":"something.new.BTCUSDT","type":"delta","creationTime":1,"ts":1,"data":[{"y":[1,2,{}]}]}`)}
}

// ServeHTTP serves REST requests and WebSocket handshakes.
func (v *Venue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case publicPath, privatePath, tradePath:
	default:
		v.serveREST(w, r)
		return
	}
	if _, ok, _ := v.handshakes.Use(v.core.NowNs(), wire.RemoteIP(r), 1); !ok {
		forbid(w)
		return
	}
	switch r.URL.Path {
	case publicPath:
		v.core.Hub.Serve(w, r, wire.Handler{Message: v.publicMessage})
	case privatePath:
		v.servePrivate(w, r)
	case tradePath:
		v.serveTrade(w, r)
	}
}

// limitIdle lets a client choose how long its connection may be silent.
func limitIdle(c *wire.Conn) {
	age, err := time.ParseDuration(c.Query.Get("max_active_time"))
	if err == nil && age >= 30*time.Second && age <= 600*time.Second {
		c.SetIdleTimeout(age)
	}
}

// Publish sends what happened to those who have subscribed to it.
func (v *Venue) Publish(nowNs int64, m *market.Market, events []market.Event) {
	for i := range events {
		if e := &events[i]; e.Kind == market.LevelChanged {
			b := v.bookOf(e.Symbol)
			b.changedNs, b.seq = e.TimeNs, v.seq+int64(i)+1
			for _, f := range b.feeds {
				f.touched = true
			}
		}
	}
	v.publishTrades(nowNs, events)
	v.publishUser(nowNs, m, events)
	v.seq += int64(len(events))
}

// Tick sends what is due, cancels for those who are gone, and does the faults that are actions.
func (v *Venue) Tick(nowNs int64, m *market.Market) {
	v.tickBooks(nowNs, m)
	v.tickWindows(nowNs, m)
	for _, u := range v.users {
		u.stream.Tick(nowNs)
	}
	if _, hit := v.core.Faults.Hit(fault.CutConnections, ""); hit {
		v.core.Hub.CloseAll(websocket.StatusGoingAway, "connection expired")
	}
	if f, hit := v.core.Faults.Hit(fault.ServerShutdown, ""); hit {
		v.restartedNs, v.restartNs = nowNs, nowNs+int64(f.DurationOr(10*time.Second))
	}
	if v.restartNs != 0 && nowNs >= v.restartNs {
		v.restartNs = 0
		for _, c := range v.core.Hub.Conns() {
			if c.OpenedNs <= v.restartedNs {
				c.Close(websocket.StatusGoingAway, "server restart")
			}
		}
	}
}

// restarting reports whether a connection is one of those that the venue is about to close.
func (v *Venue) restarting(c *wire.Conn) (yes bool) {
	v.core.Do(func(nowNs int64, _ *market.Market) { yes = nowNs < v.restartNs && c.OpenedNs <= v.restartedNs })
	return yes
}

func milliseconds(ns int64) int64 { return ns / int64(time.Millisecond) }

// encode returns JSON. What is given to it is made here and always has one.
func encode(value any) []byte {
	body, err := json.Marshal(value)
	if err != nil {
		return []byte(`{"retCode":10016,"retMsg":"Internal server error."}`)
	}
	return body
}

// linearSymbol returns the symbol of a topic such as orderbook.50.BTCUSDT.
func linearSymbol(topic string) string { return topic[strings.LastIndexByte(topic, '.')+1:] }
