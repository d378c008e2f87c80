package runner

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
)

// TestBalanceOfTwoSymbols: on spot two symbols trade one asset. What both strategies hold on both, fees included, and
// what belongs to nobody is the balance, also after a deposit; a sale by hand is a mismatch of both.
func TestBalanceOfTwoSymbols(t *testing.T) {
	t.Parallel()
	r := newKillRig(t, testexchange.BinanceSpot, 31, func(c *testexchange.Config) {
		c.Accounts = []testexchange.Account{{APIKey: testexchange.DefaultAPIKey, Secret: testexchange.DefaultSecret,
			Balances: map[string]string{"USDT": "100000", "USDC": "100000", "BTC": "10"}}}
		for _, quote := range []string{"USDT", "USDC"} {
			c.Symbols = append(c.Symbols, market.SymbolConfig{Name: "BTC" + quote, BaseAsset: "BTC", QuoteAsset: quote,
				TickSize: "0.10", LotSize: "0.001", MinPrice: "0.10", MaxPrice: "1000000.00", MinQty: "0.001",
				MaxQty: "1000.000", MaxMarketQty: "100.000", MinNotional: "5", BandShare: 0.5, MakerFeePPM: 200,
				TakerFeePPM: 500})
		}
	})
	text, err := os.ReadFile(r.w.dir + "/runner.hcl")
	if err != nil {
		t.Fatal(err)
	}
	r.w.write("runner.hcl", strings.NewReplacer(`"test" {`,
		"\"test\" {\n  mismatch_after = \"1s\"\n  on_mismatch = \"halt\"", "ETHUSDT", "BTCUSDC").Replace(string(text)))
	cmd, out := r.begin()
	defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
	nobodys := func(qty float64) bool {
		for _, symbol := range []string{"BTCUSDT", "BTCUSDC"} {
			list := r.on(symbol)
			if len(list) != 2 || math.Abs(list[0].Unattributed-qty) > 1e-9 {
				return false
			}
		}
		return true
	}
	within(t, "the balance at first sight belongs to nobody", out, func() bool { return nobodys(10) })
	r.halt(false)
	r.w.write("go", "")
	within(t, "executions on both", out, func() bool {
		return r.executedOn("BTCUSDT") >= 30 && r.executedOn("BTCUSDC") >= 30
	})
	deposit := venue.Happening{Kind: "deposit", Account: testexchange.DefaultAPIKey, Asset: "BTC", Amount: "2.5"}
	if err := r.Happen(r.venue, deposit); err != nil {
		t.Fatal(err)
	}
	within(t, "so does a deposit", out, func() bool { return nobodys(12.5) })
	r.byHand(hft.Sell, "0.800")
	// Nothing comes between a question and its answer, and a reconnection compares at once.
	r.halt(true)
	if err := r.Arm(r.venue, fault.Fault{Name: fault.CutConnections}); err != nil {
		t.Fatal(err)
	}
	within(t, "both are halted", out, func() bool { return r.halted("BTCUSDT") && r.halted("BTCUSDC") })
	list := r.on("BTCUSDC")
	if math.Abs(list[0].Mismatch+0.8) > 1e-9 || !strings.Contains(out.String(), " BTC, the strategies ") {
		t.Errorf("%+v\n%s", list, out)
	}
	answer, code := r.w.output("adopt", "--none", "test", "BTCUSDC")
	if code != 0 || r.halted("BTCUSDT") || r.halted("BTCUSDC") {
		t.Errorf("exit code %d: %s\n%s", code, answer, out)
	}
}
