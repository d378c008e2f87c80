package runlog

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// TestSourceIsShownAgain: a source that was in a flood is shown again in the next window, even if it never falls
// silent.
func TestSourceIsShownAgain(t *testing.T) {
	r, sink := newRepeats(), hclog.NewNullLogger()
	now := time.Unix(1_700_000_000, 0)
	admit := func(i int) bool {
		return r.admit(&entry{sink: sink, level: hclog.Warn, at: now}, []byte("time "+strings.Repeat("x", i)+"\n"))
	}
	for i := range 2 * sourceFirst {
		if got := admit(i); got != (i < sourceFirst) {
			t.Fatalf("entry %d shown: %v", i, got)
		}
	}
	said := 0
	now = now.Add(repeatWindow)
	r.over(now, false, func(k *repeat) { said += k.more })
	if said != sourceFirst || !admit(2*sourceFirst) {
		t.Errorf("%d said to be left out; the source stays silent for ever", said)
	}
}
