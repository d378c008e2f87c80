package pluginapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"hftrunner/internal/control"
	"hftrunner/internal/settings"
)

// parameters is what the tags of a parameter struct say.
type parameters struct{ schema *settings.Block }

// readParameters returns what the tags of t say, or every mistake in them.
func readParameters(t reflect.Type) (parameters, error) {
	b, err := settings.Of(t)
	if err != nil {
		return parameters{}, fmt.Errorf("the parameters are %w", err)
	}
	var mistakes []string
	if len(b.Blocks)+len(b.Labels) > 0 {
		mistakes = append(mistakes, "parameters have no blocks or labels")
	}
	for _, s := range b.Settings {
		switch s.Type {
		case settings.Speed, settings.Paths, settings.Files, settings.Time:
			mistakes = append(mistakes, fmt.Sprintf("%s cannot be a %s", s.Name, s.Type))
		}
		if s.Above || s.Choices != nil || s.Format != "" || s.Otherwise != "" {
			mistakes = append(mistakes, s.Name+" has a tag above, choices, format or otherwise, of which the host is not told")
		}
	}
	if len(mistakes) > 0 {
		return parameters{}, fmt.Errorf("mistakes in the parameters: %s", strings.Join(mistakes, "; "))
	}
	return parameters{b}, nil
}

// described is the schema as the host is told: it knows no unsigned numbers, but bounds.
func (p parameters) described() []settings.Setting {
	list := make([]settings.Setting, len(p.schema.Settings))
	for i, s := range p.schema.Settings {
		if s.Type == settings.Uint {
			s.Type = settings.Int
			if s.Min == nil {
				s.Min = new(float64)
			}
		}
		list[i] = s
	}
	return list
}

// decode puts what raw, a JSON object, gives into a pointer to the struct, defaults for what is left out.
func (p parameters) decode(into any, raw json.RawMessage) error {
	members, err := settings.Members(raw)
	if err != nil {
		return fmt.Errorf("parameters are %w", err)
	}
	var errs control.ParamErrors
	values := map[string]settings.Value{}
	twice := map[string]bool{}
	for _, m := range members {
		_, again := values[m.Name]
		values[m.Name] = m.Value
		switch {
		case again && !twice[m.Name]:
			errs = append(errs, control.ParamError{Name: m.Name, Problem: "is given more than once"})
			twice[m.Name] = true
		case again:
		case p.schema.Setting(m.Name) == nil:
			errs = append(errs, control.ParamError{Name: m.Name, Problem: "is unknown; " + settings.Suggest(m.Name, p.schema.SettingNames(), "parameter: this plugin has none")})
		case m.Err != nil:
			errs = append(errs, control.ParamError{Name: m.Name, Problem: "cannot be used: " + m.Err.Error()})
			twice[m.Name] = true
		}
	}
	for _, problem := range p.schema.Decode(values, nil, into) {
		if twice[problem.Name] {
			continue // was said
		}
		text := problem.What
		if problem.Hint != "" {
			text += ": " + problem.Hint
		}
		errs = append(errs, control.ParamError{Name: problem.Name, Problem: text})
	}
	if len(errs) > 0 {
		return errs
	}
	return nil
}
