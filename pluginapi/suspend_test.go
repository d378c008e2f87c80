package pluginapi

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
)

// startRun starts a and waits for Run.
func startRun(t *testing.T, a *adapter, r *recorder) {
	t.Helper()
	start(t, a, nil)
	awaitRuns(r, 1)
}

func awaitRuns(r *recorder, n int) {
	for strings.Count(r.noted(), "run") < n {
		time.Sleep(time.Millisecond)
	}
}

func TestSuspendSavesAndStopEnds(t *testing.T) {
	r := &recorder{}
	a, _ := newRecorder(t, r)
	startRun(t, a, r)
	if state, err := a.Suspend(context.Background()); err != nil || string(state) != "saved" {
		t.Fatalf("%q, %v", state, err)
	}
	if _, err := a.Suspend(context.Background()); err == nil {
		t.Error("suspended twice")
	}
	if _, err := a.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if exit, err := a.Wait(context.Background()); err != nil || exit.Error != "" {
		t.Errorf("%+v, %v", exit, err)
	}
	if err := a.Resume(context.Background()); err == nil {
		t.Error("resumed after the end")
	}
}

// TestResumeAfterAFailure suspends strategies that cannot save, again and again: each time Run is called again and
// waits.
func TestResumeAfterAFailure(t *testing.T) {
	never := make(chan struct{})
	defer close(never)
	for name, c := range map[string]struct {
		save func() ([]byte, error)
		want string
	}{
		"fails":  {func() ([]byte, error) { return nil, errors.New("no room") }, "no room"},
		"panics": {func() ([]byte, error) { panic("a bug") }, "SaveState panicked: a bug"},
		"large":  {func() ([]byte, error) { return make([]byte, control.MaxState+1), nil }, "at most"},
		"hangs":  {func() ([]byte, error) { <-never; return nil, nil }, "has not returned"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{save: c.save}
			a, _ := newRecorder(t, r)
			startRun(t, a, r)
			for i := range 3 {
				patience := time.Minute
				if name == "hangs" {
					patience = 20 * time.Millisecond
				}
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				state, err := a.Suspend(ctx)
				cancel()
				if state != nil || err == nil || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("%d bytes, %v", len(state), err)
				}
				if err := a.Resume(context.Background()); err != nil {
					t.Fatal(err)
				}
				awaitRuns(r, 2+i)
			}
			select {
			case <-a.ended:
				t.Error("it has ended")
			default:
			}
		})
	}
}

// TestResumeOfARunThatTakesItsTime resumes before Run has noticed that it is suspended.
func TestResumeOfARunThatTakesItsTime(t *testing.T) {
	release := make(chan struct{})
	first := true
	r := &recorder{}
	r.run = func(ctx context.Context, _ hft.Bot) error {
		if first {
			first = false
			<-release
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}
	a, _ := newRecorder(t, r)
	startRun(t, a, r)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := a.Suspend(ctx); err == nil || !strings.Contains(err.Error(), "Run has not returned") {
		t.Fatal(err)
	}
	if err := a.Resume(context.Background()); err != nil {
		t.Fatal(err)
	}
	close(release)
	awaitRuns(r, 2)
	if state, err := a.Suspend(context.Background()); err != nil || string(state) != "saved" {
		t.Errorf("%q, %v", state, err)
	}
}

// TestResumeOfAClosedBot has a strategy that closes its bot: it cannot go on, and says so.
func TestResumeOfAClosedBot(t *testing.T) {
	r := &recorder{save: func() ([]byte, error) { return nil, errors.New("no room") }}
	r.run = func(ctx context.Context, bot hft.Bot) error {
		<-ctx.Done()
		return bot.Close()
	}
	a, _ := newRecorder(t, r)
	startRun(t, a, r)
	if _, err := a.Suspend(context.Background()); err == nil {
		t.Fatal("saved")
	}
	if err := a.Resume(context.Background()); err == nil || !strings.Contains(err.Error(), "closed its bot") {
		t.Error(err)
	}
}
