package ipc

import "github.com/hftrunner/hftrunner/internal/shm"

// Layout of the segments. docs/format/ring.md is the same in prose; change both, and layoutVersion.
//
//	feed segment (one per connector, read-only for bots)
//	     0  identity: magic | layout version | size | host pid | ring capacity
//	    64  clock: mode | start ns | rate bits | monotonic start ns
//	   128  time of a stepped clock | how often the host has shown it
//	   192  end of data: 1 + sequence of the last record | closed
//	  4096  broadcast ring
//
//	private segment (one per bot and connector)
//	     0  identity
//	  4096  queue host to bot, then queue bot to host
//
//	control page (one per bot)
//	     0  identity
//	   128  written by the host: doorbell(32) parked(32) | work generation
//	   192  written by the host: stop
//	   256  written by the bot: parked(32) request doorbell(32) | progress | idle generation | wait deadline ns |
//	        requests sent | idle bell(32)
//	   320  written by the bot: events | lost events | resyncs
const (
	magic         uint64 = 0x72656e6e75727468 // "hftrunner" without its last letter but one, little endian
	layoutVersion uint64 = 2

	headerSize = 4096

	offMagic    = 0
	offVersion  = 8
	offSize     = 16
	offPID      = 24
	offCapacity = 32

	offClockMode  = 64
	offClockStart = 72
	offClockRate  = 80
	offClockMono  = 88
	offClockNow   = 128
	offClockShown = 136

	offFeedEnd    = 192
	offFeedClosed = 200

	offDoorbell   = 128
	offHostParked = 132
	offWorkGen    = 136
	offStop       = 192

	offBotParked    = 256
	offRequestBell  = 260
	offProgress     = 264
	offIdleGen      = 272
	offWaitDeadline = 280
	offSent         = 288
	offIdleBell     = 296

	offEvents  = 320
	offLost    = 328
	offResyncs = 336

	controlSize = 4096

	downWords    = 24
	downCapacity = 2048
	upWords      = 16
	upCapacity   = 1024

	// DefaultFeedCapacity is the number of slots of a feed ring unless configured.
	DefaultFeedCapacity = 1 << 16
)

func privateSize() int {
	return headerSize + shm.QueueSize(downCapacity, downWords) + shm.QueueSize(upCapacity, upWords)
}

func upOffset() int { return headerSize + shm.QueueSize(downCapacity, downWords) }
