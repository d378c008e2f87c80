package hft_test

import (
	"testing"
	"unsafe"

	"github.com/hftrunner/hftrunner/hft"
)

func TestEventLayout(t *testing.T) {
	var e hft.Event
	for name, got := range map[string][2]uintptr{
		"ev": {unsafe.Offsetof(e.Ev), 0}, "exch_ts": {unsafe.Offsetof(e.ExchTimestampNs), 8},
		"local_ts": {unsafe.Offsetof(e.LocalTimestampNs), 16}, "px": {unsafe.Offsetof(e.Px), 24},
		"qty": {unsafe.Offsetof(e.Qty), 32}, "order_id": {unsafe.Offsetof(e.OrderID), 40},
		"ival": {unsafe.Offsetof(e.Ival), 48}, "fval": {unsafe.Offsetof(e.Fval), 56},
	} {
		if got[0] != got[1] {
			t.Errorf("%s lies at %d, in the file format at %d", name, got[0], got[1])
		}
	}
}
