package hftrunner_test

import (
	"go/ast"
	"go/token"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// internalInPublic lists the exported declarations, by folder and name, which mention types of internal packages. The list only
// gets shorter.
var internalInPublic = []string{
	"connector/venue Connector.Reports",
	"host Host.Adopt",
	"host Host.Halt",
	"host Host.Restart",
	"host Host.Resume",
	"host Host.Strategies",
	"host Host.Version",
	"host PluginInfo",
	"host StrategySummary",
	"host Summary",
	"pluginapi Describe",
}

// TestPublicSignatures keeps types of internal packages out of what other modules can use: they could not name them.
func TestPublicSignatures(t *testing.T) {
	found := map[string]string{}
	sources(t, func(name string, file *ast.File, _ *token.FileSet) {
		dir := filepath.ToSlash(filepath.Dir(name))
		if strings.HasSuffix(name, "_test.go") || file.Name.Name == "main" || !public(dir) {
			return
		}
		internal := map[string]string{}
		for _, i := range file.Imports {
			from := strings.Trim(i.Path.Value, `"`)
			if !strings.Contains(from, "/internal/") {
				continue
			}
			as := path.Base(from)
			if i.Name != nil {
				as = i.Name.Name
			}
			internal[as] = from
		}
		for _, d := range file.Decls {
			for of, part := range exportedParts(d) {
				mentioned(part, func(sel *ast.SelectorExpr) {
					if x, ok := sel.X.(*ast.Ident); ok && internal[x.Name] != "" {
						found[dir+" "+of] = x.Name + "." + sel.Sel.Name
					}
				})
			}
		}
	})
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if !slices.Contains(internalInPublic, name) {
			t.Errorf("%s is exported and mentions %s, which is internal", name, found[name])
		}
	}
	for _, name := range internalInPublic {
		if found[name] == "" {
			t.Errorf("%s mentions nothing internal any more: take it out of the list", name)
		}
	}
}

// public reports whether other modules can import the package in a folder, and it is a library.
func public(dir string) bool {
	inside := func(name string) bool { return slices.Contains(strings.Split(dir, "/"), name) }
	return !inside("internal") && !inside("testdata") && !inside("plugins") && !inside("thirdparty")
}

// mentioned calls fn for each name of another package in a type, without fields of structs and methods of interfaces that are
// not exported.
func mentioned(part ast.Node, fn func(sel *ast.SelectorExpr)) {
	ast.Inspect(part, func(n ast.Node) bool {
		var fields *ast.FieldList
		switch n := n.(type) {
		case *ast.SelectorExpr:
			fn(n)
			return false
		case *ast.StructType:
			fields = n.Fields
		case *ast.InterfaceType:
			fields = n.Methods
		default:
			return true
		}
		for _, field := range fields.List {
			if len(field.Names) == 0 || slices.ContainsFunc(field.Names, (*ast.Ident).IsExported) {
				mentioned(field.Type, fn)
			}
		}
		return false
	})
}

// exportedParts returns what others see of a declaration, by its name: the types of parameters and results, of constants and
// variables, and of what a type is made of.
func exportedParts(d ast.Decl) map[string]ast.Node {
	parts := map[string]ast.Node{}
	switch d := d.(type) {
	case *ast.FuncDecl:
		of := ""
		if d.Recv != nil {
			of = receiver(d)
		}
		if !d.Name.IsExported() || d.Recv != nil && !ast.IsExported(of) {
			return nil
		}
		parts[strings.TrimPrefix(of+"."+d.Name.Name, ".")] = d.Type
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				if spec.Type != nil && slices.ContainsFunc(spec.Names, (*ast.Ident).IsExported) {
					parts[spec.Names[0].Name] = spec.Type
				}
			case *ast.TypeSpec:
				if spec.Name.IsExported() {
					parts[spec.Name.Name] = spec.Type
				}
			}
		}
	}
	return parts
}
