package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/v2"
)

// delimiter separates the parts of a koanf path. It is a control character because symbols and names have dots,
// dashes, slashes and colons.
const delimiter = "\x1f"

// environmentPrefix begins the variables that override the runner block.
const environmentPrefix = "RUNNER_"

// layers are the merged settings and where each came from.
type layers struct {
	k *koanf.Koanf
	// overrides say by path what replaced the file's value: the name of a variable or flag.
	overrides map[string]string
}

// hclProvider gives koanf what is in the file. koanf's own HCL parser reads HCL 1, in which one block and two blocks
// of a type come out in different shapes; here a block is always a map under its labels.
type hclProvider struct {
	source []byte
	root   *block
}

// ReadBytes returns the file as it is.
func (p hclProvider) ReadBytes() ([]byte, error) { return p.source, nil }

// Read returns the blocks as nested maps.
func (p hclProvider) Read() (map[string]any, error) {
	return nest(p.root, func(b *block, m map[string]any) {
		for name, s := range b.args {
			if s.ok && s.Go != nil {
				m[name] = s.Go
			}
		}
	}), nil
}

// nest builds the nested maps of a tree; fill adds what belongs to one block.
func nest(root *block, fill func(*block, map[string]any)) map[string]any {
	top := map[string]any{}
	for _, name := range root.typ.BlockNames() {
		top[name] = map[string]any{} // no block of a type is an empty map, never nothing
	}
	var add func(b *block)
	add = func(b *block) {
		m := top
		for _, part := range b.path {
			next, ok := m[part].(map[string]any)
			if !ok {
				next = map[string]any{}
				m[part] = next
			}
			m = next
		}
		fill(b, m)
		for _, c := range b.blocks {
			add(c)
		}
	}
	for _, b := range root.blocks {
		add(b)
	}
	return top
}

// merge puts the four layers on each other.
func merge(source []byte, root *block, o *Options, r *report) (*layers, error) {
	l := &layers{k: koanf.New(delimiter), overrides: map[string]string{}}
	known := root.typ.Block("runner")
	defaults := nest(root, func(b *block, m map[string]any) {
		for _, s := range b.typ.Settings {
			if s.Default != nil {
				m[s.Name] = s.Default
			}
		}
	})
	environment := env.Provider(delimiter, env.Opt{Prefix: environmentPrefix, EnvironFunc: func() []string { return o.Environ },
		TransformFunc: func(name, text string) (string, any) {
			argName := strings.ToLower(strings.TrimPrefix(name, environmentPrefix))
			if known.Setting(argName) == nil {
				r.misspelledVariable(name, argName, known.SettingNames())
				return "", nil
			}
			path := "runner" + delimiter + argName
			l.overrides[path] = name
			return path, text
		}})
	flags := map[string]any{}
	for name, text := range o.Flags {
		if known.Setting(name) == nil {
			return nil, fmt.Errorf("flag for %q, which is not an argument of the runner block", name)
		}
		path := "runner" + delimiter + name
		flags[path] = text
		l.overrides[path] = "--" + strings.ReplaceAll(name, "_", "-")
	}
	for _, p := range []koanf.Provider{confmap.Provider(defaults, ""), hclProvider{source, root}, environment,
		confmap.Provider(flags, delimiter)} {
		if err := l.k.Load(p, nil); err != nil {
			return nil, fmt.Errorf("merge settings: %w", err)
		}
	}
	return l, nil
}

// misspelledVariable warns of a variable that is nearly a setting. Others are left alone: RUNNER_ is not ours alone
// (GitHub's runners set RUNNER_OS, RUNNER_TEMP and more).
func (r *report) misspelledVariable(name, argName string, known []string) {
	if n := nearest(argName, known); n != "" {
		r.warnf(hcl.Range{Filename: name}, fmt.Sprintf("did you mean %s%s?", environmentPrefix, strings.ToUpper(n)),
			"unknown setting in environment variable")
	}
}

// get returns an argument's merged value, and what overrode the file's, if anything.
func (l *layers) get(b *block, name string) (raw any, override string) {
	path := strings.Join(slices.Concat(b.path, []string{name}), delimiter)
	return l.k.Get(path), l.overrides[path]
}
