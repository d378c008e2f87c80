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
const cacheVersion = 12

// maxFindings is the maximum number of findings kept per file.
const maxFindings = 20

// preparer makes event files of recorded ones and looks the data over, each file once.
type preparer struct {
	cfg   *Config
	event func(Event)

	mu        sync.Mutex
	calls     map[string]*call
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
		for n, path := range a.Files {
			done, err := p.file(ctx, path, job, i)
			if err != nil {
				return spec, files, err
			}
			files = append(files, DataFile{Path: path, Symbol: a.Symbol, Rows: done.Rows, StartNs: done.StartNs, EndNs: done.EndNs,
				Errors: done.Errors, Findings: done.Findings})
			a.Files[n] = done.Path
		}
		if err := p.checkLatencies(a, files[len(files)-len(a.Files):]); err != nil {
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

// file prepares one file, or waits for whoever does.
func (p *preparer) file(ctx context.Context, path string, job *Job, asset int) (prepared, error) {
	identity, err := statFile(path)
	if err != nil {
		return prepared{}, err
	}
	var rec Recording
	if asset < len(job.Recordings) {
		rec = job.Recordings[asset]
	}
	if eventFile(path) {
		rec = Recording{}
	}
	check := job.DataCheck != CheckOff
	steps := []float64{}
	if check || rec.Format != "" {
		steps = append(steps, job.Spec.Assets[asset].TickSize, job.Spec.Assets[asset].LotSize)
	}
	key := cacheKey(identity, rec, check, steps)
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
	c.prepared, c.err = p.prepare(ctx, path, rec, key, check, &job.Spec.Assets[asset])
	close(c.done)
	return c.prepared, c.err
}

func eventFile(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".npz" || ext == ".npy"
}

// cacheKey is the same for the same file and the same treatment of it: what was not looked over is of no use to who wants that.
func cacheKey(f File, rec Recording, check bool, steps []float64) string {
	text, err := json.Marshal([]any{cacheVersion, f, rec, check, steps})
	if err != nil {
		text = fmt.Append(nil, f, rec, check) // numbers and strings can always be marshalled
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// prepare converts and checks one file unless the cache has the result. The description is written after the events, so
// a description means that both are complete.
func (p *preparer) prepare(ctx context.Context, path string, rec Recording, key string, check bool, asset *backtest.AssetSpec) (prepared, error) {
	base := filepath.Join(p.cfg.CacheDir, baseName(path)+"-"+key)
	description := base + ".json"
	var done prepared
	if text, err := os.ReadFile(description); err == nil && json.Unmarshal(text, &done) == nil && p.usable(&done, path, rec) {
		p.warn(path, &done)
		return done, nil
	}
	if err := os.MkdirAll(p.cfg.CacheDir, 0o755); err != nil {
		return done, fmt.Errorf("cache of converted data: %w", err)
	}
	done = prepared{Path: path, Errors: []string{}, Findings: []string{}}
	if rec.Format != "" {
		// Rows as they are in memory are read several times as fast as compressed ones, and jobs share the system's copy.
		done.Path = base + ".npy"
		if err := p.convert(ctx, path, rec, asset, &done); err != nil {
			return done, err
		}
	}
	if check {
		if err := p.check(ctx, path, asset, &done); err != nil {
			return done, err
		}
	}
	p.warn(path, &done)
	if err := writeJSON(description, done); err != nil {
		return done, fmt.Errorf("cache of converted data: %w", err)
	}
	return done, nil
}

// usable reports whether a description of the cache can be relied on.
func (p *preparer) usable(done *prepared, path string, rec Recording) bool {
	if rec.Format == "" {
		return done.Path == path
	}
	_, err := os.Stat(done.Path)
	return err == nil && filepath.Dir(done.Path) == filepath.Clean(p.cfg.CacheDir)
}

func (p *preparer) convert(ctx context.Context, path string, rec Recording, asset *backtest.AssetSpec, done *prepared) error {
	format, ok := p.cfg.Formats[rec.Format]
	if !ok {
		return fmt.Errorf("%s: this build cannot convert format %q", path, rec.Format)
	}
	report := throttled(p.event)
	summary, err := convert.Events(ctx, []string{path}, done.Path, convert.Options{NewDecoder: format.NewDecoder, Rule: format.Rule,
		Format: rec.Format, Formats: p.cfg.Formats, TickSize: asset.TickSize, LotSize: asset.LotSize, BaseLatency: rec.BaseLatency, Quotes: rec.BookTicker,
		Progress: func(progress convert.Progress) {
			report(Event{Kind: EventConvert, File: path, Stage: progress.Stage.String(), Done: progress.Done, Total: progress.Total})
		}})
	if err != nil {
		return fmt.Errorf("convert %s: %w", path, err)
	}
	done.Findings = append(done.Findings, summary.Report.Lines()...)
	done.Rows = summary.NumRows
	p.event(Event{Kind: EventConverted, File: path, Done: summary.NumRows, Total: summary.NumRows})
	return nil
}

func (p *preparer) check(ctx context.Context, path string, asset *backtest.AssetSpec, done *prepared) error {
	report := throttled(p.event)
	err := checkAsset(ctx, done.Path, asset, done, func(rows, total int64) {
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
