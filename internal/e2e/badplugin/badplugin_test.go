package main_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/internal/control"
)

func TestPluginsThatDoNotStart(t *testing.T) {
	spawner := control.NewSpawner()
	defer func() { _ = spawner.Close() }()
	for plugin, want := range map[string]struct {
		cause control.LaunchCause
		says  string
	}{
		"exits":       {control.CauseExited, "exits: I never wanted to be a plugin"},
		"printsearly": {control.CauseStrayOutput, "printsearly: loading my model"},
	} {
		_, err := control.Launch(t.Context(), control.LaunchConfig{
			Spawner: spawner, Path: filepath.Join(plugins, plugin), StartTimeout: time.Minute,
		})
		var launchErr *control.LaunchError
		if !errors.As(err, &launchErr) || launchErr.Cause != want.cause || !strings.Contains(err.Error(), want.says) {
			t.Errorf("%s: %v", plugin, err)
		}
	}
}

func TestFailsConfig(t *testing.T) {
	spawner := control.NewSpawner()
	defer func() { _ = spawner.Close() }()
	p, err := control.Launch(t.Context(), control.LaunchConfig{
		Spawner: spawner, Path: filepath.Join(plugins, "failsconfig"), StartTimeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	err = p.Configure(t.Context(), control.Configuration{Params: []byte(`{"qty": 2}`)})
	if err == nil || !strings.Contains(err.Error(), "nothing is good enough") ||
		errors.Is(err, control.ErrPluginExited) {
		t.Errorf("configure: %v", err)
	}
	var params control.ParamErrors
	if err := p.Configure(t.Context(), control.Configuration{Params: []byte(`{"qty": -2}`)}); !errors.As(err, &params) {
		t.Errorf("configure with a wrong parameter: %v", err)
	}
}

func TestPrints(t *testing.T) {
	h := newMiniHost(t, "prints", "{}")
	h.start()
	h.awaitLog("stdout: prints: best bid 100\n")
	h.awaitLog("stderr: prints: past os.Stdout\n")
	if _, err := h.process.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if exit, err := h.process.Wait(t.Context()); err != nil || exit.Error != "" {
		t.Errorf("exit is %+v, %v", exit, err)
	}
}

func TestPanics(t *testing.T) {
	h := newMiniHost(t, "panics", `{"after_events": 3}`)
	h.start()
	exit, err := h.process.Wait(t.Context())
	if err != nil || !strings.HasPrefix(exit.Error, "Run panicked: panics: as configured\n") ||
		!strings.Contains(exit.Error, "main.go") {
		t.Errorf("exit is %+v, %v", exit, err)
	}
	h.awaitLog("panics: as configured")
	if _, err := h.process.Describe(t.Context()); err != nil {
		t.Errorf("the process does not answer any more: %v", err)
	}
}

func TestPanicsInGoroutine(t *testing.T) {
	h := newMiniHost(t, "panics", `{"after_events": 0, "goroutine": true}`)
	// The process may be gone before it has answered the start.
	err := h.process.Start(t.Context(), nil)
	if err == nil {
		_, err = h.process.Wait(t.Context())
	}
	if !errors.Is(err, control.ErrPluginExited) || !strings.Contains(err.Error(), "panic: panics: in a goroutine") {
		t.Errorf("it ends with %v", err)
	}
}

func TestHangsMakesNoProgress(t *testing.T) {
	h := newMiniHost(t, "hangs", `{"after_events": 3}`)
	h.start()
	h.awaitLog("hanging from now on")
	awaitText(t, h.entries, "[INFO]  strategies: hanging from now on")
	if text := h.entries.String(); strings.Contains(text, "plugin process") || strings.Contains(text, "mTLS") {
		t.Errorf("go-plugin talks in the host's log: %s", text)
	}
	before := h.control.Progress()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := h.process.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stop ends with %v", err)
	}
	if after := h.control.Progress(); after != before {
		t.Errorf("progress went from %d to %d", before, after)
	}
	if err := h.process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-h.process.Exited()
}

func TestSlowStop(t *testing.T) {
	h := newMiniHost(t, "slowstop", `{}`)
	h.start()
	h.awaitLog("running from now on")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := h.process.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stop ends with %v", err)
	}
	if err := h.process.Close(); err != nil {
		t.Error(err)
	}
}

func TestGarbage(t *testing.T) {
	for _, offset := range []int{0, 4096} {
		h := newMiniHost(t, "garbage", fmt.Sprintf(`{"after_events": 3, "rounds": 5, "offset": %d}`, offset))
		h.start()
		exit, err := h.process.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// 3 is the control page, which has nothing after its first page; 4 is the feed, which is sealed; 5 are the queues.
		for _, want := range []string{"3: done;", "4: operation not permitted;", "5: done;"} {
			if !strings.Contains(exit.Error, want) {
				t.Errorf("exit has no %q: %s", want, exit.Error)
			}
		}
		if err := <-h.faults; err == nil {
			t.Error("the host noticed nothing")
		}
	}
}
