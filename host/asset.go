package host

import (
	"slices"

	"github.com/hftrunner/hftrunner/connector"
)

// On spot the account's position is its balance of an asset, which all instruments share that trade it: what the strategies
// have on all of them, and what belongs to none, is compared with that.

// members returns the instruments whose orders change the position: itself, on spot all of one asset.
func (i *instrument) members() []*instrument {
	if i.shares != nil {
		return i.shares
	}
	return []*instrument{i}
}

// owner returns the instrument that has the ownership.
func (i *instrument) owner() *instrument { return i.members()[0] }

// shared returns the instrument that has the ownership of what a position is of. On spot the instruments of an asset come to
// share it: the one that had it in an earlier run goes on with it, unless several had different ones. The lock is held.
func (p *publisher) shared(s *connector.SettledPosition) *instrument {
	inst := p.instruments[s.InstrumentNo]
	if s.Asset == "" {
		return inst
	}
	if len(inst.members()) == len(s.Shared)+1 && inst.owner().ownership.asset != "" {
		return inst.owner()
	}
	list := []*instrument{inst}
	for _, no := range s.Shared {
		list = append(list, p.instruments[no])
	}
	has := func(i *instrument) bool { return i.ownership.unattributed != 0 }
	first := slices.IndexFunc(list, has)
	if first < 0 {
		first = max(0, slices.IndexFunc(list, func(i *instrument) bool { return i.ownership.known }))
	}
	list[0], list[first] = list[first], list[0]
	for _, member := range list[1:] {
		if has(member) { // from another configuration: the next position is the first one
			list[0].ownership = ownership{}
			p.attribute(member, 0, "shared with "+list[0].symbol)
		}
		member.ownership = ownership{}
	}
	for _, member := range list {
		member.shares, member.ownership.asset = list, s.Asset
	}
	if p.assets == nil {
		p.assets = make(map[string]*instrument)
	}
	p.assets[s.Asset] = list[0]
	return list[0]
}

// gained notes that an account has got an asset on spot, or lost, by no order for it: a deposit, a fee for another one. The
// lock is held.
func (p *publisher) gained(asset string, qty float64, why string) {
	if inst := p.assets[asset]; inst != nil && inst.ownership.known && qty != 0 {
		p.attribute(inst, inst.ownership.unattributed+qty, why)
	}
}

// feeElsewhere notes a fee that was paid in an asset which other instruments trade. The lock is held.
func (p *publisher) feeElsewhere(u *connector.OrderUpdate) {
	if u.Fill && u.FeeQty == 0 && p.assets != nil {
		p.gained(u.FeeAsset, -u.FeePaid, "a fee")
	}
}
