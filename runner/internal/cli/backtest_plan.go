package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/internal/batch"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

const (
	// planFile describes a run in its folder.
	planFile = "config.json"
	// maxJobs bounds a sweep.
	maxJobs = 100_000
)

// continued takes what is to be continued from its folder, but for what the command line says anew.
func (s *settings) continued(o *backtestOptions, configGiven bool) error {
	path := filepath.Join(o.resume, planFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return withCode(ExitUsage, fmt.Errorf("--resume %s: not a backtest directory: %w", o.resume, err))
	}
	var plan struct {
		Arguments arguments `json:"arguments"`
	}
	if err := json.Unmarshal(text, &plan); err != nil {
		return withCode(ExitFailure, fmt.Errorf("%s: %w; start again without --resume", path, err))
	}
	if !configGiven {
		s.configPath = plan.Arguments.Config
	}
	if len(o.strategies) == 0 {
		o.strategies = plan.Arguments.Strategies
	}
	if len(o.sets) == 0 {
		o.sets = plan.Arguments.Sets
	}
	return nil
}

// plan reads the configuration and makes the jobs of it.
func (s *settings) plan(ctx context.Context, o *backtestOptions) (*backtestPlan, error) {
	var known config.Plugins
	options := s.options()
	options.Stat, options.Glob = os.Stat, filepath.Glob
	options.Backtest, options.Selected, options.Sets = true, o.strategies, o.sets
	options.Plugins = func(dir string, names []string) config.Plugins {
		known = s.app.plugins(ctx, dir, names)
		return known
	}
	file, err := config.Load(s.configPath, options)
	if err != nil {
		return nil, configError(err)
	}
	p := &backtestPlan{file: file, arguments: arguments{Config: s.configPath, Strategies: o.strategies, Sets: o.sets}}
	for i := range file.Strategies {
		st := &file.Strategies[i]
		if st.Backtest == nil || len(o.strategies) > 0 && !slices.Contains(o.strategies, st.Name) {
			continue
		}
		plugin := batch.Plugin{Name: st.Plugin, Version: known.Described[st.Plugin].Version,
			SHA256: known.SHA256[st.Plugin], Path: filepath.Join(file.Runner.PluginDir, st.Plugin)}
		if err := p.add(st, plugin, known.Described[st.Plugin].Params); err != nil {
			return nil, err
		}
	}
	switch {
	case o.resume != "":
		p.dir = o.resume
	case o.out != "":
		if _, err := os.Stat(filepath.Join(o.out, planFile)); err == nil {
			return nil, withCode(ExitUsage,
				fmt.Errorf("--out %s: already holds a backtest; continue it with --resume, or name another directory",
					o.out))
		}
		p.dir = o.out
	default:
		p.dir = p.folder(s.app.now())
	}
	return p, nil
}

// add makes the jobs of a strategy: sets times parts.
func (p *backtestPlan) add(st *config.Strategy, plugin batch.Plugin, schema []control.Param) error {
	t := st.Backtest
	combinations := 1
	for _, sweep := range st.Sweep {
		combinations *= len(sweep.Values)
		if combinations > maxJobs/t.Parts() {
			return withCode(ExitUsage,
				fmt.Errorf("strategy %s: the values of --set make more than %d runs; reduce them", st.Name, maxJobs))
		}
	}
	var names []string
	if t.Split == config.SplitFile {
		names = batch.PartNames(t.Data[0].Asset.Files)
	} else {
		names = []string{""}
	}
	var recordings []batch.Recording
	for i := range t.Data {
		d := &t.Data[i]
		recordings = append(recordings, batch.Recording{Format: d.Format, Symbol: d.RecordedSymbol,
			BookTicker: d.BookTicker, BaseLatency: d.BaseLatency})
	}
	for n := range combinations {
		base := batch.Job{Strategy: st.Name, Plugin: plugin, Recordings: recordings,
			DataCheck: batch.DataCheck(t.DataCheck), Figures: batch.Figures{BookSize: t.BookSize,
				TradingDays: t.TradingDays, Window: t.SampleInterval}}
		if err := parameters(&base, st, schema, n); err != nil {
			return withCode(ExitFailure, err)
		}
		for part := range t.Parts() {
			job := base
			job.Part, job.Spec, job.Before = names[part], t.PartSpec(part), t.FilesBefore(part)
			p.jobs = append(p.jobs, job)
		}
	}
	return nil
}

// parameters gives a job the n-th combination of the sweep; the last parameter varies fastest.
func parameters(job *batch.Job, st *config.Strategy, schema []control.Param, n int) error {
	values := map[string]json.RawMessage{}
	if err := json.Unmarshal(st.Params, &values); err != nil {
		return fmt.Errorf("parameters of %s: %w", st.Name, err)
	}
	job.Set = make([]batch.Setting, len(st.Sweep))
	for i := len(st.Sweep) - 1; i >= 0; i-- {
		sweep := &st.Sweep[i]
		at := n % len(sweep.Values)
		n /= len(sweep.Values)
		values[sweep.Name] = sweep.Values[at]
		job.Set[i] = batch.Setting{Name: sweep.Name, Value: sweep.Texts[at]}
	}
	var err error
	if job.Params, err = json.Marshal(values); err != nil {
		return fmt.Errorf("parameters of %s: %w", st.Name, err)
	}
	for i := range schema {
		if _, given := values[schema[i].Name]; !given && schema[i].Default != nil {
			values[schema[i].Name] = schema[i].DefaultJSON()
		}
	}
	for _, name := range st.SecretParams {
		values[name] = json.RawMessage(`"(hidden)"`)
	}
	if job.ShownParams, err = json.Marshal(values); err != nil {
		return fmt.Errorf("parameters of %s: %w", st.Name, err)
	}
	return nil
}

// planForm is the JSON form of a plan.
type planForm struct {
	Version   string    `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	Arguments arguments `json:"arguments"`
	Jobs      []jobForm `json:"jobs"`
}

type jobForm struct {
	Name       string            `json:"name"`
	Folder     string            `json:"folder"`
	Strategy   string            `json:"strategy"`
	Set        []batch.Setting   `json:"set"`
	Part       string            `json:"part"`
	Plugin     batch.Plugin      `json:"plugin"`
	Params     json.RawMessage   `json:"params"`
	Spec       any               `json:"spec"`
	Recordings []batch.Recording `json:"recordings"`
	Files      []batch.File      `json:"files"`
	DataCheck  batch.DataCheck   `json:"data_check"`
	Figures    batch.Figures     `json:"figures"`
}

// begin makes the run folder with the configuration as it is run.
func (p *backtestPlan) begin(s *settings) error {
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return fmt.Errorf("create the directory for results: %w", err)
	}
	source, err := os.ReadFile(p.file.Path)
	if err == nil {
		err = os.WriteFile(filepath.Join(p.dir, "config.hcl"), config.HideSecrets(source), 0o644)
	}
	if err != nil {
		return fmt.Errorf("save the configuration: %w", err)
	}
	form := planForm{Version: s.app.Version, CreatedAt: s.app.now().UTC(), Arguments: p.arguments}
	form.Arguments.Strategies = append([]string{}, form.Arguments.Strategies...)
	form.Arguments.Sets = append([]string{}, form.Arguments.Sets...)
	for i := range p.jobs {
		j := &p.jobs[i]
		files, err := j.Files()
		if err != nil {
			return err
		}
		form.Jobs = append(form.Jobs, jobForm{j.Name(), j.Folder(), j.Strategy, j.Set, j.Part, j.Plugin, j.ShownParams,
			j.Spec, j.Recordings, files, j.DataCheck, j.Figures})
	}
	f, err := os.Create(filepath.Join(p.dir, planFile))
	if err != nil {
		return fmt.Errorf("save the configuration: %w", err)
	}
	return errors.Join(printJSON(f, form), f.Close())
}
