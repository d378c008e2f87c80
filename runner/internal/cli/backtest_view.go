package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hftrunner/hftrunner/internal/batch"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
)

// barWidth is how many characters a progress bar has.
const barWidth = 24

// backtestView shows how far a backtest is: bars at the bottom of a terminal, lines elsewhere, or each event as JSON.
// event is called by one goroutine at a time.
type backtestView struct {
	out    io.Writer
	json   bool
	screen *screen
	now    func() time.Time

	mu       sync.Mutex
	tasks    []*task
	done     batch.JobCounts
	lastLine time.Time
	stop     chan struct{}
	stopped  sync.WaitGroup
}

// task is something that runs: a job, or the preparation of a file.
type task struct {
	name, unit  string
	begin       time.Time
	done, total int64
	dataTimeNs  int64
}

func (s *settings) backtestView(plan *backtestPlan) *backtestView {
	v := &backtestView{out: s.app.Stdout, json: s.json(), now: s.app.now, stop: make(chan struct{})}
	if !v.json {
		fmt.Fprintf(v.out, "backtest of %s, %s, results in %s\n", plan.name(), count(len(plan.jobs), "run"), plan.dir)
		v.screen, _ = s.view(plan.file.Runner.LogLevel)
	}
	if v.screen != nil {
		v.out = v.screen
		v.stopped.Go(v.redraw)
	}
	v.lastLine = v.now()
	return v
}

// redraw keeps the bars up to date.
func (v *backtestView) redraw() {
	ticker := time.NewTicker(redrawEvery / 4)
	defer ticker.Stop()
	for {
		select {
		case <-v.stop:
			return
		case <-ticker.C:
			v.screen.Show(v.lines())
		}
	}
}

// close takes the bars away.
func (v *backtestView) close() {
	close(v.stop)
	v.stopped.Wait()
	if v.screen != nil {
		v.screen.Clear()
	}
}

// event is what batch.Config.OnEvent takes.
func (v *backtestView) event(e batch.Event) {
	if v.json {
		_ = printLine(v.out, e) // nobody reads: the results are in their folder all the same
		return
	}
	v.mu.Lock()
	line := v.take(&e)
	if line == "" && v.screen == nil && v.now().Sub(v.lastLine) >= reportEvery {
		line = strings.Join(v.status(), "; ")
	}
	if line != "" {
		v.lastLine = v.now()
	}
	v.mu.Unlock()
	if line != "" {
		fmt.Fprintln(v.out, line)
	}
}

// take keeps what an event says and returns a line that is worth printing, if any.
func (v *backtestView) take(e *batch.Event) string {
	switch e.Kind {
	case batch.EventStart:
		v.done = batch.JobCounts{Total: int(e.Total), Finished: int(e.Done), Resumed: int(e.Done)}
		if e.Done > 0 {
			return fmt.Sprintf("%s finished before and unchanged", count(int(e.Done), "run"))
		}
	case batch.EventChanged:
		return fmt.Sprintf("%s is run again: %s changed", e.Job, e.Text)
	case batch.EventConvert:
		v.task("convert "+filepath.Base(e.File)+" ("+e.Stage+")", convertUnit(e.Stage)).set(e.Done, e.Total, 0)
	case batch.EventConverted:
		v.end("convert " + filepath.Base(e.File))
		return fmt.Sprintf("converted %s: %s rows", e.File, whole(e.Total))
	case batch.EventCheck:
		v.task("check "+filepath.Base(e.File), "rows").set(e.Done, e.Total, 0)
	case batch.EventChecked:
		v.end("check " + filepath.Base(e.File))
	case batch.EventWarning:
		return fmt.Sprintf("warning: %s: %s", e.File+e.Job, e.Text)
	case batch.EventJobStart:
		v.task(e.Job, "rows")
	case batch.EventProgress:
		v.task(e.Job, "rows").set(e.Progress.Rows, e.Progress.TotalRows, e.Progress.TimestampNs)
	case batch.EventJobEnd:
		return v.jobEnd(e)
	}
	return ""
}

// convertUnit is what a stage of a conversion counts.
func convertUnit(stage string) string {
	if stage == convert.Measuring.String() || stage == convert.Reading.String() {
		return "bytes"
	}
	return "rows"
}

func (v *backtestView) jobEnd(e *batch.Event) string {
	spent := ""
	if t := v.find(e.Job); t != nil {
		elapsed := v.now().Sub(t.begin)
		spent = fmt.Sprintf(" in %.1fs", elapsed.Seconds())
		if t.total > 0 && e.Status == batch.StatusFinished {
			spent += fmt.Sprintf(", %s rows", whole(t.total))
		}
	}
	v.end(e.Job)
	switch e.Status {
	case batch.StatusFinished:
		v.done.Finished++
		return fmt.Sprintf("%s finished%s (%d of %d)", e.Job, spent, v.done.Finished+v.done.Failed+v.done.Skipped,
			v.done.Total)
	case batch.StatusFailed:
		v.done.Failed++
		return fmt.Sprintf("%s failed: %s", e.Job, e.Text)
	case batch.StatusSkipped:
		v.done.Skipped++
		return fmt.Sprintf("%s skipped: %s", e.Job, e.Text)
	}
	v.done.Interrupted++
	return ""
}

func (v *backtestView) find(name string) *task {
	if at := slices.IndexFunc(v.tasks, func(t *task) bool { return t.name == name }); at >= 0 {
		return v.tasks[at]
	}
	return nil
}

// task returns the task of that name, which begins now if it is new.
func (v *backtestView) task(name, unit string) *task {
	if t := v.find(name); t != nil {
		return t
	}
	if cut := strings.IndexByte(name, '('); cut > 0 {
		v.end(name[:cut]) // a conversion's stage ends with the next one's beginning
	}
	t := &task{name: name, unit: unit, begin: v.now()}
	v.tasks = append(v.tasks, t)
	return t
}

// end removes the tasks whose names begin so.
func (v *backtestView) end(prefix string) {
	v.tasks = slices.DeleteFunc(v.tasks, func(t *task) bool {
		return t.name == prefix || strings.HasPrefix(t.name, strings.TrimSuffix(prefix, " ")+" (")
	})
}

func (t *task) set(done, total, dataTimeNs int64) {
	t.done, t.total, t.dataTimeNs = done, total, dataTimeNs
}

// lines are those at the bottom of a terminal.
func (v *backtestView) lines() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.status()
}

// status is a line for each task and one for all.
func (v *backtestView) status() []string {
	width := 0
	for _, t := range v.tasks {
		width = max(width, len([]rune(t.name)))
	}
	var lines []string
	for _, t := range v.tasks {
		lines = append(lines, t.line(width, v.now(), v.screen != nil))
	}
	total := fmt.Sprintf("%d of %s done", v.done.Finished+v.done.Failed+v.done.Skipped, count(v.done.Total, "run"))
	if v.done.Failed > 0 {
		total += fmt.Sprintf(", %d failed", v.done.Failed)
	}
	return append(lines, total)
}

// line shows a task: a bar, its share, its speed, the time in the data, the time that is left.
func (t *task) line(width int, now time.Time, bar bool) string {
	share, elapsed := 0.0, now.Sub(t.begin).Seconds()
	if t.total > 0 {
		share = min(float64(t.done)/float64(t.total), 1)
	}
	parts := []string{fmt.Sprintf("%-*s", width, t.name)}
	if bar {
		full := int(share*barWidth + 0.5)
		parts = append(parts, strings.Repeat("█", full)+strings.Repeat("░", barWidth-full))
	}
	parts = append(parts, fmt.Sprintf("%3.0f %%", 100*share))
	if t.done > 0 && elapsed > 0 {
		parts = append(parts, perSecond(float64(t.done)/elapsed, t.unit))
	}
	if t.dataTimeNs > 0 {
		parts = append(parts, time.Unix(0, t.dataTimeNs).UTC().Format(time.DateTime))
	}
	if share > 0 && share < 1 && elapsed > 0.5 {
		left := time.Duration(elapsed * (1 - share) / share * float64(time.Second))
		parts = append(parts, "ETA "+uptime(left.Nanoseconds()))
	}
	return strings.Join(parts, "  ")
}

func perSecond(x float64, unit string) string {
	switch {
	case x >= 1e6:
		return fmt.Sprintf("%.1f M %s/s", x/1e6, unit)
	case x >= 1e3:
		return fmt.Sprintf("%.0f k %s/s", x/1e3, unit)
	}
	return fmt.Sprintf("%.0f %s/s", x, unit)
}

// printLine prints one JSON object on one line.
func printLine(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return withCode(ExitFailure, fmt.Errorf("write the result: %w", err))
	}
	return nil
}
