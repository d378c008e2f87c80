package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/hftrunner/hftrunner/internal/control"
)

// maxFileBytes bounds a configuration file.
const maxFileBytes = 4 << 20

// Options are what Load takes besides the file. The zero value has an empty environment and checks no plugins.
type Options struct {
	// Kinds are the kinds of connectors that there are besides KindPaper.
	Kinds Kinds
	// Environ is the environment as os.Environ gives it: for env() and the RUNNER_* variables.
	Environ []string
	// Flags override arguments of the runner block by name.
	Flags map[string]string
	// Plugins, when not nil, is asked about the plugins named by strategies, so that they and their parameters are
	// checked too.
	Plugins func(dir string, names []string) Plugins
	// Live, when not nil, looks at a connector to a venue without connecting, such as whether the key is one. Its error
	// must not show a secret.
	Live func(c *Connector) error
	// Stat, when not nil, is used to see whether recorded files exist; os.Stat fits.
	Stat func(path string) (fs.FileInfo, error)
	// Glob, when not nil, finds the files that a name with * stands for; filepath.Glob fits.
	Glob func(pattern string) ([]string, error)
	// Backtest: the file is read for a backtest of the strategies in Selected, which need a backtest block; when it is
	// empty, of all that have one.
	Backtest bool
	Selected []string
	// Sets are parameters of a backtest, as NAME=VALUE1,VALUE2 or STRATEGY.NAME=VALUE.
	Sets []string
}

// Plugins is what is known of a plugin folder.
type Plugins struct {
	// Available are the names of the files in it that could be plugins.
	Available []string
	// Described are the plugins that answered, Failed the reasons why others did not; a name in neither is unknown.
	Described map[string]control.Description
	// SHA256 are the sums of those that were described, in hex.
	SHA256 map[string]string
	Failed map[string]error
	// Later are the reasons why others did not answer that may be gone at the next attempt: no error, but their
	// parameters are not checked.
	Later map[string]error
}

// Load reads the configuration at path. When anything is wrong the error is Problems, with warnings among them.
func Load(path string, o Options) (*File, error) {
	f, r, err := load(path, &o, "")
	if err != nil {
		return nil, err
	}
	problems := r.sorted()
	if problems.Count(SeverityError) > 0 {
		return nil, problems
	}
	f.Warnings = problems
	return f, nil
}

// LoadRunner reads only the runner block, so that commands which talk to a running host work whatever else is in the
// file. An empty path stands for an empty file. The error is Problems.
func LoadRunner(path string, o Options) (Runner, error) {
	f, r, err := load(path, &o, "runner")
	if err != nil {
		return Runner{}, err
	}
	if problems := r.sorted(); problems.Count(SeverityError) > 0 {
		return Runner{}, problems
	}
	return f.Runner, nil
}

func load(path string, o *Options, only string) (*File, *report, error) {
	r := &report{}
	source, err := readFile(path)
	if err != nil {
		r.errorf(hcl.Range{Filename: path}, "name the configuration file with --config FILE", "cannot read the configuration: %v", err)
		return nil, nil, r.sorted()
	}
	r.source = source
	parsed, diags := hclsyntax.ParseConfig(source, path, hcl.InitialPos)
	r.addDiagnostics(diags)
	schema, err := fileSchema(o.Kinds)
	if err != nil {
		return nil, nil, err
	}
	root := &block{typ: schema, rng: hcl.Range{Filename: path}}
	walk := &reader{report: r, only: only, ctx: evalContext(filepath.Dir(path), lookup(o.Environ))}
	if parsed != nil {
		if body, ok := parsed.Body.(*hclsyntax.Body); ok {
			walk.read(root, body)
		}
	}
	merged, err := merge(source, root, o, r)
	if err != nil {
		return nil, nil, err
	}
	d := &decoder{report: r, kinds: o.Kinds, schema: schema, layers: merged, partial: diags.HasErrors()}
	f := d.file(path, root)
	f.source, f.Kinds = source, o.Kinds
	if only == "" && !d.partial {
		(&checker{report: r, file: f, options: o}).check()
	}
	return f, r, nil
}

func readFile(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there is no such file")
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	source, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err == nil && len(source) > maxFileBytes {
		err = fmt.Errorf("it is larger than %d MiB", maxFileBytes>>20)
	}
	return source, err
}

// lookup makes a lookup in an environment; of a variable that is there twice the last counts, as in a shell.
func lookup(environ []string) func(string) (string, bool) {
	values := make(map[string]string, len(environ))
	for _, e := range environ {
		if name, text, ok := strings.Cut(e, "="); ok {
			values[name] = text
		}
	}
	return func(name string) (string, bool) {
		text, ok := values[name]
		return text, ok
	}
}

// fileRange points at the file as a whole.
func (c *checker) fileRange() hcl.Range { return hcl.Range{Filename: c.file.Path} }
