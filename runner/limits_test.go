package runner

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// TestBuyersStopAtTheirLimits: two strategies that buy without end have no more than their limits, and together no more
// than the account's, whatever is executed while the host is down and however often it is killed.
func TestBuyersStopAtTheirLimits(t *testing.T) {
	t.Parallel()
	const ofStrategy, ofAccount = 0.3, 0.5
	limit := func(block string, most float64) string {
		end := strings.LastIndex(block, "}")
		return fmt.Sprintf("%s  risk {\n    max_position = %v\n  }\n%s", block[:end], most, block[end:])
	}
	for _, v := range someVenues(testexchange.BinanceFutures) {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			r := newKillRig(t, v, 12, nil)
			text := limit(r.ConnectorBlock(v), ofAccount)
			for name, bot := range r.bots {
				block := fmt.Sprintf(churnBlock, name, bot, name, 0.02, bot)
				text += limit(strings.Replace(block, "qty ", "buys = true\n    qty ", 1), ofStrategy)
			}
			r.w.write("runner.hcl", text)
			check := func(out fmt.Stringer) (most float64) {
				s, err := r.State(r.venue)
				if err != nil {
					t.Fatal(err)
				}
				for _, symbol := range []string{"BTCUSDT", "ETHUSDT"} {
					together := 0.0
					for name, bot := range r.bots {
						sum, _ := r.books(&s, bot, symbol)
						if sum.Position > ofStrategy+1e-9 {
							list, _ := r.w.output("journal", "cat", "--strategy", name, "--kind", "request,order,execution,answered")
							t.Fatalf("strategy %s has %v %s, its limit is %v\n%s\n%s", name, sum.Position, symbol, ofStrategy, list, out)
						}
						together += sum.Position
					}
					if together > ofAccount+1e-9 {
						list, _ := r.w.output("journal", "cat", "--kind", "request,order,execution,answered")
						t.Fatalf("the account has %v %s, its limit is %v\n%s\n%s", together, symbol, ofAccount, list, out)
					}
					most = max(most, together)
				}
				return most
			}
			refused, reached := false, false
			for round := 0; round < 3 || !refused || !reached; round++ {
				cmd, out := r.begin()
				r.check(out)
				r.halt(false)
				before := r.executed()
				r.w.write("go", "")
				within(t, "something is bought, or nothing more may be", out, func() bool {
					refused = refused || strings.Contains(out.String(), "a limit refuses orders")
					return refused || r.executed() >= before+20
				})
				r.sleep(500 * time.Millisecond)
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
				r.sleep(200 * time.Millisecond) // orders are executed meanwhile
				reached = check(out) > 0.8*ofAccount || reached
				if round > 60 {
					t.Fatalf("the limits are not reached: refused %t\n%s", refused, out)
				}
			}
		})
	}
}
