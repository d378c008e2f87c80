package settings

import "reflect"

// Decode puts values, by name, and labels into a pointer to the struct that the block was read from, and defaults where
// there is no value. It returns everything that is wrong, in the order of the settings; what is wrong stays as it was.
// Names that the block does not know are the caller's to find.
func (b *Block) Decode(values map[string]Value, labels []string, into any) []Problem {
	target := reflect.ValueOf(into).Elem()
	for i := range b.Labels {
		if b.Labels[i].index == nil {
			continue // of no field
		}
		target.FieldByIndex(b.Labels[i].index).SetString(labels[i])
	}
	var problems []Problem
	for i := range b.Settings {
		s := &b.Settings[i]
		v, given := values[s.Name]
		switch {
		case given:
		case s.Default != nil:
			v = Value{Go: s.Default}
		case s.Required():
			problems = append(problems, s.missing())
			continue
		default:
			continue
		}
		converted, problem := s.Convert(v)
		if problem != nil {
			problems = append(problems, *problem)
			continue
		}
		field := target.FieldByIndex(s.index)
		field.Set(reflect.ValueOf(converted).Convert(field.Type()))
	}
	return problems
}

func (s *Setting) missing() Problem {
	return Problem{Name: s.Name, What: "is missing", Hint: s.Add(), Missing: true}
}

// Add describes what to write for a setting that has to be given.
func (s *Setting) Add() string {
	text := "add " + s.Name + " = ... (" + s.Type.Wants() + ")"
	if s.Doc != "" {
		text += ": " + s.Doc
	}
	return text
}

// Within returns a pointer to the place of a block within the struct that into points to, one that Decode takes: a new
// element of a slice, a new struct in a pointer, the struct itself.
func (c *Block) Within(into any) any {
	field := reflect.ValueOf(into).Elem().FieldByIndex(c.index)
	switch field.Kind() {
	case reflect.Slice:
		field.Set(reflect.Append(field, reflect.Zero(field.Type().Elem())))
		field = field.Index(field.Len() - 1)
	case reflect.Pointer:
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	return field.Addr().Interface()
}

// Value returns a setting of a pointer to the struct, nil when the block has none of that name.
func (b *Block) Value(of any, name string) any {
	if s := b.Setting(name); s != nil {
		return reflect.ValueOf(of).Elem().FieldByIndex(s.index).Interface()
	}
	return nil
}
