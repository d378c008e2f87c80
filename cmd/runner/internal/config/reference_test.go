package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// reference prints the table as docs/config.md has it.
func reference() string {
	var b strings.Builder
	b.WriteString(`# Configuration

One file in HCL 2, ` + "`runner.hcl`" + ` unless ` + "`--config`" + ` names another. ` + "`runner validate`" + ` checks it, the plugins it names
and their parameters, and reports everything that is wrong at once.

Settings come from four layers, each overriding the one before: the defaults below, the file, environment variables
` + "`RUNNER_<NAME>`" + ` for the runner block, and flags (` + "`--log-level`" + `).

Expressions may use arithmetic, strings with ` + "`${...}`" + ` inside, and two functions:

- ` + "`env(\"NAME\")`" + ` is an environment variable, which has to be set; ` + "`env(\"NAME\", \"default\")`" + ` may be left unset. Text from a
  variable is taken as a number or bool where one is wanted.
- ` + "`file(\"path\")`" + ` is the content of a file without white space at its ends; the path is relative to the configuration file.

Other paths are relative to the working directory. A duration is a string such as ` + "`\"250ms\"`" + ` or ` + "`\"1m30s\"`" + `. A block on one
line holds one argument; HCL wants several on lines of their own. Values of arguments named ` + "`" + strings.Join(secretNames(), "`, `") + "`" + `, of variables whose
name looks like a secret's, and of ` + "`file()`" + ` are never shown.

This page is printed from the table that the program checks a file against (` + "`cmd/runner/internal/config/schema.go`" + `).
`)
	for _, t := range fileSchema().blocks {
		writeBlock(&b, t, "")
	}
	return b.String()
}

func writeBlock(b *strings.Builder, t *blockType, parent string) {
	head := t.name
	for _, l := range t.labels {
		text := strings.ToUpper(l.name)
		if len(l.choices) == 1 {
			text = l.choices[0]
		}
		head += fmt.Sprintf(" %q", text)
	}
	path := strings.TrimSpace(parent + " › " + head)
	path = strings.TrimSpace(strings.TrimPrefix(path, "›"))
	fmt.Fprintf(b, "\n## `%s`\n\n%s\n", path, t.doc)
	for _, l := range t.labels {
		if len(l.choices) > 1 {
			fmt.Fprintf(b, "\n%s is one of: `%s`.\n", strings.ToUpper(l.name), strings.Join(l.choices, "`, `"))
		}
	}
	if len(t.args) > 0 {
		b.WriteString("\n| argument | value | default | meaning |\n| --- | --- | --- | --- |\n")
	}
	for i := range t.args {
		a := &t.args[i]
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", a.name, a.values(), a.defaultText(), a.doc)
	}
	for _, c := range t.blocks {
		writeBlock(b, c, path)
	}
	for _, k := range t.kinds {
		writeBlock(b, k, "")
	}
}

// values says which values an argument takes.
func (a *argument) values() string {
	if len(a.choices) > 0 {
		return "`" + strings.Join(a.choices, "`, `") + "`"
	}
	text := a.kind.within(a.bounds)
	if !a.bounds.set {
		text = a.kind.noun()
	}
	return strings.TrimSpace(text)
}

func (a *argument) defaultText() string {
	switch {
	case a.required:
		return "required"
	case a.otherwise != "":
		return a.otherwise
	case a.def == "", reflect.DeepEqual(a.def, []any{}):
		return "none"
	}
	return "`" + show(a.def) + "`"
}

func TestReferenceIsCurrent(t *testing.T) {
	path := filepath.Join("..", "..", "..", "..", "docs", "config.md")
	want := reference()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with -update", err)
	}
	if string(got) != want {
		t.Error("docs/config.md is not what the table says; run the test with -update")
	}
}

// Every argument and block says what it is for, and every default passes the checks that a file's value has to pass.
func TestTableIsComplete(t *testing.T) {
	var walk func(b *blockType)
	walk = func(b *blockType) {
		if b.name != "" && b.doc == "" {
			t.Errorf("block %s has no doc", b.name)
		}
		for i := range b.args {
			a := &b.args[i]
			if a.doc == "" || (a.required || a.otherwise != "") == (a.def != nil) {
				t.Errorf("%s.%s: doc %q, required %v, default %v", b.name, a.name, a.doc, a.required, a.def)
			}
			if a.def == nil {
				continue
			}
			if _, problem, _ := a.convert(value{goValue: a.def}); problem != "" && a.def != "" {
				t.Errorf("%s.%s: the default does not pass: %s", b.name, a.name, problem)
			}
		}
		for _, c := range slices.Concat(b.blocks, b.kinds) {
			walk(c)
		}
	}
	walk(fileSchema())
}
