package ring

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
	LayoutVersion uint64 = 3

	HeaderSize = 4096

	OffMagic    = 0
	OffVersion  = 8
	OffSize     = 16
	OffPID      = 24
	OffCapacity = 32

	OffClockMode  = 64
	OffClockStart = 72
	OffClockRate  = 80
	OffClockMono  = 88
	OffClockNow   = 128
	OffClockShown = 136

	OffFeedEnd    = 192
	OffFeedClosed = 200

	OffDoorbell   = 128
	OffHostParked = 132
	OffWorkGen    = 136
	OffStop       = 192

	OffBotParked    = 256
	OffRequestBell  = 260
	OffProgress     = 264
	OffIdleGen      = 272
	OffWaitDeadline = 280
	OffSent         = 288
	OffIdleBell     = 296

	OffEvents  = 320
	OffLost    = 328
	OffResyncs = 336

	ControlSize = 4096

	DownWords    = 24
	DownCapacity = 2048
	UpWords      = 16
	UpCapacity   = 1024

	// DefaultFeedCapacity is the number of slots of a feed ring unless configured.
	DefaultFeedCapacity = 1 << 16
)

func PrivateSize() int {
	return HeaderSize + shm.QueueSize(DownCapacity, DownWords) + shm.QueueSize(UpCapacity, UpWords)
}

func UpOffset() int { return HeaderSize + shm.QueueSize(DownCapacity, DownWords) }
