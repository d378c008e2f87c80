package host

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
)

// endLeftovers ends what strategies of an earlier run have started: a host that was killed could not.
func (h *Host) endLeftovers() {
	family, err := folderID(h.cfg.StateDir)
	if err != nil {
		h.log.Warn("not looking for processes of an earlier run", "error", err)
		return
	}
	found, left := h.spawner.Adopt(family)
	if len(found) > 0 {
		h.log.Warn("killing strategy processes left by a killed run", "processes", strings.Join(found, ", "))
	}
	if len(left) > 0 {
		h.log.Error("cannot kill processes of an earlier run: kill them manually", "processes", strings.Join(left, ", "))
		h.endMu.Lock()
		h.leftProcesses = left
		h.endMu.Unlock()
	}
}

// folderID tells a directory from every other on this machine, also from a copy and from one of its path in a
// container.
func folderID(dir string) (string, error) {
	path, err := filepath.Abs(dir)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", fmt.Errorf("find directory %s: %w", dir, err)
	}
	var stat syscall.Stat_t
	if err := syscall.Stat(path, &stat); err != nil {
		return "", fmt.Errorf("inspect directory %s: %w", path, err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%d %d %s", stat.Dev, stat.Ino, path)))[:32], nil
}

// strayKey identifies an order of a bot that is not here.
type strayKey struct{ bot, orderID uint64 }
