package host

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settleTime is the time that a new binary must stay unchanged before it is used.
	settleTime = 200 * time.Millisecond
	// folderLook is the interval between checks that the plugin directory is still the one being watched.
	folderLook = time.Second
)

// watchPlugins restarts the strategies whose binary is replaced, until ctx ends.
func (h *Host) watchPlugins(ctx context.Context) {
	h.background.Go(func() { (&pluginWatch{host: h}).run(ctx) })
}

// pluginWatch watches the plugin directory by its name: one that is removed and made again, or that a link leads to
// another one, is watched again, and what changed meanwhile is found.
type pluginWatch struct {
	host    *Host
	watcher *fsnotify.Watcher
	folder  os.FileInfo // the one that is watched
	failed  bool        // it could not be watched, which has been said
}

// open watches the directory that has the name now, if that is not the one already.
func (w *pluginWatch) open(ctx context.Context) {
	dir := w.host.cfg.PluginDir
	now, err := os.Stat(dir)
	if err != nil || w.watcher != nil && len(w.watcher.WatchList()) > 0 && os.SameFile(now, w.folder) {
		return // a removed directory is no longer watched, though the next one may have its number
	}
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		if err = watcher.Add(dir); err != nil {
			_ = watcher.Close()
		}
	}
	if err != nil {
		if !w.failed {
			w.host.log.Warn("cannot watch the plugin directory; on_change is off until it can", "folder", dir, "error", err)
		}
		w.failed = true
		return
	}
	w.close()
	w.watcher, w.folder, w.failed = watcher, now, false
	w.host.log.Debug("watching the plugin directory again", "folder", dir)
	w.host.binariesChanged(ctx)
}

func (w *pluginWatch) close() {
	if w.watcher != nil {
		_ = w.watcher.Close()
	}
}

func (w *pluginWatch) run(ctx context.Context) {
	defer w.close()
	look := time.NewTicker(folderLook)
	defer look.Stop()
	for {
		w.open(ctx)
		var events <-chan fsnotify.Event
		var errs <-chan error
		if w.watcher != nil {
			events, errs = w.watcher.Events, w.watcher.Errors
		}
		select {
		case <-ctx.Done():
			return
		case err := <-errs: // events may be lost
			w.host.log.Warn("watching the plugin directory", "error", err)
			w.host.binariesChanged(ctx)
		case event := <-events:
			if event.Has(fsnotify.Create) || event.Has(fsnotify.Write) || event.Has(fsnotify.Rename) {
				w.host.binaryChanged(ctx, filepath.Base(event.Name))
			}
		case <-look.C:
		}
	}
}

// binariesChanged is binaryChanged for whatever has changed.
func (h *Host) binariesChanged(ctx context.Context) {
	var plugins []string
	for _, s := range h.strategies {
		plugins = append(plugins, s.cfg.Plugin)
	}
	slices.Sort(plugins)
	for _, plugin := range slices.Compact(plugins) {
		h.binaryChanged(ctx, plugin)
	}
}

// binaryChanged restarts the strategies that run an older binary of the plugin and want that, and starts those that
// wait to be restarted, or have failed permanently, though not for their venue, and were not stopped since.
func (h *Host) binaryChanged(ctx context.Context, plugin string) {
	var found *pluginFile // looked at once, as it takes a while to read
	for _, s := range h.strategies {
		state, wants := s.wantsNew(plugin)
		if !wants {
			continue
		}
		if found == nil {
			found = h.lookAt(plugin)
		}
		if found == nil {
			return // moved away; a rename into place follows
		}
		if found.isOldTo(s, state) {
			continue
		}
		if !found.settle(ctx) {
			return
		}
		if found.isOldTo(s, state) {
			continue
		}
		s.log.Info("plugin binary replaced", "plugin", plugin)
		// By the state that it has come to meanwhile: the file took its time to settle.
		if r := s.ask(ctx, commandTakeBinary); r.err != nil {
			s.log.Error("new binary not used", "error", r.err)
			s.refused.sum, s.refused.at = found.sum, found.written // of which more events may be on their way
		}
	}
}

// pluginFile is a plugin's file as it was found.
type pluginFile struct {
	path, sum string
	written   time.Time
	settled   bool
}

// lookAt reads the plugin's file, which may still be being written. It returns nil when there is none.
func (h *Host) lookAt(plugin string) *pluginFile {
	path, err := findPlugin(h.cfg.PluginDir, plugin)
	if err != nil {
		return nil
	}
	f := &pluginFile{path: path}
	if f.sum, err = sumOf(path); err != nil || !f.stat() {
		return nil
	}
	return f
}

func (f *pluginFile) stat() bool {
	info, err := os.Stat(f.path)
	if err == nil {
		f.written = info.ModTime()
	}
	return err == nil
}

// isOldTo reports whether the strategy, in this state, need not be given the file.
func (f *pluginFile) isOldTo(s *strategy, state State) bool {
	return s.hasRun(state, f.sum) || s.refused.sum == f.sum && s.refused.at.Equal(f.written)
}

// settle waits until the file is complete, and reports whether it is.
func (f *pluginFile) settle(ctx context.Context) bool {
	if f.settled {
		return true
	}
	var err error
	if f.sum, err = settled(ctx, f.path, f.sum, settleTime); err != nil {
		return false
	}
	f.settled = f.stat()
	return f.settled
}

// wantsNew reports whether the strategy takes a new binary of the plugin in its state, which it returns.
func (s *strategy) wantsNew(plugin string) (state State, wants bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.Plugin != plugin || s.cfg.OnChange != RestartOnChange {
		return s.state, false
	}
	failed := s.state == Failed && !s.byHand && s.unfit == nil
	return s.state, s.state == Running || s.state == Backoff || failed
}

// hasRun reports whether the strategy, in this state, need not be given the binary with this sum.
func (s *strategy) hasRun(state State, sum string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == Failed {
		return s.tried == sum // none if there was no file
	}
	return s.sum == sum || s.sum == "" // what has not run yet takes it anyway
}
