package pluginapi

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
)

// TestOrderlyEnd: the reason for the end does not hide what failed at the end.
func TestOrderlyEnd(t *testing.T) {
	full := errors.New("no space left on device")
	for _, c := range []struct {
		err  error
		want bool
	}{
		{hft.ErrInterrupted, true}, {fmt.Errorf("elapse: %w", hft.ErrEndOfData), true}, {full, false},
		{errors.Join(hft.ErrEndOfData, nil), true}, {errors.Join(hft.ErrEndOfData, full), false},
		{errors.Join(full, hft.ErrInterrupted), false},
		{errors.Join(hft.ErrInterrupted, errors.Join(hft.ErrEndOfData, full)), false},
	} {
		if got := isOrderly(context.Background(), c.err); got != c.want {
			t.Errorf("%v: %t", c.err, got)
		}
	}
}
