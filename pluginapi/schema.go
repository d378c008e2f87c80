package pluginapi

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/settings"
)

// parameters is what the tags of a parameter struct say.
type parameters struct{ schema *settings.Block }

// readParameters returns what the tags of t say, or every mistake in them.
func readParameters(t reflect.Type) (parameters, error) {
	b, err := settings.OfParams(t)
	if err != nil {
		return parameters{}, fmt.Errorf("the parameters cannot be used: %w", err)
	}
	return parameters{b}, nil
}

// decode puts what raw, a JSON object, gives into a pointer to the struct, defaults for what is left out.
func (p parameters) decode(into any, raw json.RawMessage) error {
	members, err := settings.Members(raw)
	if err != nil {
		return fmt.Errorf("parameters are %w", err)
	}
	var errs control.ParamErrors
	values := map[string]settings.Value{}
	said := map[string]bool{}
	for _, m := range members {
		_, again := values[m.Name]
		values[m.Name] = m.Value
		problem := ""
		switch {
		case said[m.Name]:
		case p.schema.Setting(m.Name) == nil:
			problem = "is unknown; " + settings.Suggest(m.Name, p.schema.SettingNames(),
				"parameter: this plugin has none")
		case again:
			problem = "is given more than once"
		case m.Err != nil:
			problem = "cannot be used: " + m.Err.Error()
		}
		if problem != "" {
			errs = append(errs, control.ParamError{Name: m.Name, Problem: problem})
			said[m.Name] = true
		}
	}
	for _, problem := range p.schema.Decode(values, nil, into) {
		if said[problem.Name] {
			continue
		}
		text := problem.What
		if problem.Hint != "" {
			text += ": " + problem.Hint
		}
		errs = append(errs, control.ParamError{Name: problem.Name + problem.Element, Problem: text})
	}
	if len(errs) > 0 {
		return errs
	}
	return nil
}
