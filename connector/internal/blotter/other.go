package blotter

import (
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

const (
	// lostNumbers bounds the client ids behind the newest recorded one that an earlier run may have sent: the machine
	// had not written the last when it went down.
	lostNumbers = 64
	// maxOthers bounds the remembered orders of other runners.
	maxOthers = 4096
)

// lineage tells the client ids of this runner from those of another one with the same prefix, by their numbers.
type lineage struct {
	// known is true with a record of earlier runs. Without it all ids of the prefix are this runner's.
	known bool
	// newest is the number of the newest id in the record, first the lowest of this run.
	newest, first uint64
	// takeOver makes what was sent before this run this runner's, whatever the record has.
	takeOver bool
	told     map[string]bool // external ids that were passed on
}

// Continue takes the number of the newest client id that the record of earlier runs has, before any report. With takeOver it
// does not count, and all that was sent before this run is this runner's.
func (b *Blotter) Continue(newest uint64, takeOver bool) {
	b.codec.After(newest)
	b.lineage = lineage{known: true, newest: newest, first: b.codec.Newest() + 1, takeOver: takeOver, told: make(map[string]bool)}
}

// Ours reports whether an order that is not known here is this runner's. One of another runner with the same prefix is
// passed on to Config.Other.
func (b *Blotter) Ours(r *protocol.Report) bool {
	if _, _, ours := b.codec.Decode(r.ClientID); !ours {
		return false
	}
	if !b.isOther(r) {
		return true
	}
	l := &b.lineage
	if l.told[r.ClientID] {
		return false
	}
	if len(l.told) >= maxOthers {
		clear(l.told)
	}
	l.told[r.ClientID] = true
	b.counts.Others++
	if b.other != nil {
		b.other(*r)
	}
	return false
}

// Stray reports whether an order is this runner's and not known here.
func (b *Blotter) Stray(r *protocol.Report) bool { return !b.Knows(r.ClientID) && b.Ours(r) }

// isOther reports whether another runner has sent an order of this runner's prefix. A run numbers its ids from its clock
// upwards: numbers to come, and those between the record and this run, are not this runner's. An old number that is new at
// the venue belongs to a runner that began long ago.
func (b *Blotter) isOther(r *protocol.Report) bool {
	l, n := &b.lineage, b.codec.Number(r.ClientID)
	switch {
	case !l.known:
		return false
	case n > b.codec.Newest():
		return true
	case n >= l.first || l.takeOver:
		return false
	}
	return n > l.newest+lostNumbers || r.Channel == protocol.ChannelStream && r.Status == hft.StatusNew
}
