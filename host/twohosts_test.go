package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
)

// TestHostsAtTheSameMoment: of hosts that start at the same moment in one state directory one runs, and the others say
// which has it.
func TestHostsAtTheSameMoment(t *testing.T) {
	const rounds, hosts = 10, 8
	cfg := newConfig(t, 1, 0)
	cfg.Connectors = nil
	for range rounds {
		ctx, stop := context.WithCancel(t.Context())
		begin, refused := make(chan struct{}), make(chan error, hosts)
		var group sync.WaitGroup
		for range hosts {
			h, err := host.New(cfg, hclog.NewNullLogger())
			if err != nil {
				t.Fatal(err)
			}
			group.Go(func() {
				<-begin
				_, err := h.Run(ctx)
				refused <- err
			})
		}
		close(begin)
		for range hosts - 1 {
			err := <-refused // or more than one runs, until the test's time is over
			if !errors.Is(err, control.ErrHostRunning) || !strings.Contains(err.Error(), fmt.Sprintf("(process %d)", os.Getpid())) {
				t.Errorf("a second host: %v", err)
			}
		}
		stop()
		if err := <-refused; err != nil {
			t.Errorf("the one that runs: %v", err)
		}
		group.Wait()
		if t.Failed() {
			return
		}
	}
}
