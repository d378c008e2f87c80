package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"hftrunner/internal/control"
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
		d.errorf(b.rng, "write finite numbers, strings, bools and lists", "the parameters cannot be handed to a plugin: %v", err)
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
			c.errorf(st.pluginRng, "", "plugin %q could not be started: %v", st.Plugin, err).PluginFailed = true
			c.file.failed = true
			continue
		}
		if err := known.Later[st.Plugin]; err != nil {
			c.warnf(st.pluginRng, "", "plugin %q did not start, so its parameters are not checked yet: %v", st.Plugin, err)
			c.file.failed = true
			continue
		}
		description, ok := known.Described[st.Plugin]
		if !ok {
			hint := suggest(st.Plugin, known.Available, "plugin in that folder; build one into it, or set plugin_dir")
			c.errorf(st.pluginRng, hint, "unknown plugin %q: it is not in %s", st.Plugin, c.file.Runner.PluginDir)
			c.file.failed = true
			continue
		}
		if sum := known.SHA256[st.Plugin]; st.SHA256 != "" && !strings.EqualFold(sum, st.SHA256) {
			c.errorf(st.sha256Rng, "if the binary is meant to be this one, write sha256 = \""+sum+"\"",
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
		case set == nil || set.ok && set.goValue == nil:
			if p.Required() && !slices.ContainsFunc(st.Sweep, func(s SweepParam) bool { return s.Name == p.Name }) {
				c.errorf(paramsRange(st), fmt.Sprintf("add %s = ... (%s) %s", p.Name, p.Type, p.Doc),
					"parameter %q of plugin %q is missing", p.Name, st.Plugin)
			}
		case set.ok:
			converted, problem, hint := checkParam(p, set.value)
			if problem != "" {
				c.errorf(set.valueRng, hint, "%s", problem)
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
		return st.rng
	}
	return st.params.rng
}

// checkParam returns the value as the parameter's JSON form has it, or what is wrong with it.
func checkParam(p *control.Param, v value) (converted any, problem, hint string) {
	a := argument{name: p.Name, kind: paramKind(p.Type), bounds: paramBounds(p)}
	if element, isList := elementKind(p.Type); isList {
		elements, ok := v.goValue.([]any)
		if !ok {
			return nil, fmt.Sprintf("%s is %s, which is not a %s", p.Name, v.show(), p.Type), "write [..., ...]"
		}
		a.kind = element
		list := make([]any, 0, len(elements))
		for i, e := range elements {
			a.name = p.Name + "[" + strconv.Itoa(i) + "]"
			one, problem, hint := a.convert(value{goValue: e, text: v.text, secret: v.secret})
			if problem != "" {
				return nil, problem, hint
			}
			list = append(list, one)
		}
		return list, "", ""
	}
	converted, problem, hint = a.convert(v)
	if d, ok := converted.(time.Duration); ok {
		converted = d.String()
	}
	return converted, problem, hint
}

func paramKind(t control.ParamType) argumentKind {
	switch t {
	case control.ParamInt:
		return kindInt
	case control.ParamFloat:
		return kindFloat
	case control.ParamBool:
		return kindBool
	case control.ParamDuration:
		return kindDuration
	}
	return kindString
}

func elementKind(t control.ParamType) (argumentKind, bool) {
	switch t {
	case control.ParamStrings:
		return kindString, true
	case control.ParamInts:
		return kindInt, true
	case control.ParamFloats:
		return kindFloat, true
	}
	return 0, false
}

func paramBounds(p *control.Param) bounds {
	b := bounds{set: p.Min != nil || p.Max != nil, min: math.Inf(-1), max: math.Inf(1)}
	if p.Min != nil {
		b.min = *p.Min
	}
	if p.Max != nil {
		b.max = *p.Max
	}
	return b
}
