package journal

import "slices"

// Group collects records that are appended in one step: a killed process leaves all of them, or none.
type Group struct{ records []grouped }

// grouped is a record that is not appended yet.
type grouped struct {
	head  Head
	body  []byte
	texts []string
}

// Add adds a record to a group; see Append.
func Add[B Body](g *Group, h *Head, body *B, texts ...string) {
	g.records = append(g.records, grouped{*h, slices.Clone(bytesOf(body)), texts})
}

// AppendGroup appends all records of a group, or counts all of them as lost and returns why.
func (w *Writer) AppendGroup(g *Group) error {
	if len(g.records) == 0 {
		return nil
	}
	total, stays := 0, false
	for i := range g.records {
		r := &g.records[i]
		for k := range r.texts {
			r.texts[k] = r.texts[k][:min(len(r.texts[k]), maxTextBytes)]
		}
		n := sizeOf(len(r.body), r.texts)
		if n > maxRecord {
			return errorTooLong(r.head.Kind, n)
		}
		total += padded(n)
		stays = stays || staysOwed(r.head.Kind)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	switch {
	case w.room(total):
		w.placeGroup(g)
		return nil
	case stays:
		return w.owe(Group{slices.Clone(g.records)}, total)
	}
	w.lose(g.records[0].head.TimeNs, uint64(len(g.records)))
	return ErrFull
}

// placeGroup puts the records of a group, which have room, into the ring in one step. The lock is held.
func (w *Writer) placeGroup(g *Group) {
	head := w.head.Load()
	for i := range g.records {
		r := &g.records[i]
		head = w.place(head, sizeOf(len(r.body), r.texts), &r.head, r.body, r.texts)
	}
	w.publish(head)
}
