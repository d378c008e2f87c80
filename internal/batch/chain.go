package batch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/hftrunner/hftrunner/internal/batch/convert"
)

// chain is a feed of recordings that are converted one after the other, for several jobs.
type chain struct {
	mu   sync.Mutex
	feed *convert.Feed
	// done are the files that the feed has taken.
	done []File
	// report receives the progress of a conversion.
	report func(convert.Progress)
}

// recordings makes one event file of files, recordings that follow on those of before. Those come first, each by
// itself: other jobs want them, and they have to be read for the book anyway.
func (p *preparer) recordings(ctx context.Context, t *task, before, files []string) (prepared, error) {
	all := slices.Concat(before, files)
	identities := make([]File, len(all))
	for i, path := range all {
		var err error
		if identities[i], err = statFile(path); err != nil {
			return prepared{}, err
		}
	}
	steps := []any{t.asset.Symbol, t.asset.TickSize, t.asset.LotSize}
	key := ""
	if t.snapshot != nil {
		key = cacheKey(t.snapshot.file)
	}
	c := p.chain(cacheKey(identities[0], t.rec, steps, key))
	for n := 0; ; n++ {
		end := n + 1
		if n == len(before) {
			end = len(all)
		}
		key = cacheKey(key, identities[n:end], t.rec, t.check, steps)
		done, err := p.once(ctx, key, func() (prepared, error) {
			return p.prepare(ctx, t, label(all[n:end]), key, func(out string, done *prepared) error {
				return p.convert(ctx, t, c, conversion{all[:end], identities[:end], n, out}, done)
			})
		})
		if n == len(before) {
			return done, err
		}
		if err != nil {
			return prepared{}, fmt.Errorf("%s follows on %s, which cannot be used: %w", label(files), all[n], err)
		}
	}
}

// label is the name of recordings that are one feed.
func label(files []string) string {
	if more := len(files) - 1; more > 0 {
		return fmt.Sprintf("%s and %d more", files[0], more)
	}
	return files[0]
}

// chain returns the chain of a key.
func (p *preparer) chain(key string) *chain {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.chains[key]
	if c == nil {
		c = &chain{report: func(convert.Progress) {}}
		p.chains[key] = c
	}
	return c
}

// conversion makes one event file, out, of the files from number before on, which follow on those of before.
type conversion struct {
	files      []string
	identities []File
	before     int
	out        string
}

// convert does a conversion. Files before it that were converted in another run are read again, for the book alone.
func (p *preparer) convert(ctx context.Context, t *task, c *chain, job conversion, done *prepared) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.feed == nil || len(c.done) > job.before || !slices.Equal(c.done, job.identities[:len(c.done)]) {
		if err := p.begin(t, c); err != nil {
			return fmt.Errorf("%s: %w", label(job.files), err)
		}
	}
	take := func(end int, out string) (convert.Summary, error) {
		files := job.files[len(c.done):end]
		report := throttled(p.event)
		c.report = func(progress convert.Progress) {
			report(Event{Kind: EventConvert, File: label(files), Stage: progress.Stage.String(), Done: progress.Done,
				Total: progress.Total})
		}
		summary, err := c.feed.Convert(ctx, files, out)
		if err != nil {
			c.feed = nil
			return summary, fmt.Errorf("convert %s: %w", label(files), err)
		}
		c.done = append(c.done, job.identities[len(c.done):end]...)
		return summary, nil
	}
	for len(c.done) < job.before {
		summary, err := take(len(c.done)+1, "")
		if err != nil {
			return err
		}
		done.Findings = append(done.Findings, summary.Report.Lines()...)
	}
	summary, err := take(len(job.files), job.out)
	if err != nil {
		return err
	}
	errs, findings := summary.Judged()
	done.Errors, done.Findings = append(done.Errors, errs...), append(done.Findings, findings...)
	done.Rows, done.NoBook = summary.NumRows, summary.Depth+summary.Snapshots == 0
	return nil
}

// begin begins a feed.
func (p *preparer) begin(t *task, c *chain) (err error) {
	format, ok := p.cfg.Formats[t.rec.Format]
	if !ok {
		return fmt.Errorf("this build cannot convert format %q", t.rec.Format)
	}
	c.done = c.done[:0]
	var initial convert.InitialBook
	if t.snapshot != nil {
		initial = t.snapshot.book
	}
	c.feed, err = convert.NewFeed(convert.Options{Initial: initial, NewDecoder: format.NewDecoder, Rule: format.Rule,
		Format:  t.rec.Format,
		Symbol:  cmp.Or(t.rec.Symbol, t.asset.Symbol),
		Formats: p.cfg.Formats, TickSize: t.asset.TickSize, LotSize: t.asset.LotSize,
		BaseLatency: t.rec.BaseLatency, Quotes: t.rec.BookTicker,
		Progress: func(progress convert.Progress) { c.report(progress) }})
	return err
}
