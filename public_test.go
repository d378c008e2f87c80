package hftrunner_test

import (
	"go/ast"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPublicIdentifiers counts what other modules can use: exported declarations, methods of exported types and of exported
// interfaces. There are not to be more: what no example, no other module and no exported signature needs is not exported, or
// internal.
func TestPublicIdentifiers(t *testing.T) {
	const ceiling, slack = 890, 60
	perPackage := make(map[string]int)
	sources(t, func(path string, file *ast.File, _ *token.FileSet) {
		dir := filepath.ToSlash(filepath.Dir(path))
		if strings.HasSuffix(path, "_test.go") || file.Name.Name == "main" || !public(dir) {
			return
		}
		for _, d := range file.Decls {
			perPackage[dir] += exportedIn(d)
		}
	})
	total := 0
	for _, n := range perPackage {
		total += n
	}
	if total <= ceiling && total >= ceiling-slack {
		return
	}
	names := slices.SortedFunc(maps.Keys(perPackage), func(a, b string) int { return perPackage[b] - perPackage[a] })
	t.Errorf("%d public identifiers, not %d or up to %d fewer: lower the ceiling, or export less", total, ceiling, slack)
	for _, name := range names {
		t.Logf("%5d %s", perPackage[name], name)
	}
}

// exportedIn counts the identifiers that a declaration exports.
func exportedIn(d ast.Decl) (n int) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver(d))) {
			n++
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if name.IsExported() {
						n++
					}
				}
			case *ast.TypeSpec:
				n += exportedOf(spec)
			}
		}
	}
	return n
}

// exportedOf counts a type and what an interface asks for.
func exportedOf(spec *ast.TypeSpec) (n int) {
	if !spec.Name.IsExported() {
		return 0
	}
	n = 1
	asks, ok := spec.Type.(*ast.InterfaceType)
	if !ok {
		return n
	}
	for _, m := range asks.Methods.List {
		if len(m.Names) > 0 && m.Names[0].IsExported() {
			n++
		}
	}
	return n
}

// receiver returns the name of the type that a method is of.
func receiver(f *ast.FuncDecl) string {
	of := f.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	name, ok := of.(*ast.Ident)
	if !ok {
		return ""
	}
	return name.Name
}
