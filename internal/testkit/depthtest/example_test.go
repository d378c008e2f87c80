package depthtest_test

import (
	"fmt"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
)

func ExampleNaive() {
	naive := depthtest.NewNaive(depthtest.HashMapRules, 1, 1, depth.Fixed)
	naive.UpdateBid(99, 1, 0)
	naive.UpdateBid(100, 2, 0)
	u := naive.UpdateAsk(100, 3, 0)
	fmt.Println(u.BestTick, len(naive.Snapshot()))
	// Output: 100 2
}
