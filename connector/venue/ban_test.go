package venue_test

import (
	"errors"
	"testing"

	"github.com/hftrunner/hftrunner/connector/internal/budget"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// TestResultOf: a ban that a probe is answered by does not end the ban, whether it has a code or not.
func TestResultOf(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want budget.Result
	}{
		"done":       {nil, budget.Heard},
		"refused":    {&protocol.Failure{Cause: protocol.Refused, Code: -2010}, budget.Heard},
		"banned":     {&protocol.Failure{Cause: protocol.Banned, Code: -1003}, budget.Silent},
		"a page":     {&protocol.Failure{Cause: protocol.Banned, Status: 403}, budget.Silent},
		"too many":   {&protocol.Failure{Cause: protocol.Weight, Code: -1003}, budget.Silent},
		"no answer":  {&protocol.Failure{Cause: protocol.Unknown, Err: errors.New("reset")}, budget.Silent},
		"no network": {&protocol.Failure{Cause: protocol.Unreached, Err: errors.New("refused")}, budget.Unsent},
	} {
		if got := budget.ResultOf(c.err); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
