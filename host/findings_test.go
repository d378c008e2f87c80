package host_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// faulty is a connector that has found something about its feeds.
type faulty struct{ connector.Connector }

func (faulty) FeedReports() []connector.FeedReport {
	found := feed.Report{Symbol: "btcusdt"}
	found.Found[feed.Gap].N, found.Found[feed.OffGrid].N = 2, 17
	return feed.Forms([]feed.Report{found, {Symbol: "ETHUSDT"}})
}

// TestFindingsAreInTheStatus: the findings about an instrument's feed are reported while it trades.
func TestFindingsAreInTheStatus(t *testing.T) {
	cfg := newConfig(t, 1, time.Hour)
	cfg.Connectors[0].Connector = faulty{cfg.Connectors[0].Connector}
	cfg.Strategies = []host.StrategyConfig{strategyOf("a", "no-such-plugin", struct{}{}, "BTCUSDT", "ETHUSDT")}
	h, err := host.New(cfg, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	all, err := h.Strategies(context.Background())
	if err != nil || len(all) != 1 || len(all[0].Instruments) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	if got := all[0].Instruments[0].Findings; !maps.Equal(got, map[string]uint64{"gap": 2, "off_the_grid": 17}) {
		t.Errorf("BTCUSDT: %v", got)
	}
	if got := all[0].Instruments[1].Findings; got != nil {
		t.Errorf("ETHUSDT: %v", got)
	}
}
