package soak

import (
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

// TestCancelOnDisconnect: when the private stream stays away for longer than configured, this runner's orders are
// canceled by what still works, and those of a runner that has no such setting stay.
func TestCancelOnDisconnect(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		for _, after := range []time.Duration{60 * time.Millisecond, 0} {
			sc := open(t, s, settings{cancelOnDisconnect: after}, nil)
			o := sc.submit(sc.resting())
			sc.becomes(o, hft.StatusNew)
			sc.arm("refuse-connect=count:6")
			sc.cut()
			if after > 0 {
				sc.becomes(o, hft.StatusCanceled)
				sc.agrees()
				continue
			}
			sc.wait("the books are ready again", sc.ready)
			sc.takesOrders()
			if u, ok := sc.last(o); !ok || u.Status != hft.StatusNew {
				t.Errorf("without the setting the order is %+v", u)
			}
			sc.cancelOrder(o)
			sc.becomes(o, hft.StatusCanceled)
			sc.agrees()
		}
	})
}
