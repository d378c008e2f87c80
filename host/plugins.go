package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/internal/control"
)

// PluginInfo is Describe's result for one plugin.
type PluginInfo struct {
	Name        string
	Path        string
	SHA256      string
	Description control.Description
	// Err is the reason why the plugin cannot be used.
	Err error
}

// PluginNames returns the names of the executable files of a plugin directory, sorted.
func PluginNames(pluginDir string) ([]string, error) {
	entries, err := os.ReadDir(pluginDir)
	if err != nil {
		return nil, fmt.Errorf("read the plugin directory: %w", err)
	}
	var names []string
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Describe starts each named plugin of the directory for as long as it takes to ask what it is. Only the named files
// are executed. What is wrong with one is in its PluginInfo; the error is for the directory.
func Describe(ctx context.Context, pluginDir string, names []string) (map[string]PluginInfo, error) {
	if _, err := os.Stat(pluginDir); err != nil {
		return nil, fmt.Errorf("plugin directory: %w", err)
	}
	spawner := control.NewSpawner()
	defer func() { _ = spawner.Close() }()
	infos := make(map[string]PluginInfo, len(names))
	for _, name := range names {
		if _, ok := infos[name]; !ok {
			infos[name] = describe(ctx, spawner, pluginDir, name)
		}
	}
	return infos, nil
}

func describe(ctx context.Context, spawner *control.Spawner, pluginDir, name string) PluginInfo {
	info := PluginInfo{Name: name}
	if info.Path, info.Err = findPlugin(pluginDir, name); info.Err != nil {
		return info
	}
	if info.SHA256, info.Err = sumOf(info.Path); info.Err != nil {
		return info
	}
	var left error
	process, err := control.Launch(ctx, control.LaunchConfig{Spawner: spawner, Path: info.Path, Left: func(processes []string) {
		left = fmt.Errorf("%s: %s", control.LeftText, strings.Join(processes, ", "))
	}})
	if err == nil {
		info.Description, err = process.Describe(ctx)
		_ = process.Close()
	}
	info.Err = errors.Join(err, left)
	return info
}

// noPluginError reports that the plugin directory has no such plugin.
type noPluginError string

// Error returns the text.
func (e noPluginError) Error() string { return string(e) }

// findPlugin returns the path of a plugin's binary.
func findPlugin(dir, name string) (string, error) {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return "", noPluginError(fmt.Sprintf("plugin %q is not a file name: must be a file in the plugin directory %s", name, dir))
	}
	path, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		return "", fmt.Errorf("plugin %q: %w", name, err)
	}
	if _, err := os.Stat(path); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			known, _ := PluginNames(dir)
			text := fmt.Sprintf("no plugin %q in %s", name, dir)
			if near := control.Nearest(name, known); near != "" {
				text += fmt.Sprintf("; did you mean %q?", near)
			} else {
				text += ": copy the binary there"
			}
			return "", noPluginError(text)
		}
		return "", fmt.Errorf("plugin %q: %w", name, err)
	}
	return path, nil
}

// binaryDir is the directory in the state directory that holds the binaries that run.
const binaryDir = "bin"

// binary is a plugin's program as the host took it: a copy under its checksum, so that what runs is what was checked,
// and can be started again when the file in the plugin directory has been replaced.
type binary struct {
	path, sum string
}

// takeBinary copies a plugin's program into dir, unless it is there already: on a full disk, too, what ran can run again.
func takeBinary(from, dir string) (binary, error) {
	b, err := copyOf(from, dir)
	if err != nil {
		return binary{}, fmt.Errorf("copy plugin %s: %w", from, err)
	}
	return b, nil
}

// copyOf returns the copy of a program in dir, which it makes if there is none. Where nothing was copied yet it need not
// read the program before to know that.
func copyOf(from, dir string) (binary, error) {
	if copies, err := os.ReadDir(dir); err == nil && len(copies) > 0 {
		sum, err := sumOf(from)
		if err != nil {
			return binary{}, err
		}
		if b := binaryIn(dir, from, sum); b.exists() {
			return b, nil
		}
	}
	in, err := os.Open(from)
	if err != nil {
		return binary{}, err
	}
	defer func() { _ = in.Close() }()
	return copyBinary(in, from, dir)
}

// copyBinary copies an open program, from its beginning, into dir.
func copyBinary(in *os.File, from, dir string) (binary, error) {
	info, err := in.Stat()
	if err != nil {
		return binary{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return binary{}, err
	}
	out, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return binary{}, err
	}
	defer func() { _ = os.Remove(out.Name()) }()
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), io.NewSectionReader(in, 0, info.Size()))
	if err = errors.Join(err, out.Chmod(info.Mode().Perm()), out.Close()); err != nil {
		return binary{}, err
	}
	b := binaryIn(dir, from, hex.EncodeToString(h.Sum(nil)))
	if err := os.MkdirAll(filepath.Dir(b.path), 0o700); err != nil {
		return binary{}, err
	}
	if err := os.Rename(out.Name(), b.path); err != nil {
		return binary{}, err
	}
	return b, nil
}

// binaryIn returns the path of the program with that checksum in dir, if there is one.
func binaryIn(dir, from, sum string) binary {
	return binary{path: filepath.Join(dir, sum[:16], filepath.Base(from)), sum: sum}
}

// exists reports whether the copy is there.
func (b binary) exists() bool {
	if b.path == "" {
		return false
	}
	_, err := os.Stat(b.path)
	return err == nil
}

// kept is a binary that can be had back when its copy is removed: it is open. The zero value keeps none.
type kept struct {
	binary
	file *os.File // nil when it could not be opened
}

// keep has b kept in place of what was.
func (k *kept) keep(b binary) {
	if b == k.binary && k.file != nil {
		return
	}
	k.drop()
	k.binary = b
	k.file, _ = os.Open(b.path)
}

// drop closes everything that was kept open.
func (k *kept) drop() {
	if k.file != nil {
		_ = k.file.Close()
		k.file = nil
	}
}

// restore makes the copy again if it is gone.
func (k *kept) restore() error {
	if k.exists() {
		return nil
	}
	if k.file == nil {
		return fmt.Errorf("binary %s: %w", k.path, os.ErrNotExist)
	}
	_, err := copyBinary(k.file, k.path, filepath.Dir(filepath.Dir(k.path)))
	return err
}

// sumOf returns the SHA-256 of a file in hex.
func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read plugin: %w", err)
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read plugin %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// settled returns the sum of a file once it has stayed the same for a while: it is complete. last is what it was just now.
func settled(ctx context.Context, path, last string, quiet time.Duration) (string, error) {
	for {
		select {
		case <-time.After(quiet):
		case <-ctx.Done():
			return "", ctx.Err()
		}
		sum, err := sumOf(path)
		if err != nil {
			return "", err
		}
		if sum == last {
			return sum, nil
		}
		last = sum
	}
}
