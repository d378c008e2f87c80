package replay

import (
	"fmt"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// problem counts something that is wrong with a recording, tells about it, and returns it as an error when it is fatal by the
// configuration.
func (s *Source) problem(p feed.Problem) error {
	fatal := s.config.OnBadLine == FatalBadLine
	switch {
	case p.Finding == feed.Gap, p.Finding == feed.Crossing:
		s.counts[connector.Gaps]++
		fatal = s.config.OnGap == FatalGap
	case p.Finding.Skips(), p.Finding == feed.TimeBackwards:
		s.counts[connector.BadMessages]++
	default:
		fatal = false
	}
	if fatal {
		p.Advice = advice(p.Finding)
		return fmt.Errorf("replay: %w", p)
	}
	p.Advice = s.config.done(p.Finding)
	s.config.OnProblem(p)
	return nil
}

// advice says what to do about what has ended a replay.
func advice(f feed.Finding) string {
	switch f {
	case feed.BadLine, feed.BadTime, feed.Crossed:
		return `repair or remove the line, or skip it with on_bad_line = "skip"`
	case feed.TimeBackwards:
		return `sort the file by time, or take the time of the line before with on_bad_line = "skip"`
	case feed.Damaged:
		return `record it again, or use what can be read with on_bad_line = "skip"`
	}
	return `wait for the next recorded snapshot with on_gap = "resync", or continue with on_gap = "ignore"`
}

// done says what was done about what does not end a replay, or to be done; empty is what is always to be done about it.
func (c *Config) done(f feed.Finding) string {
	switch f {
	case feed.BadLine, feed.BadTime:
		return `the line is skipped, as set by on_bad_line`
	case feed.TimeBackwards:
		return `it gets the time of the line before, as on_bad_line says`
	case feed.Damaged:
		return `what comes before is used, as on_bad_line says`
	case feed.Unsynchronised:
		return `record a snapshot after the start and after each gap, or use sync = "natural"`
	case feed.Gap, feed.Crossing:
		if c.OnGap == IgnoreGap {
			return `the book continues with it, as on_gap says`
		}
		return `the book is empty until the next recorded snapshot, as on_gap says`
	}
	return ""
}
