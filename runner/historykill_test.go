package runner

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/history"
	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// TestHistoryOfKilledRuns: a host is killed with -9 again and again while two strategies trade. What the history adds up to,
// by strategy and symbol, is the exchange's own record, each execution once; and a database that is made again says the same.
func TestHistoryOfKilledRuns(t *testing.T) {
	t.Parallel()
	for _, v := range someVenues(testexchange.BinanceFutures) {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			r := newKillRig(t, v, 41, nil)
			rounds := 3
			if os.Getenv("HFTRUNNER_LONG") != "" {
				rounds = 30
			}
			for range rounds {
				r.trade(40)
				_, _ = r.w.output("fills", "--limit", "1") // the file is brought up to date now and then
			}
			cmd, out := r.begin() // what was executed meanwhile is learnt
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			state, err := r.State(v)
			if err != nil {
				t.Fatal(err)
			}
			for _, made := range []string{"brought up to date", "made again"} {
				var answer struct {
					Fills []struct {
						Strategy, Symbol, Side string
						Qty, Value, Fee        float64
						ExecutionID            string `json:"execution_id"`
					}
				}
				r.w.answer(&answer, "fills", "--limit", "1000000")
				got, seen := make(map[string]hft.StateValues), make(map[string]bool)
				for _, f := range answer.Fills {
					if id := f.Symbol + f.ExecutionID; f.ExecutionID != "" && seen[id] {
						t.Errorf("%s: execution %s twice", made, id)
					} else {
						seen[id] = true
					}
					sum := got[f.Strategy+f.Symbol]
					sum.NumTrades++
					sum.TradingVolume += f.Qty
					sum.TradingValue += f.Value
					sum.Fee += f.Fee
					got[f.Strategy+f.Symbol] = sum
				}
				for name, bot := range r.bots {
					for _, symbol := range []string{"BTCUSDT", "ETHUSDT"} {
						want, _ := r.books(&state, bot, symbol)
						has := got[name+symbol]
						if has.NumTrades != want.NumTrades || math.Abs(has.TradingVolume-want.TradingVolume) > 1e-6 ||
							math.Abs(has.TradingValue-want.TradingValue) > 1e-3 || math.Abs(has.Fee-want.Fee) > 1e-6 {
							t.Errorf("%s: strategy %s, %s: %+v, the exchange has %+v\n%s", made, name, symbol, has, want, out)
						}
					}
				}
				file := filepath.Join(r.w.state, history.DBName)
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
				for _, part := range []string{"-wal", "-shm"} {
					if err := os.Remove(file + part); err != nil && !errors.Is(err, os.ErrNotExist) {
						t.Fatal(err)
					}
				}
			}
		})
	}
}
