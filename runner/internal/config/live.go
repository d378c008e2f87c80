package config

import (
	"fmt"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/venue"
)

// Live is a connector block of a venue.
type Live struct {
	Kind connector.Kind
	// Own are the kind's settings. Settings are a part of them, those that every venue has, if Account; else they are empty:
	// the configuration does not know what the kind does with an account.
	Own any
	*venue.Settings
	Account bool
	// Network is "main" or "testnet", empty when every address is given; APIURL is empty where it is the network's. DeadMan is 0
	// for none.
	Network string
	APIURL  string
	DeadMan time.Duration
}

// String says what the connector is, without its secrets.
func (l Live) String() string {
	if !l.Account {
		return "its own settings"
	}
	parts := []string{l.Network}
	if l.Network == "" {
		parts[0] = "own addresses"
	}
	parts = append(parts, l.Settings.String())
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

// ordersByWebSocket is the order_entry that sends orders over a WebSocket.
const ordersByWebSocket = "ws"

// Keyless returns the same without the account.
func (l *Live) Keyless() *Live {
	keyless := *l
	own := reflect.New(reflect.TypeOf(l.Own).Elem())
	own.Elem().Set(reflect.ValueOf(l.Own).Elem())
	keyless.own(own.Interface())
	keyless.APIKey, keyless.Secret = "", ""
	return &keyless
}

// own takes over the kind's settings.
func (l *Live) own(settings any) {
	l.Own, l.Settings = settings, new(venue.Settings)
	s, of := settings.(venue.OwnSettings)
	if l.Account = of; of {
		l.Settings = s.Common()
	}
}

// leastDeadMan is the shortest window of a dead-man's switch: it is refreshed four times a window, and a reconnection
// takes a second or two.
const leastDeadMan = 5 * time.Second

// bookLevels are the depths of Bybit's books.
func bookLevels() []int { return []int{1, 50, 200, 1000} }

// live decodes a connector block of a venue.
func (d *decoder) live(b *block, c *Connector) {
	kind := d.kinds.named(c.Kind)
	own := kind.NewSettings()
	d.into(b, own)
	l := &Live{Kind: kind}
	l.own(own)
	c.Live, c.Speed = l, 1
	if l.Account {
		d.account(b, c)
	}
	paper := d.schema.Block("connector").OfKind(KindPaper)
	paper.Block("exchange").Decode(nil, nil, &c.Exchange)
	paper.Block("fee").Decode(nil, nil, &c.Fee)
}

// account decodes what settings of a live venue have in common.
func (d *decoder) account(b *block, c *Connector) {
	l, own := c.Live, c.Live.Own
	l.Network, _ = b.typ.Value(own, "network").(string)
	l.APIURL, _ = b.typ.Value(own, "api_url").(string)
	l.DeadMan, _ = b.typ.Value(own, "dead_man").(time.Duration)
	d.addresses(b, c)
	d.key(b, c)
	if l.HasKey() && !l.AllowUnencrypted {
		d.encrypted(b)
	}
	if l.DeadMan > 0 && l.DeadMan < leastDeadMan {
		d.errorf(b.at("dead_man"), "write at least "+leastDeadMan.String()+", or leave it out for no switch",
			"dead_man is %v, so short that a reconnection would cancel every order", l.DeadMan)
	}
	level, _ := b.typ.Value(own, "depth_level").(int)
	if set := b.args["depth_level"]; set != nil && level != 0 && !slices.Contains(bookLevels(), level) {
		d.errorf(set.valueRng, "write 1, 50, 200 or 1000", "the venue has no book of %d levels", level)
	}
	if level == 1 && l.BookTicker {
		if set := b.args["book_ticker"]; set != nil {
			d.warnf(set.nameRng, "remove it", "a book of 1 level is the best bid and ask already")
		}
		l.BookTicker = false
	}
}

// addresses: without a network every address that is used is given.
func (d *decoder) addresses(b *block, c *Connector) {
	set := b.args["network"]
	if c.Live.Network != "" || d.partial || set != nil && (!set.ok || set.Go != "") {
		return // there is one, or it is wrong and that was reported
	}
	var missing []string
	for _, name := range b.typ.SettingNames() {
		if strings.HasSuffix(name, "_url") && b.args[name] == nil && c.uses(name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		d.errorf(b.rng, fmt.Sprintf(`write network = %q or network = %q, or set the addresses`, venue.Main, venue.Testnet),
			"connector %q has no network and no %s", c.Name, strings.Join(missing, ", "))
	}
}

// allowUnencrypted is the name of the argument that lets a key go over the network as it is.
const allowUnencrypted = "allow_unencrypted"

// encrypted: nothing that is sent with a key, or acted on by the one who has it, passes a network that can read and change
// it. What stays on this machine may.
func (d *decoder) encrypted(b *block) {
	for _, name := range b.typ.SettingNames() {
		set := b.args[name]
		if set == nil || set.wrong || !strings.HasSuffix(name, "_url") { // what is no address was told
			continue
		}
		text, _ := set.Go.(string)
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "ws" || u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback() {
			continue
		}
		d.errorf(set.valueRng, "write "+u.Scheme+"s://, or "+allowUnencrypted+" = true if the network between is trusted",
			"%s is %s:// to another machine: key and orders could be read and changed on the way", name, u.Scheme)
	}
}

// uses reports whether an address is needed for what is configured.
func (c *Connector) uses(address string) bool {
	byWebSocket := c.Live.OrderEntry == ordersByWebSocket
	switch {
	case address == "private_url" && c.Kind == "bybit":
		return c.Live.HasKey()
	case address == "ws_api_url" && c.Kind == "binancespot":
		return c.Live.HasKey()
	case address == "key_url": // without it the key is not asked about
		return false
	case address == "ws_api_url", address == "trade_url":
		return c.Live.HasKey() && byWebSocket
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
		d.errorf(b.at("secret"), "set both, or neither for market data only", "connector %q has a secret and no api_key", c.Name)
		return
	case l.APIKey != "" && l.Secret == "":
		d.errorf(b.at("api_key"), "set both, or neither for market data only", "connector %q has an api_key and no secret", c.Name)
		return
	case l.HasKey():
		return
	}
	for _, name := range []string{"order_entry", "order_prefix", "dead_man", "cancel_on_disconnect", "recv_window"} {
		if set := b.args[name]; set != nil {
			d.warnf(set.nameRng, "set api_key and secret, or remove it", "%s has no effect without a key", name)
		}
	}
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
		for n := range in.block.typ.Settings {
			s := &in.block.typ.Settings[n]
			if set := in.block.args[s.Name]; s.Otherwise == "" || set != nil && (!set.ok || set.Go != nil) {
				continue
			}
			why := ""
			if live {
				why = ": a backtest does not query the venue"
			}
			d.errorf(in.block.rng, s.Add(), "%s is missing in this instrument block%s", s.Name, why)
		}
	}
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
