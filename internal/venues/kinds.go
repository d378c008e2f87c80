package venues

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
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

// Kinds returns the venues that there are, in the order of the documentation.
func Kinds() []connector.Kind {
	return []connector.Kind{binance.Futures(), binance.Spot(), bybit.Kind()}
}

// KindOf returns the kind of a name.
func KindOf(name string) (connector.Kind, bool) {
	list := Kinds()
	if i := slices.IndexFunc(list, func(k connector.Kind) bool { return k.Name == name }); i >= 0 {
		return list[i], true
	}
	return connector.Kind{}, false
}

// Make returns settings of a kind by their names, defaults for the others, as a configuration has them; a duration is
// given as one. Names that the kind does not have are skipped, so that one list fits several.
func Make(kind string, named map[string]any) (venue.OwnSettings, error) {
	k, ok := KindOf(kind)
	if !ok {
		return nil, fmt.Errorf("this build has no venue %q", kind)
	}
	made := k.NewSettings()
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
	own, ok := made.(venue.OwnSettings)
	if !ok {
		return nil, fmt.Errorf("the settings of %q are not those of a live venue", kind)
	}
	return own, nil
}
