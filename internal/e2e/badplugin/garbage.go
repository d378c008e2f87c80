package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"

	"github.com/hftrunner/hftrunner/hft"
)

type garbageParams struct {
	AfterEvents int   `hcl:"after_events" default:"5" min:"0" doc:"feed events before it starts"`
	Seed        int64 `hcl:"seed" default:"1" doc:"of the garbage"`
	// The first page of a segment is its description, the queues come after it.
	Offset int `hcl:"offset" default:"0" min:"0" doc:"bytes at the start of each segment that it leaves alone"`
	Rounds int `hcl:"rounds" default:"100" min:"1" doc:"how often it does it"`
}

// garbage overwrites all of the host's shared memory that it can write to, its control page and its queues, and tries
// it with the market feed. Its error says what became of each segment. The host must notice, and nobody else may.
func garbage(p garbageParams) (run, error) {
	return func(_ context.Context, bot hft.Bot) error {
		if more, err := skip(bot, p.AfterEvents); !more {
			return err
		}
		random := rand.New(rand.NewPCG(uint64(p.Seed), 0))
		var report string
		for range p.Rounds {
			report = ""
			for fd := 3; fd < 64; fd++ {
				if size, ok := segmentSize(fd); ok {
					report += fmt.Sprintf(" %d: %s;", fd, overwrite(fd, p.Offset, size, random))
				}
			}
		}
		return fmt.Errorf("garbage: overwrote the descriptors%s", report)
	}, nil
}

// segmentSize returns the size of a descriptor that is a segment: a file and no pipe, socket or device.
func segmentSize(fd int) (size int, ok bool) {
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err != nil || stat.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return 0, false
	}
	return int(stat.Size), stat.Size > 0
}

// overwrite fills a segment with garbage and says how that went. Half of the bytes stay 0, so that some words are small
// enough to pass for counters.
func overwrite(fd, from, to int, random *rand.Rand) string {
	for at := from; at < to; {
		page := make([]byte, min(4096, to-at))
		for i := range page {
			if random.IntN(2) == 0 || i%8 == 0 {
				page[i] = byte(random.Uint32())
			}
		}
		n, err := syscall.Pwrite(fd, page, int64(at))
		if err != nil {
			return err.Error()
		}
		at += n
	}
	return "done"
}
