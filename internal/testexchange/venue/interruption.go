package venue

import (
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

// Interruption is the fault of one request.
type Interruption struct {
	fault.Fault
	// CarryOut is true if the request is executed and only its answer is wrong.
	CarryOut bool
}

// Interrupt returns what goes wrong with a request, if anything. Some faults are only for requests about orders.
func (c *Core) Interrupt(what string, order bool) (Interruption, bool) {
	for _, name := range []fault.Name{fault.RateLimited, fault.Banned, fault.Forbidden, fault.UnavailableFailed,
		fault.UnavailableUnknown, fault.BackendTimeout} {
		if f, hit := c.Faults.Hit(name, what); hit {
			return Interruption{Fault: f, CarryOut: c.carryOut(f)}, true
		}
	}
	if !order {
		return Interruption{}, false
	}
	if f, hit := c.Faults.Hit(fault.Overload, what); hit {
		return Interruption{Fault: f}, true
	}
	if f, hit := c.Faults.Hit(fault.AckLost, what); hit {
		return Interruption{Fault: f, CarryOut: true}, true
	}
	return Interruption{}, false
}

// carryOut reports whether a request is carried out although its answer says that nobody knows.
func (c *Core) carryOut(f fault.Fault) bool {
	if f.Name != fault.UnavailableUnknown && f.Name != fault.BackendTimeout {
		return false
	}
	switch f.Value {
	case 1:
		return true
	case 2:
		return false
	}
	return c.Faults.Coin(f.Name)
}
