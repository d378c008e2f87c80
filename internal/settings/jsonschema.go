package settings

// JSONSchema returns the block as a JSON Schema of JSON in which the labels of a block are objects around it. Values
// are as expressions give them.
func (b *Block) JSONSchema() map[string]any {
	if len(b.Kinds) == 0 {
		return labelled(b.object(), b.Labels)
	}
	kinds := map[string]any{}
	for _, k := range b.Kinds {
		kinds[k.Labels[0].Choices[0]] = labelled(k.object(), k.Labels[1:])
	}
	return map[string]any{"type": "object", "description": b.Doc, "properties": kinds, "additionalProperties": false}
}

// labelled puts an object for each label around the innermost.
func labelled(object map[string]any, labels []Label) map[string]any {
	for range labels {
		object = map[string]any{"type": "object", "additionalProperties": object}
	}
	return object
}

func (b *Block) object() map[string]any {
	if b.Free {
		return map[string]any{"type": "object", "description": b.Doc}
	}
	properties := map[string]any{}
	required := []string{}
	for i := range b.Settings {
		s := &b.Settings[i]
		properties[s.Name] = s.jsonSchema()
		if s.Required() {
			required = append(required, s.Name)
		}
	}
	for _, c := range b.Blocks {
		properties[c.Name] = c.JSONSchema()
	}
	object := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		object["required"] = required
	}
	if b.Doc != "" {
		object["description"] = b.Doc
	}
	return object
}

func (s *Setting) jsonSchema() map[string]any {
	schema := s.Type.jsonSchema(s)
	if s.Doc != "" {
		schema["description"] = s.Doc
	}
	if s.Default != nil {
		schema["default"] = s.Default
	}
	return schema
}

func (t Type) jsonSchema(s *Setting) map[string]any {
	kind := func(name string) map[string]any { return map[string]any{"type": name} }
	if element, ok := t.Element(); ok {
		return map[string]any{"type": "array", "items": element.jsonSchema(s)}
	}
	switch t {
	case Bool:
		return kind("boolean")
	case Int, Float:
		return s.jsonBounds(kind(map[Type]string{Int: "integer", Float: "number"}[t]))
	case Uint:
		return s.jsonBounds(kind("integer"))
	case Speed:
		return map[string]any{"anyOf": []any{s.jsonBounds(kind("number")), map[string]any{"const": speedMax}}}
	case Paths:
		path := map[string]any{"type": "string", "minLength": 1}
		return map[string]any{"anyOf": []any{path, map[string]any{"type": "array", "items": path}}}
	case Files:
		return map[string]any{"type": "object", "minProperties": 1, "additionalProperties": Paths.jsonSchema(s)}
	case Money:
		return map[string]any{"type": "object", "additionalProperties": s.jsonBounds(kind("number"))}
	case Duration:
		return map[string]any{"type": "string",
			"pattern": `^[-+]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`}
	}
	schema := kind("string")
	if len(s.Choices) > 0 {
		choices := s.Choices
		if s.Default == "" {
			choices = append([]string{""}, choices...)
		}
		schema["enum"] = choices
	}
	return schema
}

func (s *Setting) jsonBounds(schema map[string]any) map[string]any {
	if s.Min != nil && s.Above {
		schema["exclusiveMinimum"] = *s.Min
	} else if s.Min != nil {
		schema["minimum"] = *s.Min
	}
	if s.Max != nil {
		schema["maximum"] = *s.Max
	}
	return schema
}
