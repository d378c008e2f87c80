package venues

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"time"

	"hftrunner/connector/binancefutures"
	"hftrunner/connector/binancespot"
	"hftrunner/connector/bybit"
	"hftrunner/connector/depthsync"
	"hftrunner/connector/venue"
	"hftrunner/internal/settings"
)

// Names of kinds, which are also those of the formats of the venues' recordings.
const (
	BinanceFutures = "binancefutures"
	BinanceSpot    = "binancespot"
	Bybit          = "bybit"
)

// Kind is one of the venues.
type Kind struct {
	// Name is the kind of the connector block, and the format of the venue's recordings. Doc says what it is.
	Name, Doc string
	// New returns settings of which none is set.
	New  func() Settings
	open func(*Config) (venue.Protocol, depthsync.Rule, error)
}

// Kinds returns the venues that there are, in the order of the documentation.
func Kinds() []Kind {
	return []Kind{
		{BinanceFutures, binancefutures.SettingsDoc, func() Settings { return new(binancefutures.Settings) }, newBinanceFutures},
		{BinanceSpot, binancespot.SettingsDoc, func() Settings { return new(binancespot.Settings) }, newBinanceSpot},
		{Bybit, bybit.SettingsDoc, func() Settings { return new(bybit.Settings) }, newBybit},
	}
}

// KindOf returns the kind of a name.
func KindOf(name string) (Kind, bool) {
	list := Kinds()
	if i := slices.IndexFunc(list, func(k Kind) bool { return k.Name == name }); i >= 0 {
		return list[i], true
	}
	return Kind{}, false
}

// Make returns settings of a kind by their names, defaults for the others, as a configuration has them; a duration is given as
// one. Names that the kind does not have are passed over, so that one list fits several.
func Make(kind string, named map[string]any) (Settings, error) {
	k, ok := KindOf(kind)
	if !ok {
		return nil, fmt.Errorf("this build has no venue %q", kind)
	}
	made := k.New()
	schema, err := settings.Of(reflect.TypeOf(made).Elem())
	if err != nil {
		return nil, err
	}
	values := map[string]settings.Value{}
	for name, v := range named {
		switch x := v.(type) {
		case time.Duration:
			v = x.String()
		case int:
			v = int64(x)
		}
		values[name] = settings.Value{Go: v}
	}
	for _, p := range schema.Decode(values, nil, made) {
		return nil, fmt.Errorf("%s; %s", &p, p.Hint)
	}
	c := made.Common()
	c.HasKey = c.APIKey != "" && c.Secret != ""
	return made, nil
}

// Keyless returns the same settings without the account.
func Keyless(s Settings) Settings {
	made := reflect.New(reflect.TypeOf(s).Elem())
	made.Elem().Set(reflect.ValueOf(s).Elem())
	keyless, _ := made.Interface().(Settings)
	c := keyless.Common()
	c.APIKey, c.Secret, c.HasKey = "", "", false
	return keyless
}

// preset is the configuration of a network, an empty one where every address is given.
func preset[C any](network string, main, testnet func() C) (c C) {
	switch network {
	case Main:
		c = main()
	case Testnet:
		c = testnet()
	}
	return c
}

// override sets dst unless the configuration leaves it to the network.
func override(dst *string, address string) {
	if address != "" {
		*dst = address
	}
}

func newBinanceFutures(o *Config) (venue.Protocol, depthsync.Rule, error) {
	s, ok := o.Settings.(*binancefutures.Settings)
	if !ok {
		return nil, 0, wrongSettings(o)
	}
	c := preset(s.Network, binancefutures.Main, binancefutures.Testnet)
	override(&c.PublicURL, s.PublicURL)
	override(&c.MarketURL, s.MarketURL)
	override(&c.PrivateURL, s.PrivateURL)
	override(&c.APIURL, s.APIURL)
	override(&c.WSAPIURL, s.WSAPIURL)
	c.Key, c.Secret, c.RecvWindow, c.NowNs = s.APIKey, s.Secret, s.RecvWindow, o.Clock.NowNs
	c.Logger, c.Outage = o.Logger, o.outage
	c.DepthSpeed, c.TradeStream, c.BookTicker, c.OrderEntry = s.DepthSpeed, s.TradeStream, s.BookTicker, o.orderEntry
	c.WeightPerMinute, c.OrdersPer10s, c.OrdersPerMinute = s.WeightPerMinute, s.OrdersPer10s, s.OrdersPerMinute
	c.Timeout, c.QuietPublic, c.QuietMarket, c.Silence = o.Pace.Timeout, cmp.Or(o.Pace.QuietBooks, s.QuietLimit), o.Pace.QuietTrades, o.Pace.Silence
	c.Lifetime, c.KeepAliveInterval = o.Pace.Lifetime, o.Pace.KeepAlive
	o.quietLimit, o.deadMan = s.QuietLimit, s.DeadMan
	p, err := binancefutures.New(c)
	if err != nil {
		return nil, 0, err
	}
	return p, depthsync.Futures, nil
}

func newBinanceSpot(o *Config) (venue.Protocol, depthsync.Rule, error) {
	s, ok := o.Settings.(*binancespot.Settings)
	if !ok {
		return nil, 0, wrongSettings(o)
	}
	c := preset(s.Network, binancespot.Main, binancespot.Testnet)
	override(&c.StreamURL, s.StreamURL)
	override(&c.APIURL, s.APIURL)
	override(&c.WSAPIURL, s.WSAPIURL)
	c.Key, c.Secret, c.RecvWindow, c.NowNs, c.Logger = s.APIKey, s.Secret, s.RecvWindow, o.Clock.NowNs, o.Logger
	c.Outage = o.outage
	c.TradeStream, c.BookTicker, c.OrderEntry = s.TradeStream, s.BookTicker, o.orderEntry
	c.WeightPerMinute, c.OrdersPer10s, c.OrdersPerDay = s.WeightPerMinute, s.OrdersPer10s, s.OrdersPerDay
	c.Timeout, c.QuietMarket, c.Silence, c.Lifetime = o.Pace.Timeout, cmp.Or(o.Pace.QuietBooks, s.QuietLimit), o.Pace.Silence, o.Pace.Lifetime
	o.quietLimit = s.QuietLimit
	p, err := binancespot.New(c)
	if err != nil {
		return nil, 0, err
	}
	return p, depthsync.Spot, nil
}

func newBybit(o *Config) (venue.Protocol, depthsync.Rule, error) {
	s, ok := o.Settings.(*bybit.Settings)
	if !ok {
		return nil, 0, wrongSettings(o)
	}
	c := preset(s.Network, bybit.Main, bybit.Testnet)
	override(&c.PublicURL, s.PublicURL)
	override(&c.PrivateURL, s.PrivateURL)
	override(&c.TradeURL, s.TradeURL)
	override(&c.APIURL, s.APIURL)
	c.Key, c.Secret, c.RecvWindow, c.NowNs, c.Logger = s.APIKey, s.Secret, s.RecvWindow.Truncate(time.Millisecond), o.Clock.NowNs, o.Logger
	c.DepthLevel, c.BookTicker, c.OrderEntry = s.DepthLevel, s.BookTicker, bybit.OrderEntry(o.orderEntry)
	c.OrdersPerSecond, c.Outage = s.OrdersPerSecond, o.outage
	o.quietLimit = s.QuietLimit
	p, err := bybit.New(c)
	if err != nil {
		return nil, 0, err
	}
	return p, p.DepthRule(), nil
}

func wrongSettings(c *Config) error {
	return fmt.Errorf("a connector of kind %q has settings of the type %T", c.Kind, c.Settings)
}
