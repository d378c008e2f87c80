package config

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/settings"
)

// params returns a params block as a JSON object.
func (d *decoder) params(b *block) json.RawMessage {
	object := map[string]any{}
	for name, s := range b.args {
		if raw, _ := d.layers.get(b, name); s.ok && raw != nil {
			object[name] = raw
		}
	}
	text, err := json.Marshal(object)
	if err != nil {
		d.errorf(b.rng, "write finite numbers, strings, bools and lists", "the parameters cannot be passed to a plugin: %v", err)
	}
	return text
}

// plugins checks that every plugin exists and gets the parameters it knows.
func (c *checker) plugins() {
	names := map[string]bool{}
	for i := range c.file.Strategies {
		if plugin := c.file.Strategies[i].Plugin; plugin != "" {
			names[plugin] = true
		}
	}
	known := c.options.Plugins(c.file.Runner.PluginDir, slices.Sorted(maps.Keys(names)))
	sweeps := c.sweeps()
	for i := range c.file.Strategies {
		st := &c.file.Strategies[i]
		if st.Plugin == "" {
			continue
		}
		if err := known.Failed[st.Plugin]; err != nil {
			c.errorf(st.block.at("plugin"), "", "plugin %q could not be started: %v", st.Plugin, err).PluginFailed = true
			c.file.failed = true
			continue
		}
		if err := known.Later[st.Plugin]; err != nil {
			c.warnf(st.block.at("plugin"), "", "plugin %q did not start, so its parameters are not checked yet: %v", st.Plugin, err)
			c.file.failed = true
			continue
		}
		description, ok := known.Described[st.Plugin]
		if !ok {
			hint := suggest(st.Plugin, known.Available, "plugin in that directory; build one into it, or set plugin_dir")
			c.errorf(st.block.at("plugin"), hint, "unknown plugin %q: it is not in %s", st.Plugin, c.file.Runner.PluginDir)
			c.file.failed = true
			continue
		}
		if sum := known.SHA256[st.Plugin]; st.SHA256 != "" && !strings.EqualFold(sum, st.SHA256) {
			c.errorf(st.block.at("sha256"), "if the binary is meant to be this one, write sha256 = \""+sum+"\"",
				"plugin %q is not the pinned binary", st.Plugin)
		}
		c.applySweeps(st, description, sweeps)
		c.parameters(st, description)
	}
	c.unusedSweeps(sweeps)
}

// parameters checks one strategy's params block against its plugin's schema.
func (c *checker) parameters(st *Strategy, d control.Description) {
	names := make([]string, len(d.Params))
	for i := range d.Params {
		names[i] = d.Params[i].Name
	}
	for name, set := range st.params.args {
		if !slices.Contains(names, name) {
			c.errorf(set.nameRng, suggest(name, names, "parameter that it takes"), "plugin %q has no parameter %q", st.Plugin, name)
		}
	}
	object := map[string]json.RawMessage{}
	for i := range d.Params {
		p := &d.Params[i]
		set := st.params.args[p.Name]
		switch {
		case set == nil || set.ok && set.Go == nil:
			if p.Required() && !slices.ContainsFunc(st.Sweep, func(s SweepParam) bool { return s.Name == p.Name }) {
				c.errorf(paramsRange(st), p.Add(), "parameter %q of plugin %q is missing", p.Name, st.Plugin)
			}
		case set.ok:
			converted, problem := checkParam(p, set.Value)
			if problem != nil {
				c.errorf(set.valueRng, problem.Hint, "%s", problem)
				continue
			}
			if text, err := json.Marshal(converted); err == nil {
				object[p.Name] = text
			}
		}
	}
	if text, err := json.Marshal(object); err == nil {
		st.Params = text // numbers in text from env() are numbers now
	}
}

// paramsRange is where a missing parameter belongs.
func paramsRange(st *Strategy) hcl.Range {
	if st.params.implied {
		return st.block.rng
	}
	return st.params.rng
}

// checkParam returns the value as the parameter's JSON form has it, or what is wrong with it.
func checkParam(p *settings.Setting, v settings.Value) (converted any, problem *settings.Problem) {
	converted, problem = p.ConvertParam(v)
	if d, ok := converted.(time.Duration); ok {
		converted = d.String()
	}
	return converted, problem
}
