package venue_test

import (
	"fmt"

	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
)

// The steps of a symbol come from the venue where they are not configured, and have to be the venue's where they are.
func ExampleCheckSteps() {
	f := protocol.Filters{Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001, Trading: true}
	fmt.Println(venue.CheckSteps("BTCUSDT", &f, 0, 0.001))
	_, _, err := venue.CheckSteps("BTCUSDT", &f, 0.01, 0)
	fmt.Println(err)
	// Output:
	// 0.1 0.001 <nil>
	// tick_size of BTCUSDT is 0.01 and the venue's is 0.1: write the venue's or remove it
}
