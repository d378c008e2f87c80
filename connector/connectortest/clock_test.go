package connectortest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector/connectortest"
)

func TestClock(t *testing.T) {
	clock := connectortest.NewClock(100)
	ctx, cancel := context.WithCancel(context.Background())
	wake := make(chan struct{}, 1)
	type result struct {
		nowNs int64
		err   error
	}
	results := make(chan result)
	wait := func(timestampNs int64) {
		go func() {
			nowNs, err := clock.WaitUntil(ctx, timestampNs, wake)
			results <- result{nowNs, err}
		}()
	}
	settle := func() {
		t.Helper()
		if err := clock.Settle(ctx); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(nowNs int64, err error) {
		t.Helper()
		if r := <-results; r.nowNs != nowNs || !errors.Is(r.err, err) {
			t.Errorf("returned %+v, want %d and %v", r, nowNs, err)
		}
	}
	wait(90) // the past
	expect(90, nil)
	wait(200)
	settle()
	clock.Advance(50)
	settle()
	if clock.NowNs() != 150 {
		t.Errorf("the clock shows %d, want 150", clock.NowNs())
	}
	wake <- struct{}{}
	expect(150, nil)
	wait(200)
	clock.Advance(500)
	expect(200, nil)
	wait(10_000)
	settle()
	cancel()
	expect(650, context.Canceled)
	done, stop := context.WithTimeout(context.Background(), time.Millisecond)
	defer stop()
	if err := clock.Settle(done); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody waits and Settle returned %v", err)
	}
}

// A clock that the test moves: the goroutine gets as far as the test lets it.
func ExampleClock() {
	clock := connectortest.NewClock(0)
	ctx, cancel := context.WithCancel(context.Background())
	ticked := make(chan struct{})
	go func() {
		defer close(ticked)
		for next := int64(10); ; next += 10 {
			nowNs, err := clock.WaitUntil(ctx, next, nil)
			if err != nil {
				return
			}
			fmt.Println("tick", nowNs)
		}
	}()
	clock.Advance(25)
	if err := clock.Settle(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println("at", clock.NowNs())
	cancel()
	<-ticked
	// Output:
	// tick 10
	// tick 20
	// at 25
}
