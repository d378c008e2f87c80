package venue

import (
	"time"

	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// UserStream sends the events of one subscription to user data with the faults of such streams. One lock guards it,
// the core's.
type UserStream struct {
	core *Core
	send func(what string, data []byte)
	held []heldEvent
	// late are the events that wait for one that a fault holds back; until then nothing else is sent.
	late []heldEvent
}

type heldEvent struct {
	what string
	data []byte
	// untilNs is the time when it expires without a successor.
	untilNs int64
}

// NewUserStream returns the stream of a connection.
func (c *Core) NewUserStream(conn *wire.Conn) *UserStream {
	return &UserStream{core: c, send: conn.Send}
}

// Send sends an event; what is its type.
func (u *UserStream) Send(what string, data []byte) {
	delay, hit := u.core.Faults.Hit(fault.UserEventDelay, what)
	if hit {
		u.late = append(u.late, heldEvent{what, data, u.core.NowNs() + int64(delay.DurationOr(100*time.Millisecond))})
		return
	}
	if len(u.late) > 0 {
		u.late = append(u.late, heldEvent{what: what, data: data})
		return
	}
	u.sendNow(what, data)
}

func (u *UserStream) sendNow(what string, data []byte) {
	f := u.core.Faults
	if _, hit := f.Hit(fault.DropUserEvent, what); hit {
		return
	}
	if reorder, hit := f.Hit(fault.ReorderUserEvent, what); hit {
		untilNs := u.core.NowNs() + int64(reorder.DurationOr(100*time.Millisecond))
		u.held = append(u.held, heldEvent{what, data, untilNs})
		return
	}
	u.send(what, data)
	if _, hit := f.Hit(fault.DuplicateUserEvent, what); hit {
		u.send(what, data)
	}
	u.release(1 << 62)
}

// Tick sends what was held back long enough.
func (u *UserStream) Tick(nowNs int64) {
	for len(u.late) > 0 && u.late[0].untilNs <= nowNs {
		h := u.late[0]
		u.late = u.late[1:]
		u.sendNow(h.what, h.data)
	}
	u.release(nowNs)
}

func (u *UserStream) release(nowNs int64) {
	for len(u.held) > 0 && u.held[0].untilNs <= nowNs {
		h := u.held[0]
		u.held = u.held[1:]
		u.send(h.what, h.data)
	}
}
