package journal

// Behind a hole, where records are missing, sums and executions stay as they were before it: the sums of later records
// have executions in them whose records are missing, and the venue, asked for what was executed since, would have them
// booked twice. So the venue is asked for all that was executed behind the hole, and that is booked. What the venue
// does not tell is taken from behind it.

// behind takes a record behind a hole as far as it counts, and reports whether nothing else of it does.
func (s *State) behind(r *Record) (done bool) {
	if st := s.Strategies[r.Bot]; st != nil {
		st.NewestIncarnation = max(st.NewestIncarnation, r.Incarnation)
	}
	switch r.Kind {
	case KindRequest, KindOrder, KindExecution, KindReconciled, KindFunding, KindExecutionsRead, KindUnattributed:
		return true
	case KindSent:
		s.sentBehind(r)
		return true
	}
	return false
}

// sentBehind takes what goes to the venue. An order that may have been replaced by another is no longer known: the
// venue lists both, and each is queried.
func (s *State) sentBehind(r *Record) {
	b, ok := As[Sent](r)
	if !ok {
		return
	}
	st := s.strategy(r.Bot)
	st.ClientNumber = max(st.ClientNumber, b.Number)
	a := st.Holdings[r.Instrument]
	if a == nil {
		return
	}
	origin := r.Text(0)
	for id, o := range a.Orders {
		if sent := a.Sent[origin]; o.Origin != origin && (sent == nil || a.SentOf(o) != sent) {
			continue
		}
		if r.Text(2) != "" {
			delete(a.Orders, id)
			delete(a.Sent, origin)
			return
		}
		s.sent(r)
		return
	}
}
