package host

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settleTime is how long a new binary has to stay unchanged before it is taken.
const settleTime = 200 * time.Millisecond

// watchPlugins restarts the strategies whose binary is replaced, until ctx ends.
func (h *Host) watchPlugins(ctx context.Context) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch the plugin folder: %w", err)
	}
	if err := watcher.Add(h.cfg.PluginDir); err != nil {
		_ = watcher.Close()
		return fmt.Errorf("watch the plugin folder %s: %w", h.cfg.PluginDir, err)
	}
	h.background.Go(func() {
		defer func() { _ = watcher.Close() }()
		for {
			select {
			case <-ctx.Done():
				return
			case err := <-watcher.Errors:
				h.log.Warn("watching the plugin folder", "error", err)
			case event := <-watcher.Events:
				if event.Has(fsnotify.Create) || event.Has(fsnotify.Write) || event.Has(fsnotify.Rename) {
					h.binaryChanged(ctx, filepath.Base(event.Name))
				}
			}
		}
	})
	return nil
}

// binaryChanged restarts the strategies that run an older binary of the plugin and want that.
func (h *Host) binaryChanged(ctx context.Context, plugin string) {
	for _, s := range h.strategies {
		if s.cfg.Plugin != plugin || s.cfg.OnChange != RestartOnChange || s.getState() != Running {
			continue
		}
		path, err := findPlugin(h.cfg.PluginDir, plugin)
		if err != nil {
			return // moved away; a rename into place follows
		}
		sum, err := settled(ctx, path, settleTime)
		if err != nil {
			return
		}
		s.mu.Lock()
		same := s.sum == sum
		s.mu.Unlock()
		if same {
			continue
		}
		s.log.Info("the plugin's binary was replaced", "plugin", plugin)
		if _, err := s.ask(ctx, commandRestart); err != nil {
			s.log.Error("hot restart", "error", err)
		}
	}
}
