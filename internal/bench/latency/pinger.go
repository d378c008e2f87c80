package latency

import (
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/internal/shm"
)

// looks is the number of polls of a spinning side between checks that the other side is alive.
const looks = 1 << 12

// parkSettle is the time that the parent leaves the child asleep before the next sample, so that the thread, and where
// the kernel wants the core, really is idle.
const parkSettle = 50 * time.Microsecond

// pinger is the measuring side.
type pinger struct {
	link        *link
	child       *child
	ringTimeout time.Duration

	phases  uint32
	wait    Wait
	writer  *shm.BroadcastWriter
	replies *shm.Consumer
	reply   []uint64
	own     bell
	theirs  bell
	ping    *uint64
	pong    *uint64
}

func (p *pinger) init(opts Options) {
	private := p.link.private
	p.wait = opts.Wait
	p.writer = shm.NewBroadcastWriter(p.link.feed, 0, opts.FeedCapacity)
	p.replies = shm.NewConsumer(private, offReplies, replyCapacity, opts.ReplyWords)
	p.reply = make([]uint64, opts.ReplyWords-1)
	p.own = bell{private.Word32(offOwnParked), private.Word32(offOwnBell)}
	p.theirs = bell{private.Word32(offChildParked), private.Word32(offChildBell)}
	p.ping, p.pong = private.Word64(offRawPing), private.Word64(offRawPong)
}

// enter tells the child the next phase and waits until it is in it; false if it is gone.
func (p *pinger) enter(phase uint32) bool {
	p.phases += phaseMask + 1
	word := p.phases | phase
	wanted, seen := p.link.private.Word32(offPhase), p.link.private.Word32(offPhaseSeen)
	atomic.StoreUint32(wanted, word)
	for atomic.LoadUint32(seen) != word {
		if p.child.gone.Load() {
			return false
		}
		p.pause(parkSettle)
	}
	return true
}

// raw measures one cache line there and back; false if the child is gone.
func (p *pinger) raw(samplesNs []int64) bool {
	for i := range samplesNs {
		value := uint64(i + 1)
		start := time.Now()
		atomic.StoreUint64(p.ping, value)
		for look := 1; atomic.LoadUint64(p.pong) != value; look++ {
			if look%looks == 0 && p.child.gone.Load() {
				return false
			}
		}
		samplesNs[i] = int64(time.Since(start))
	}
	atomic.StoreUint64(p.ping, rawStop)
	return true
}

// records measures a feed record there and its reply back; false if the child is gone or answers nonsense.
func (p *pinger) records(samplesNs []int64) bool {
	var rec shm.FeedRecord
	for i := range samplesNs {
		if p.wait == Park && !p.untilParked() {
			return false
		}
		for w := range rec.W {
			rec.W[w] = uint64(i + w)
		}
		start := time.Now()
		p.writer.Put(&rec)
		p.writer.Commit()
		if p.wait == Park {
			p.theirs.ring()
		}
		if !p.receive() {
			return false
		}
		samplesNs[i] = int64(time.Since(start))
		if p.reply[0] != uint64(i) {
			p.child.fail("the reply does not belong to the record")
			return false
		}
	}
	rec.Lo = recordStop
	p.writer.Put(&rec)
	p.writer.Commit()
	p.theirs.ring()
	return p.receive()
}

// receive waits for the next reply; false if the child is gone.
func (p *pinger) receive() bool {
	for look := 1; !p.replies.Next(p.reply); look++ {
		if p.wait == Park {
			p.own.sleep(p.replies.Ready, p.ringTimeout)
		}
		if (p.wait == Park || look%looks == 0) && p.child.gone.Load() {
			return false
		}
	}
	return true
}

// untilParked waits until the child sleeps; false if it is gone.
func (p *pinger) untilParked() bool {
	for atomic.LoadUint32(p.theirs.parked) == 0 {
		if p.child.gone.Load() {
			return false
		}
		p.pause(parkSettle / 5)
	}
	p.pause(parkSettle)
	return true
}

// pause sleeps. time.Sleep would take a millisecond: so coarsely does an idle runtime wait.
func (p *pinger) pause(d time.Duration) {
	shm.FutexWait(p.own.count, atomic.LoadUint32(p.own.count), d)
}
