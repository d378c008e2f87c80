package ipc

import (
	"errors"
	"fmt"
	"slices"
)

// WaitStrategy is how a bot waits for the next event.
type WaitStrategy uint8

// Wait strategies.
const (
	// WaitAdaptive spins for some microseconds after the last event, then parks: the default.
	WaitAdaptive WaitStrategy = 0
	// WaitSpin never sleeps: lowest latency, one core per bot.
	WaitSpin WaitStrategy = 1
	// WaitPark sleeps at once: least CPU.
	WaitPark WaitStrategy = 2
)

// ParseWaitStrategy returns the strategy of that name: adaptive, spin or park.
func ParseWaitStrategy(name string) (WaitStrategy, error) {
	for _, w := range []WaitStrategy{WaitAdaptive, WaitSpin, WaitPark} {
		if w.String() == name {
			return w, nil
		}
	}
	return 0, fmt.Errorf("unknown wait strategy %q (adaptive, spin or park)", name)
}

// String returns the strategy's name.
func (w WaitStrategy) String() string {
	switch w {
	case WaitAdaptive:
		return "adaptive"
	case WaitSpin:
		return "spin"
	case WaitPark:
		return "park"
	}
	return fmt.Sprintf("WaitStrategy(%d)", uint8(w))
}

// Attachment is what a strategy process needs to attach to the host's shared memory: inherited file descriptors and
// what they are. The host fills it in, the control plane carries it, Attach takes it.
type Attachment struct {
	BotID uint64
	// ControlFD is the descriptor of the bot's control page.
	ControlFD int
	// Connectors lists the connectors the bot uses.
	Connectors []ConnectorAttachment
	// Instruments lists the bot's instruments in its order.
	Instruments []InstrumentAttachment
	Wait        WaitStrategy
}

// check returns what is wrong with the numbers of an attachment, which another process has sent.
func (a *Attachment) check() error {
	if a.BotID == 0 || len(a.Connectors) == 0 || len(a.Instruments) == 0 {
		return errors.New("attachment names no bot, connector or instrument")
	}
	if a.Wait > WaitPark {
		return fmt.Errorf("attachment names %v", a.Wait)
	}
	descriptors := a.descriptors()
	slices.Sort(descriptors)
	if len(slices.Compact(descriptors)) != 1+2*len(a.Connectors) {
		return errors.New("attachment names a descriptor twice")
	}
	return nil
}

// ConnectorAttachment is one connector of an Attachment.
type ConnectorAttachment struct {
	Name string
	// FeedFD is the descriptor of the connector's feed segment, PrivateFD that of the bot's own segment with it.
	FeedFD, PrivateFD int
}

// InstrumentAttachment is one instrument of an Attachment.
type InstrumentAttachment struct {
	Instrument
	// FeedNo is the instrument's number in its connector's feed.
	FeedNo int
}
