package ipctest

// fifo is a queue that keeps its memory: once it has grown, pushing and popping allocate nothing. Whoever owns it
// bounds it. The zero value is empty.
type fifo[T any] struct {
	ring  []T // its length is a power of two
	first int
	count int
}

func (q *fifo[T]) len() int { return q.count }

// push appends a copy of v.
func (q *fifo[T]) push(v *T) {
	if q.count == len(q.ring) {
		grown := make([]T, max(16, 2*len(q.ring)))
		n := copy(grown, q.ring[q.first:])
		copy(grown[n:], q.ring[:q.first])
		q.ring, q.first = grown, 0
	}
	q.ring[(q.first+q.count)&(len(q.ring)-1)] = *v
	q.count++
}

// front returns the oldest element, valid until the next push, or nil.
func (q *fifo[T]) front() *T {
	if q.count == 0 {
		return nil
	}
	return &q.ring[q.first]
}

// drop removes the oldest element and forgets what it pointed to.
func (q *fifo[T]) drop() {
	var zero T
	q.ring[q.first] = zero
	q.first = (q.first + 1) & (len(q.ring) - 1)
	q.count--
}

// pop moves the oldest element to v and reports whether there was one.
func (q *fifo[T]) pop(v *T) bool {
	oldest := q.front()
	if oldest == nil {
		return false
	}
	*v = *oldest
	q.drop()
	return true
}
