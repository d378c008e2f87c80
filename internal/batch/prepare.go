package batch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
)

// cacheVersion is part of every key of the cache; it changes when the same recordings give other files.
const cacheVersion = 16

// maxFindings is the maximum number of findings kept per file.
const maxFindings = 20

// preparer makes event files of recorded ones and looks the data over, each file once.
type preparer struct {
	cfg   *Config
	event func(Event)

	mu        sync.Mutex
	calls     map[string]*call
	chains    map[string]*chain
	latencies map[string]span // of latency files by their names
}

// call is one preparation that several jobs may wait for.
type call struct {
	done chan struct{}
	prepared
	err error
}

// prepared is a file that a backtest can read.
type prepared struct {
	// Path is the event file, Rows how many it has if that is known.
	Path string `json:"path"`
	Rows int64  `json:"rows"`
	// StartNs and EndNs are its first and last local time, 0 when it was not looked over.
	StartNs int64 `json:"start_ns"`
	EndNs   int64 `json:"end_ns"`
	// NoBook: it has no rows of a book.
	NoBook bool `json:"no_book,omitempty"`
	// Errors make results wrong, Findings are worth a look; a line each.
	Errors   []string `json:"errors"`
	Findings []string `json:"findings"`
}

// spec returns the job's spec with event files only, by absolute paths, and what is to be said about its data by the
// file's name in the configuration.
func (p *preparer) spec(ctx context.Context, job *Job) (backtest.Spec, []DataFile, error) {
	spec := cloneSpec(&job.Spec)
	var files []DataFile
	for i := range spec.Assets {
		a := &spec.Assets[i]
		data, paths, err := p.asset(ctx, job, i)
		if files = append(files, data...); err != nil {
			return spec, files, err
		}
		recorded := len(a.Files) > 0 && p.task(job, i).recorded(a.Files[0])
		if a.Files = paths; recorded {
			a.Snapshot = "" // the recordings' rows begin with it, from their first update on
		}
		if err := p.checkLatencies(a, data); err != nil {
			return spec, files, err
		}
	}
	for _, path := range specFiles(&spec) {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return spec, files, fmt.Errorf("data file %s: %w", *path, err)
		}
		*path = absolute
	}
	if job.DataCheck == CheckFail {
		for _, f := range files {
			if len(f.Errors) > 0 {
				return spec, files, fmt.Errorf("data_check = \"fail\": %s: %s", f.Path, strings.Join(f.Errors, " "))
			}
		}
	}
	return spec, files, nil
}

// asset prepares the files of one asset: event files each by itself, recordings that follow on each other as one feed.
func (p *preparer) asset(ctx context.Context, job *Job, asset int) (data []DataFile, paths []string, err error) {
	t := p.task(job, asset)
	files := job.Spec.Assets[asset].Files
	noBook := len(files) > 0
	if err := p.checkSnapshot(t, files); err != nil {
		return nil, nil, err
	}
	for n := 0; n < len(files); {
		var done prepared
		name, end := files[n], n+1
		if t.recorded(name) {
			for end < len(files) && t.recorded(files[end]) {
				end++
			}
			name = label(files[n:end])
			part := *t
			if n > 0 {
				part.snapshot = nil
			}
			done, err = p.recordings(ctx, &part, job.before(asset, n), files[n:end])
		} else {
			done, err = p.events(ctx, t, name)
		}
		if err != nil {
			return data, paths, err
		}
		noBook = noBook && done.NoBook
		data = append(data, DataFile{Path: name, Symbol: t.asset.Symbol, Rows: done.Rows, StartNs: done.StartNs,
			EndNs: done.EndNs, Errors: done.Errors, Findings: done.Findings})
		paths = append(paths, done.Path)
		n = end
	}
	if noBook {
		const form = "there is no book of %s in %s; use data with depth, and with a snapshot that fits: %s"
		return data, paths, fmt.Errorf(form, t.asset.Symbol, label(files), strings.Join(data[0].Errors, " "))
	}
	return data, paths, nil
}

// task describes the preparation of the files of one asset.
type task struct {
	asset *backtest.AssetSpec
	rec   Recording
	check bool
	// snapshot is the book that recordings at the beginning continue, nil for none.
	snapshot *snapshot
}

// snapshot is a book in a file.
type snapshot struct {
	file File
	book convert.InitialBook
}

// checkSnapshot looks at the book that the files of an asset begin with, if there is one, and gives it to recordings.
func (p *preparer) checkSnapshot(t *task, files []string) error {
	path := t.asset.Snapshot
	if path == "" || len(files) == 0 {
		return nil
	}
	file, err := statFile(path)
	if err != nil {
		return err
	}
	book, err := ReadBook(path)
	if err != nil {
		return fmt.Errorf("snapshot %w", err)
	}
	if book.Name = "snapshot " + path; t.recorded(files[0]) {
		t.snapshot = &snapshot{file, book}
		return nil
	}
	return CheckBook(&book, files[0])
}

func (p *preparer) task(job *Job, asset int) *task {
	t := &task{asset: &job.Spec.Assets[asset], check: job.DataCheck != CheckOff}
	if asset < len(job.Recordings) {
		t.rec = job.Recordings[asset]
	}
	return t
}

// recorded reports whether a file is to be converted.
func (t *task) recorded(path string) bool { return t.rec.Format != "" && !eventFile(path) }

// once does what a key stands for, or waits for whoever does it.
func (p *preparer) once(ctx context.Context, key string, do func() (prepared, error)) (prepared, error) {
	p.mu.Lock()
	c, known := p.calls[key]
	if !known {
		c = &call{done: make(chan struct{})}
		p.calls[key] = c
	}
	p.mu.Unlock()
	if known {
		select {
		case <-c.done:
			return c.prepared, c.err
		case <-ctx.Done():
			return prepared{}, context.Cause(ctx)
		}
	}
	c.prepared, c.err = do()
	close(c.done)
	return c.prepared, c.err
}

// events looks an event file over.
func (p *preparer) events(ctx context.Context, t *task, path string) (prepared, error) {
	identity, err := statFile(path)
	if err != nil {
		return prepared{}, err
	}
	var steps []float64
	if t.check {
		steps = []float64{t.asset.TickSize, t.asset.LotSize}
	}
	key := cacheKey(identity, t.check, steps)
	return p.once(ctx, key, func() (prepared, error) { return p.prepare(ctx, t, path, key, nil) })
}

func eventFile(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".npz" || ext == ".npy"
}

// cacheKey is the same for the same file and the same treatment of it: what was not looked over is of no use to who
// wants that.
func cacheKey(of ...any) string {
	text, err := json.Marshal(append([]any{cacheVersion}, of...))
	if err != nil {
		text = fmt.Append(nil, of...) // numbers and strings can always be marshalled
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// prepare converts with convert, unless that is nil, and checks what a name stands for, unless the cache has the
// result. The description is written after the events, so a description means that both are complete.
func (p *preparer) prepare(ctx context.Context, t *task, name, key string,
	convert func(out string, done *prepared) error) (prepared, error) {
	base := filepath.Join(p.cfg.CacheDir, baseName(name)+"-"+key)
	description := base + ".json"
	var done prepared
	if text, err := os.ReadFile(description); err == nil && json.Unmarshal(text, &done) == nil &&
		p.usable(&done, name, convert != nil) {
		p.warn(name, &done)
		return done, nil
	}
	if err := os.MkdirAll(p.cfg.CacheDir, 0o755); err != nil {
		return done, fmt.Errorf("cache of converted data: %w", err)
	}
	done = prepared{Path: name, Errors: []string{}, Findings: []string{}}
	if convert != nil {
		// Rows as they are in memory are read several times as fast as compressed ones, and jobs share the system's
		// copy.
		done.Path = base + ".npy"
		if err := convert(done.Path, &done); err != nil {
			return done, err
		}
		p.event(Event{Kind: EventConverted, File: name, Done: done.Rows, Total: done.Rows})
	}
	if t.check {
		if err := p.check(ctx, name, t.asset, convert != nil, &done); err != nil {
			return done, err
		}
	}
	p.warn(name, &done)
	if err := writeJSON(description, done); err != nil {
		return done, fmt.Errorf("cache of converted data: %w", err)
	}
	return done, nil
}

// usable reports whether a description of the cache can be relied on.
func (p *preparer) usable(done *prepared, name string, converted bool) bool {
	if !converted {
		return done.Path == name
	}
	_, err := os.Stat(done.Path)
	return err == nil && filepath.Dir(done.Path) == filepath.Clean(p.cfg.CacheDir)
}

func (p *preparer) check(ctx context.Context, path string, asset *backtest.AssetSpec, recorded bool,
	done *prepared) error {
	report := throttled(p.event)
	err := checkAsset(ctx, done.Path, asset, recorded, done, func(rows, total int64) {
		report(Event{Kind: EventCheck, File: path, Done: rows, Total: total})
	})
	if err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	p.event(Event{Kind: EventChecked, File: path, Done: done.Rows, Total: done.Rows})
	return nil
}

func (p *preparer) warn(path string, done *prepared) {
	for _, text := range slices.Concat(done.Errors, done.Findings) {
		p.event(Event{Kind: EventWarning, File: path, Text: text})
	}
}

// progressEvery is the minimum interval between progress reports of one thing.
const progressEvery = 100 * time.Millisecond

// throttled lets an event of progress through now and then.
func throttled(event func(Event)) func(Event) {
	var last time.Time
	return func(e Event) {
		if now := time.Now(); now.Sub(last) >= progressEvery {
			last = now
			event(e)
		}
	}
}

// writeJSON writes a file that has its name only when it is complete.
func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return writeFile(path, append(text, '\n'))
}

func writeFile(path string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(text)
	// The name must not be there before the content is, whatever happens to the machine.
	if err = errors.Join(err, f.Sync(), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
