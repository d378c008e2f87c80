package binancefutures

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// Options are the venue's own settings.
type Options struct {
	// Seed chooses listen keys.
	Seed uint64
	// Unrouted serves all streams on /ws and /stream, as it was before the split and still is on test networks.
	Unrouted bool
	// WeightPerMinute, OrdersPer10s and OrdersPerMinute are the limits, 0 for the venue's: 2400, 300, 1200.
	WeightPerMinute, OrdersPer10s, OrdersPerMinute int
	// TradeLite sends TRADE_LITE before the fills it announces.
	TradeLite bool
	// ListenKeyTTL is the lifetime of a listen key, 0 for an hour.
	ListenKeyTTL time.Duration
}

// Venue is the protocol on top of a core.
type Venue struct {
	core    *venue.Core
	options Options
	rest    *binance.REST
	wsapi   *binance.WSAPI
	streams *binance.Streams
	limits  *binance.Limits

	// The rest is guarded by the core's lock.
	random     *rand.Rand
	market     *binance.MarketData
	listenKeys map[string]*listenKey
	users      map[int64]*userConn
	countdowns map[countdownKey]int64
	shutdownNs int64
}

var _ venue.Protocol = (*Venue)(nil)

// New returns the venue of a core, which has not been started yet.
func New(core *venue.Core, o Options) *Venue {
	for _, d := range []struct {
		value *int
		to    int
	}{{&o.WeightPerMinute, 2400}, {&o.OrdersPer10s, 300}, {&o.OrdersPerMinute, 1200}} {
		if *d.value == 0 {
			*d.value = d.to
		}
	}
	if o.ListenKeyTTL == 0 {
		o.ListenKeyTTL = time.Hour
	}
	v := &Venue{core: core, options: o, random: rand.New(rand.NewPCG(o.Seed, 0x6c697374656e)),
		listenKeys: map[string]*listenKey{}, users: map[int64]*userConn{}, countdowns: map[countdownKey]int64{}}
	v.market = binance.NewMarketData(core, wording{}, depthSpeeds(), v.flows)
	v.limits = &binance.Limits{Weight: wire.Limiter{Interval: time.Minute, Limit: o.WeightPerMinute},
		Orders: []*binance.OrderLimit{
			{Limiter: wire.Limiter{Interval: 10 * time.Second, Limit: o.OrdersPer10s}, Header: "10S", Text: "TEN_SECONDS"},
			{Limiter: wire.Limiter{Interval: time.Minute, Limit: o.OrdersPerMinute}, Header: "1M", Text: "MINUTE"},
		}}
	v.rest = &binance.REST{Core: core, Limits: v.limits, Routes: v.routes()}
	v.wsapi = &binance.WSAPI{REST: v.rest, Methods: v.methods(), Weight: 5}
	v.streams = &binance.Streams{Core: core, Valid: validStream}
	return v
}

// WireConfig returns the venue's connection settings: a ping every 3 minutes, 10 minutes for the pong, an end after a
// day, 10 messages a second.
func WireConfig() wire.Config {
	return wire.Config{PingInterval: 3 * time.Minute, PongTimeout: 10 * time.Minute, MaxAge: 24 * time.Hour,
		MessagesPerSecond: 10,
		UnknownEvent:      []byte(`{"e":"SOMETHING_NEW","E":1,"T":1,"s":"BTCUSDT","x":{"y":[1,2,{}]}}`)}
}

// ServeHTTP serves REST requests and WebSocket handshakes.
func (v *Venue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case path == "/ws-fapi/v1":
		v.wsapi.Handle(w, r, nil, nil)
	case strings.HasPrefix(path, "/fapi/"):
		v.rest.ServeHTTP(w, r)
	default:
		class, rest := "", path
		for _, c := range []string{classPublic, classMarket, classPrivate} {
			if after, ok := strings.CutPrefix(path, "/"+c+"/"); ok {
				class, rest = c, "/"+after
			}
		}
		if rest == "/ws" || strings.HasPrefix(rest, "/ws/") || rest == "/stream" {
			v.serveStream(w, r, class, rest)
			return
		}
		http.NotFound(w, r)
	}
}

// serveStream serves a connection of market streams or user data.
func (v *Venue) serveStream(w http.ResponseWriter, r *http.Request, class, rest string) {
	var names []string
	if name, ok := strings.CutPrefix(rest, "/ws/"); ok {
		names = []string{name}
	} else if list := r.URL.Query().Get("streams"); list != "" {
		names = strings.Split(list, "/")
	}
	keys := names
	if key := r.URL.Query().Get("listenKey"); key != "" {
		keys = append(keys, key)
	}
	v.core.Hub.Serve(w, r, wire.Handler{
		Opened: func(c *wire.Conn) {
			v.streams.Open(c, names)
			if class == classPrivate || class == "" && v.options.Unrouted {
				v.openUser(c, keys, r.URL.Query().Get("events"))
			}
		},
		Message: v.streams.Message,
		Closed:  v.closeUser,
	})
}

// Publish sends what happened to those who have subscribed to it.
func (v *Venue) Publish(nowNs int64, m *market.Market, events []market.Event) {
	v.market.Publish(nowNs, m, events)
	v.publishUser(nowNs, m, events)
}

// Tick sends depth updates that are due, lets keys expire and countdowns run out, and does the faults that are actions.
func (v *Venue) Tick(nowNs int64, m *market.Market) {
	v.market.Tick(nowNs, m)
	v.tickUser(nowNs)
	v.tickCountdowns(nowNs, m)
	v.tickActions(nowNs)
}
