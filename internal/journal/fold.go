package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Load returns the State of a journal as of its end, and what of it cannot be read since the last checkpoint.
func Load(dir string) (*State, []Damage, error) {
	r, err := OpenReader(dir, ReadFrom{})
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = r.Close() }()
	s, err := r.fold()
	if err != nil {
		return nil, nil, err
	}
	for {
		rec, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return s, r.damage, nil
		}
		if err != nil {
			return nil, nil, err
		}
		s.Apply(rec)
	}
}

// fold returns the State at the end of the newest segment, from the newest checkpoint that can be read; not what the
// ring has.
func (r *Reader) fold() (*State, error) {
	state := NewState()
	for i := len(r.segments) - 1; i >= 0; i-- {
		found, err := r.checkpointOf(i)
		if err != nil {
			return nil, err
		}
		if found != nil {
			state = found
			r.i = i
			break
		}
		r.damage = append(r.damage, Damage{Path: r.segments[i].path, Offset: segmentHeaderBytes,
			Reason: "the checkpoint is corrupt"})
		r.i = i
	}
	_ = r.Close()
	if first := r.segments[r.i].first; state.Sequence == 0 && first > 1 {
		return nil, &FileError{r.dir,
			fmt.Sprintf("no checkpoint can be read, and the records before %d are gone: what "+
				"strategies hold is not known. Restore the directory, or move it away to begin without it", first)}
	}
	r.last = state.Sequence
	for {
		rec, err := r.step(context.Background())
		if err != nil {
			return nil, err
		}
		if rec != nil && !r.inRing {
			state.Apply(rec)
		}
		if r.inRing {
			return state, nil
		}
	}
}

// checkpointOf returns the checkpoint of a segment, nil when it cannot be read.
func (r *Reader) checkpointOf(i int) (*State, error) {
	_ = r.Close()
	r.i = i
	if err := r.openSegment(); err != nil {
		return nil, err
	}
	for {
		n, o := r.parser.parse(r.buf[r.at:], &r.record)
		switch {
		case o == valid && r.record.Kind == KindCheckpoint:
			s, err := decodeState(r.record.texts)
			if err != nil || s.Sequence != r.record.Sequence {
				return nil, nil
			}
			return s, nil
		case o != incomplete:
			return nil, nil
		}
		if more, err := r.fill(max(n, readBytes)); err != nil {
			return nil, err
		} else if !more {
			return nil, nil
		}
	}
}

// Report is the result of Verify.
type Report struct {
	Journal     string   `json:"journal"`
	Segments    int      `json:"segments"`
	Records     uint64   `json:"records"`
	First       uint64   `json:"first"`
	Last        uint64   `json:"last"`
	Checkpoints int      `json:"checkpoints"`
	Unwritten   uint64   `json:"unwritten"` // records that only the ring had
	Lost        uint64   `json:"lost"`      // records that could not be appended
	Damage      []Damage `json:"damage"`
	TornBytes   int64    `json:"torn_bytes"` // after the last record
}

// Verify reads a journal from its oldest record to its end, and holds each checkpoint against what the records before
// it add up to.
func Verify(ctx context.Context, dir string) (Report, error) {
	r, err := OpenReader(dir, ReadFrom{})
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = r.Close() }()
	rep := Report{Journal: r.Journal(), Segments: len(r.segments), First: r.last + 1}
	var state *State
	whole := true
	r.onCheckpoint = func(c *Record) {
		found, err := decodeState(c.texts)
		if err != nil {
			r.damage = append(r.damage, Damage{Path: r.segments[r.i].path, Offset: segmentHeaderBytes,
				Reason: err.Error()})
			return
		}
		rep.Checkpoints++
		if state != nil && whole && c.Sequence == state.Sequence {
			if !found.is(state) {
				r.damage = append(r.damage, Damage{Path: r.segments[r.i].path, Offset: segmentHeaderBytes,
					Reason: "the checkpoint is not what the records before it add up to"})
			}
		}
		if state == nil || c.Sequence >= state.Sequence {
			state, whole = found, true
		}
	}
	var size int64
	for ctx.Err() == nil {
		rec, err := r.Next(ctx)
		if r.inRing && size == 0 && r.file != nil {
			if info, statErr := r.file.Stat(); statErr == nil {
				size = info.Size()
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return rep, err
		}
		if state == nil {
			state = NewState()
		}
		whole = whole && rec.Sequence == state.Sequence+1
		state.Apply(rec)
		rep.Records++
		if r.inRing {
			rep.Unwritten++
		}
	}
	rep.Last, rep.Damage = r.last, append([]Damage{}, r.damage...)
	if size > r.end() {
		rep.TornBytes = size - r.end()
	}
	if state != nil {
		rep.Lost = state.Lost
	}
	return rep, ctx.Err()
}

// is reports whether a checkpoint has the State that the records before it add up to. A run that goes on from the sums
// before missing records leaves the hole behind.
func (s *State) is(sum *State) bool {
	sum.Holed = sum.Holed && s.Holed
	return mustEncode(s) == mustEncode(sum)
}

func mustEncode(s *State) string {
	text, err := s.encode()
	if err != nil {
		return err.Error()
	}
	return text
}
