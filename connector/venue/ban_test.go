package venue_test

import (
	"errors"
	"testing"

	"github.com/hftrunner/hftrunner/connector/budget"
	"github.com/hftrunner/hftrunner/connector/venue"
)

// TestResultOf: a ban that a probe is answered by does not end the ban, whether it has a code or not.
func TestResultOf(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want budget.Result
	}{
		"done":       {nil, budget.Heard},
		"refused":    {&venue.Failure{Cause: venue.Refused, Code: -2010}, budget.Heard},
		"banned":     {&venue.Failure{Cause: venue.Banned, Code: -1003}, budget.Silent},
		"a page":     {&venue.Failure{Cause: venue.Banned, Status: 403}, budget.Silent},
		"too many":   {&venue.Failure{Cause: venue.Weight, Code: -1003}, budget.Silent},
		"no answer":  {&venue.Failure{Cause: venue.Unknown, Err: errors.New("reset")}, budget.Silent},
		"no network": {&venue.Failure{Cause: venue.Unreached, Err: errors.New("refused")}, budget.Unsent},
	} {
		if got := venue.ResultOf(c.err); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
