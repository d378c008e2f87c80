package venues

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binancefutures"
	"github.com/hftrunner/hftrunner/connector/binancespot"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/internal/settings"
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
	open func(*Config) (venue.Protocol, connector.Rule, error)
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

// Make returns settings of a kind by their names, defaults for the others, as a configuration has them; a duration is
// given as one. Names that the kind does not have are skipped, so that one list fits several.
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
	return made, nil
}

// Keyless returns the same settings without the account.
func Keyless(s Settings) Settings {
	made := reflect.New(reflect.TypeOf(s).Elem())
	made.Elem().Set(reflect.ValueOf(s).Elem())
	keyless, _ := made.Interface().(Settings)
	c := keyless.Common()
	c.APIKey, c.Secret = "", ""
	return keyless
}

func newBinanceFutures(o *Config) (venue.Protocol, connector.Rule, error) {
	s, ok := o.Settings.(*binancefutures.Settings)
	if !ok {
		return nil, 0, wrongSettings(o)
	}
	c := binancefutures.Config{Settings: *s, NowNs: o.Clock.NowNs, Logger: o.Logger, Outage: o.outage, Timeout: o.Pace.Timeout,
		QuietMarket: o.Pace.QuietTrades, Silence: o.Pace.Silence, Lifetime: o.Pace.Lifetime, KeepAliveInterval: o.Pace.KeepAlive}
	c.OrderEntry, c.QuietLimit = o.orderEntry, cmp.Or(o.Pace.QuietBooks, s.QuietLimit)
	o.quietLimit, o.deadMan = s.QuietLimit, s.DeadMan
	p, err := binancefutures.New(c)
	if err != nil {
		return nil, 0, err
	}
	return p, connector.RuleFutures, nil
}

func newBinanceSpot(o *Config) (venue.Protocol, connector.Rule, error) {
	s, ok := o.Settings.(*binancespot.Settings)
	if !ok {
		return nil, 0, wrongSettings(o)
	}
	c := binancespot.Config{Settings: *s, NowNs: o.Clock.NowNs, Logger: o.Logger, Outage: o.outage, Timeout: o.Pace.Timeout,
		Silence: o.Pace.Silence, Lifetime: o.Pace.Lifetime}
	c.OrderEntry, c.QuietLimit = o.orderEntry, cmp.Or(o.Pace.QuietBooks, s.QuietLimit)
	o.quietLimit = s.QuietLimit
	p, err := binancespot.New(c)
	if err != nil {
		return nil, 0, err
	}
	return p, connector.RuleSpot, nil
}

func newBybit(o *Config) (venue.Protocol, connector.Rule, error) {
	s, ok := o.Settings.(*bybit.Settings)
	if !ok {
		return nil, 0, wrongSettings(o)
	}
	c := bybit.Config{Settings: *s, NowNs: o.Clock.NowNs, Logger: o.Logger, Outage: o.outage}
	c.OrderEntry, c.RecvWindow = o.orderEntry, s.RecvWindow.Truncate(time.Millisecond)
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
