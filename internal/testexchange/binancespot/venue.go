package binancespot

import (
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// Options are the venue's own settings.
type Options struct {
	// WeightPerMinute, OrdersPer10s and OrdersPerDay are the limits, 0 for the venue's: 6000, 100, 200000.
	WeightPerMinute, OrdersPer10s, OrdersPerDay int
	// FirstExecutionID is the first id of execution reports, 0 for 1.
	FirstExecutionID int64
}

// Venue is the protocol on top of a core.
type Venue struct {
	core    *venue.Core
	options Options
	limits  *binance.Limits
	rest    *binance.REST
	wsapi   *binance.WSAPI
	streams *binance.Streams

	// The rest is guarded by the core's lock.
	market *binance.MarketData
	// users are the subscriptions to user data by connection.
	users map[int64][]*subscription
	// cancelIDs are the client ids of the cancels that happen, oldIDs those that amended orders had, by order.
	cancelIDs, oldIDs map[int64]string
	nextExecutionID   int64
	nextClientID      int64
	shutdownNs        int64
}

var _ venue.Protocol = (*Venue)(nil)

// New returns the venue of a core, which has not been started yet.
func New(core *venue.Core, o Options) *Venue {
	for _, d := range []struct {
		value *int
		to    int
	}{{&o.WeightPerMinute, 6000}, {&o.OrdersPer10s, 100}, {&o.OrdersPerDay, 200_000}} {
		if *d.value == 0 {
			*d.value = d.to
		}
	}
	v := &Venue{core: core, options: o, users: map[int64][]*subscription{}, cancelIDs: map[int64]string{},
		oldIDs: map[int64]string{}, nextExecutionID: max(o.FirstExecutionID, 1)}
	v.market = binance.NewMarketData(core, wording{}, depthSpeeds(), func(string, string) bool { return true })
	v.limits = &binance.Limits{Weight: wire.Limiter{Interval: time.Minute, Limit: o.WeightPerMinute},
		Orders: []*binance.OrderLimit{
			{Limiter: wire.Limiter{Interval: 10 * time.Second, Limit: o.OrdersPer10s}, Header: "10S", Text: "10 SECOND"},
			{Limiter: wire.Limiter{Interval: 24 * time.Hour, Limit: o.OrdersPerDay}, Header: "1D", Text: "1 DAY"},
		}}
	v.rest = &binance.REST{Core: core, Limits: v.limits, Routes: v.routes(),
		Rules: binance.Rules{Encoded: true, MaxWindowMs: 60_000}}
	v.wsapi = &binance.WSAPI{REST: v.rest, Methods: v.methods(), Weight: 2}
	v.streams = &binance.Streams{Core: core, Valid: validStream}
	return v
}

// WireConfig returns the venue's connection settings: a ping every 20 seconds, a minute for the pong, an end after a
// day, 5 messages a second.
func WireConfig() wire.Config {
	return wire.Config{PingInterval: 20 * time.Second, PongTimeout: time.Minute, MaxAge: 24 * time.Hour,
		MessagesPerSecond: 5, UnknownEvent: []byte(`{"e":"somethingNew","E":1,"s":"BTCUSDT","x":{"y":[1,2,{}]}}`)}
}

// ServeHTTP serves REST requests and WebSocket handshakes.
func (v *Venue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case path == "/ws-api/v3":
		v.wsapi.Handle(w, r, v.session, v.closeSession)
	case strings.HasPrefix(path, "/api/"):
		v.rest.ServeHTTP(w, r)
	case path == "/ws" || path == "/stream" || strings.HasPrefix(path, "/ws/"):
		var names []string
		if name, ok := strings.CutPrefix(path, "/ws/"); ok {
			names = []string{name}
		} else if list := r.URL.Query().Get("streams"); list != "" {
			names = strings.Split(list, "/")
		}
		v.core.Hub.Serve(w, r, wire.Handler{Opened: func(c *wire.Conn) { v.streams.Open(c, names) },
			Message: v.streams.Message})
	default:
		http.NotFound(w, r)
	}
}

// Publish sends what happened to those who have subscribed to it.
func (v *Venue) Publish(nowNs int64, m *market.Market, events []market.Event) {
	v.market.Publish(nowNs, m, events)
	v.publishUser(nowNs, events)
}

// Tick sends depth updates that are due, and does the faults that are actions.
func (v *Venue) Tick(nowNs int64, m *market.Market) {
	v.market.Tick(nowNs, m)
	v.tickUser(nowNs)
	if _, hit := v.core.Faults.Hit(fault.CutConnections, ""); hit {
		v.core.Hub.CloseAll(websocket.StatusGoingAway, "connection expired")
	}
	if f, hit := v.core.Faults.Hit(fault.ServerShutdown, ""); hit {
		v.shutdownNs = nowNs + int64(f.DurationOr(10*time.Second))
		v.announceShutdown(nowNs)
	}
	if v.shutdownNs != 0 && nowNs >= v.shutdownNs {
		v.shutdownNs = 0
		v.core.Hub.CloseAll(websocket.StatusGoingAway, "server shutdown")
	}
}

type plainEvent struct {
	Event string `json:"e"`
	E     int64  `json:"E"`
}

// announceShutdown tells each connection in its own envelope.
func (v *Venue) announceShutdown(nowNs int64) {
	const name = "serverShutdown"
	payload := binance.Encode(plainEvent{name, binance.Milliseconds(nowNs)})
	for _, c := range v.core.Hub.Conns() {
		switch {
		case c.Path == "/stream":
			c.Send(name, binance.Combined("!"+name, payload))
		case c.Path == "/ws-api/v3":
			c.Send(name, append(append([]byte(`{"event":`), payload...), '}'))
		default:
			c.Send(name, payload)
		}
	}
}
