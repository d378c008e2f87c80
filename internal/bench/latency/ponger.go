package latency

import (
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/internal/shm"
)

// ponger is the answering side, in the child.
type ponger struct {
	wait    Wait
	private *shm.Segment
	feed    *shm.BroadcastReader
	replies *shm.Producer
	reply   []uint64
	own     bell
	theirs  bell
}

// run follows the parent's phases until it says quit.
func (p ponger) run() {
	wanted, seen := p.private.Word32(offPhase), p.private.Word32(offPhaseSeen)
	var last uint32
	for {
		word := atomic.LoadUint32(wanted)
		if word == last {
			time.Sleep(20 * time.Microsecond)
			continue
		}
		last = word
		if word&phaseMask == phaseRaw {
			atomic.StoreUint64(p.private.Word64(offRawPing), 0) // the stop value of the phase before
			atomic.StoreUint64(p.private.Word64(offRawPong), 0)
		}
		atomic.StoreUint32(seen, word)
		switch word & phaseMask {
		case phaseRaw:
			p.raw()
		case phaseRecords:
			p.records()
		case phaseQuit:
			return
		}
	}
}

// raw sends every value back until the stop value.
func (p ponger) raw() {
	ping, pong := p.private.Word64(offRawPing), p.private.Word64(offRawPong)
	var last uint64
	for last != rawStop {
		if value := atomic.LoadUint64(ping); value != last {
			last = value
			atomic.StoreUint64(pong, value)
		}
	}
}

// records answers every record until one says stop, that one included.
func (p ponger) records() {
	var rec shm.FeedRecord
	for rec.Lo != recordStop {
		for p.feed.Next(&rec) != shm.ReadOK {
			if p.wait == Park {
				p.own.sleep(p.feed.Ready, 100*time.Millisecond)
			}
		}
		copy(p.reply, rec.W[:])
		p.replies.Put(p.reply)
		if p.wait == Park {
			p.theirs.ring()
		}
	}
}
