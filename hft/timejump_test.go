package hft_test

import (
	"math"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
)

func TestCheckTimeJump(t *testing.T) {
	limit := int64(hft.MaxTimeJump)
	for _, c := range []struct {
		before, now int64
		ok          bool
	}{{5, 5, true}, {5, 4, true}, {0, limit, true}, {0, limit + 1, false}, {math.MinInt64, math.MaxInt64, false},
		{math.MaxInt64, math.MinInt64, true}} {
		if err := hft.CheckTimeJump(c.before, c.now); (err == nil) != c.ok {
			t.Errorf("%d to %d: %v", c.before, c.now, err)
		}
	}
}
