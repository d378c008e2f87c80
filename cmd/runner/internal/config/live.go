package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Live is a connector block of a venue. Addresses that are the network's are empty.
type Live struct {
	// Network is "main" or "testnet", empty when every address is given.
	Network    string `json:"network"`
	PublicURL  string `json:"public_url,omitempty"`
	MarketURL  string `json:"market_url,omitempty"`
	PrivateURL string `json:"private_url,omitempty"`
	StreamURL  string `json:"stream_url,omitempty"`
	TradeURL   string `json:"trade_url,omitempty"`
	APIURL     string `json:"api_url,omitempty"`
	WSAPIURL   string `json:"ws_api_url,omitempty"`
	// APIKey and Secret are never part of a text. HasKey says that they are there.
	APIKey      string `json:"-"`
	Secret      string `json:"-"`
	HasKey      bool   `json:"has_key"`
	OrderPrefix string `json:"order_prefix"`
	// OrderEntry is "rest" or OrdersByWebSocket.
	OrderEntry string        `json:"order_entry"`
	RecvWindow time.Duration `json:"recv_window_ns"`
	BookTicker bool          `json:"book_ticker"`
	// TradeStream, DepthSpeed and DepthLevel are empty where the venue has no such choice; DeadMan is 0 for none.
	TradeStream string        `json:"trade_stream,omitempty"`
	DepthSpeed  string        `json:"depth_speed,omitempty"`
	DepthLevel  int           `json:"depth_level,omitempty"`
	DeadMan     time.Duration `json:"dead_man_ns,omitempty"`
	// CancelOnDisconnect is 0 for never.
	CancelOnDisconnect time.Duration `json:"cancel_on_disconnect_ns,omitempty"`
	QuietLimit         time.Duration `json:"quiet_limit_ns"`
	// The rate limits, 0 where the venue has no such limit.
	WeightPerMinute int `json:"weight_per_minute,omitempty"`
	OrdersPerSecond int `json:"orders_per_second,omitempty"`
	OrdersPer10s    int `json:"orders_per_10s,omitempty"`
	OrdersPerMinute int `json:"orders_per_minute,omitempty"`
	OrdersPerDay    int `json:"orders_per_day,omitempty"`
}

// String says what the connector is, without its secrets.
func (l Live) String() string {
	parts := []string{l.Network}
	if l.Network == "" {
		parts[0] = "own addresses"
	}
	if l.HasKey {
		parts = append(parts, "orders by "+l.OrderEntry+" as "+l.OrderPrefix)
	} else {
		parts = append(parts, "market data only")
	}
	if l.DeadMan > 0 {
		parts = append(parts, "dead man "+l.DeadMan.String())
	}
	if l.CancelOnDisconnect > 0 {
		parts = append(parts, "canceling "+l.CancelOnDisconnect.String()+" after a disconnection")
	}
	return strings.Join(parts, ", ")
}

// GoString is String: a secret is not for %#v either.
func (l Live) GoString() string { return l.String() }

// leastDeadMan is the shortest window of a dead-man's switch: it is refreshed four times a window, and a reconnection
// takes a second or two.
const leastDeadMan = 5 * time.Second

// bookLevels are the depths of Bybit's books.
func bookLevels() []int { return []int{1, 50, 200, 1000} }

// live decodes a connector block of a venue.
func (d *decoder) live(b *block, c *Connector) {
	s := d.section(b)
	c.Speed = 1
	l := &Live{Network: get[string](s, "network"), PublicURL: get[string](s, "public_url"), MarketURL: get[string](s, "market_url"),
		PrivateURL: get[string](s, "private_url"), StreamURL: get[string](s, "stream_url"), TradeURL: get[string](s, "trade_url"),
		APIURL: get[string](s, apiURL), WSAPIURL: get[string](s, "ws_api_url"),
		APIKey: get[string](s, "api_key"), Secret: get[string](s, "secret"),
		OrderPrefix: get[string](s, "order_prefix"), OrderEntry: get[string](s, "order_entry"), RecvWindow: get[time.Duration](s, "recv_window"),
		BookTicker: get[bool](s, "book_ticker"), TradeStream: get[string](s, "trade_stream"), DepthSpeed: get[string](s, "depth_speed"),
		DepthLevel: int(get[int64](s, "depth_level")), DeadMan: get[time.Duration](s, "dead_man"),
		CancelOnDisconnect: get[time.Duration](s, "cancel_on_disconnect"), QuietLimit: get[time.Duration](s, "quiet_limit"),
		WeightPerMinute: int(get[int64](s, "weight_per_minute")), OrdersPerSecond: int(get[int64](s, "orders_per_second")),
		OrdersPer10s: int(get[int64](s, "orders_per_10s")), OrdersPerMinute: int(get[int64](s, "orders_per_minute")),
		OrdersPerDay: int(get[int64](s, "orders_per_day"))}
	l.HasKey = l.APIKey != "" && l.Secret != ""
	c.Live = l
	d.addresses(b, c)
	d.key(b, c)
	if l.HasKey && !get[bool](s, allowUnencrypted) {
		d.encrypted(b)
	}
	if l.DeadMan > 0 && l.DeadMan < leastDeadMan {
		d.errorf(b.at("dead_man"), "write at least "+leastDeadMan.String()+", or leave it out for no switch",
			"dead_man is %v, so short that a reconnection would cancel every order", l.DeadMan)
	}
	if set := b.args["depth_level"]; set != nil && l.DepthLevel != 0 && !slices.Contains(bookLevels(), l.DepthLevel) {
		d.errorf(set.valueRng, "write 1, 50, 200 or 1000", "the venue has no book of %d levels", l.DepthLevel)
	}
	if l.DepthLevel == 1 && l.BookTicker {
		if set := b.args["book_ticker"]; set != nil {
			d.warnf(set.nameRng, "remove it", "a book of 1 level is the best bid and ask already")
		}
		l.BookTicker = false
	}
	c.Exchange, c.Fee = exchangeOf(defaultsOf(exchangeSchema())), feeOf(defaultsOf(feeSchema()))
}

// addresses: without a network every address that is used is given.
func (d *decoder) addresses(b *block, c *Connector) {
	set := b.args["network"]
	if c.Live.Network != "" || d.partial || set != nil && (!set.ok || set.goValue != "") {
		return // there is one, or it is wrong and that was reported
	}
	var missing []string
	for i := range b.typ.args {
		if a := &b.typ.args[i]; strings.HasSuffix(a.name, "_url") && b.args[a.name] == nil && c.uses(a.name) {
			missing = append(missing, a.name)
		}
	}
	if len(missing) > 0 {
		d.errorf(b.rng, fmt.Sprintf(`write network = %q or network = %q, or give the addresses yourself`, NetworkMain, NetworkTestnet),
			"connector %q has no network and no %s", c.Name, strings.Join(missing, ", "))
	}
}

// allowUnencrypted is the name of the argument that lets a key go over the network as it is.
const allowUnencrypted = "allow_unencrypted"

// encrypted: nothing that is sent with a key, or acted on by the one who has it, passes a network that can read and change
// it. What stays on this machine may.
func (d *decoder) encrypted(b *block) {
	for i := range b.typ.args {
		a := &b.typ.args[i]
		set := b.args[a.name]
		if set == nil || !strings.HasSuffix(a.name, "_url") {
			continue
		}
		text, _ := set.goValue.(string)
		if text == "" || a.pattern(text) != "" { // what is no address was told
			continue
		}
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "ws" || u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback() {
			continue
		}
		d.errorf(set.valueRng, "write "+u.Scheme+"s://, or "+allowUnencrypted+" = true if nobody else is on the way there",
			"%s is %s:// to another machine: key and orders could be read and changed on the way", a.name, u.Scheme)
	}
}

// uses reports whether an address is needed for what is configured.
func (c *Connector) uses(address string) bool {
	byWebSocket := c.Live.OrderEntry == OrdersByWebSocket
	switch {
	case address == "private_url" && c.Kind == KindBybit:
		return c.Live.HasKey
	case address == "ws_api_url" && c.Kind == KindBinanceSpot:
		return c.Live.HasKey
	case address == "ws_api_url", address == "trade_url":
		return c.Live.HasKey && byWebSocket
	}
	return true
}

// key: key and secret belong together, and there are settings that only a key gives a meaning.
func (d *decoder) key(b *block, c *Connector) {
	l := c.Live
	switch key, secret := b.args["api_key"], b.args["secret"]; {
	case key != nil && !key.ok || secret != nil && !secret.ok:
		c.keyWrong = true
		return
	case l.APIKey == "" && l.Secret != "":
		d.errorf(b.at("secret"), "give both, or none for market data only", "connector %q has a secret and no api_key", c.Name)
		return
	case l.APIKey != "" && l.Secret == "":
		d.errorf(b.at("api_key"), "give both, or none for market data only", "connector %q has an api_key and no secret", c.Name)
		return
	case l.HasKey:
		return
	}
	for _, name := range []string{"order_entry", "order_prefix", "dead_man", "cancel_on_disconnect", "recv_window"} {
		if set := b.args[name]; set != nil {
			d.warnf(set.nameRng, "give api_key and secret, or remove it", "%s has no effect without a key", name)
		}
	}
}

// defaultsOf returns a block as it is when everything is left out.
func defaultsOf(t *blockType) section {
	s := section{values: make(map[string]any, len(t.args))}
	for i := range t.args {
		a := &t.args[i]
		if converted, problem, _ := a.convert(value{goValue: a.def}); problem == "" {
			s.values[a.name] = converted
		}
	}
	return s
}

// needSteps: steps of price and quantity may be left to a venue that can be asked.
func (d *decoder) needSteps(f *File, st *Strategy) {
	if d.partial {
		return
	}
	for i := range st.Instruments {
		in := &st.Instruments[i]
		c := f.connector(in.Connector)
		live := c != nil && c.Live != nil
		if live && st.Backtest == nil {
			continue
		}
		for n := range in.block.typ.args {
			a := &in.block.typ.args[n]
			if set := in.block.args[a.name]; a.otherwise == "" || set != nil && (!set.ok || set.goValue != nil) {
				continue
			}
			if live {
				d.errorf(in.block.rng, fmt.Sprintf("add %s = ... (%s): %s", a.name, a.kind.wants(), a.doc),
					"%s is missing in this instrument block: a backtest does not ask the venue", a.name)
				continue
			}
			d.missing(in.block, a)
		}
	}
}

// missing reports an argument that has to be there.
func (d *decoder) missing(b *block, a *argument) {
	d.errorf(b.rng, fmt.Sprintf("add %s = ... (%s): %s", a.name, a.kind.wants(), a.doc), "%s is missing in this %s block", a.name, b.typ.name)
}

// Symbols returns what strategies trade on a connector, each once, in the order of the file.
func (f *File) Symbols(connector string) []string {
	var list []string
	for i := range f.Strategies {
		for j := range f.Strategies[i].Instruments {
			in := &f.Strategies[i].Instruments[j] // steps may be filled in meanwhile
			if in.Connector == connector && !slices.Contains(list, in.Symbol) {
				list = append(list, in.Symbol)
			}
		}
	}
	return list
}

// FillSteps hands each instrument on a connector to fill, which returns its steps, and takes them over; an error of fill is a
// problem with the place of the instrument. The returned Problems are empty when all is well.
func (f *File) FillSteps(connector string, fill func(in *Instrument) (tickSize, lotSize float64, err error)) Problems {
	r := &report{source: f.source}
	for si := range f.Strategies {
		for ii := range f.Strategies[si].Instruments {
			in := &f.Strategies[si].Instruments[ii]
			if in.Connector != connector {
				continue
			}
			tick, lot, err := fill(in)
			if err != nil {
				r.errorf(in.block.rng, "", "%v", err).Strategy = f.Strategies[si].Name
				continue
			}
			in.TickSize, in.LotSize = tick, lot
		}
	}
	return r.sorted()
}
