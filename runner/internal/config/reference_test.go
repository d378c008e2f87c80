package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/hftrunner/hftrunner/internal/settings"
	"github.com/hftrunner/hftrunner/internal/venues"
)

// reference prints the table as docs/config.md has it.
func reference(t *testing.T) string {
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

This page is printed from the tags of the structs that a file is checked against and read into
(` + "`runner/internal/config/file.go`, `backtest.go`, and `settings.go`" + ` of each venue). ` + "`runner validate --schema`" + ` prints the
same as a JSON Schema ([config.schema.json](config.schema.json)), in which a block is an object within one for each of its labels.
It is for editors and programs that write or check configurations; the runner reads HCL's native form only, no JSON.
`)
	for _, block := range schemaOf(t).Blocks {
		writeBlock(&b, block, "")
	}
	return b.String()
}

func writeBlock(b *strings.Builder, t *settings.Block, parent string) {
	head := t.Name
	for _, l := range t.Labels {
		text := strings.ToUpper(l.Name)
		if len(l.Choices) == 1 {
			text = l.Choices[0]
		}
		head += fmt.Sprintf(" %q", text)
	}
	path := strings.TrimSpace(parent + " › " + head)
	path = strings.TrimSpace(strings.TrimPrefix(path, "›"))
	fmt.Fprintf(b, "\n## `%s`\n\n%s\n", path, t.Doc)
	if t.Name == "risk" && parent != "runner" {
		return // the same settings as there
	}
	for _, l := range t.Labels {
		if len(l.Choices) > 1 {
			fmt.Fprintf(b, "\n%s is one of: `%s`.\n", strings.ToUpper(l.Name), strings.Join(l.Choices, "`, `"))
		}
	}
	if len(t.Settings) > 0 {
		b.WriteString("\n| argument | value | default | meaning |\n| --- | --- | --- | --- |\n")
	}
	for i := range t.Settings {
		s := &t.Settings[i]
		values := s.Values()
		if len(s.Choices) > 0 {
			values = "`" + strings.Join(s.Choices, "`, `") + "`"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", s.Name, values, defaultText(s), s.Doc)
	}
	for _, c := range t.Blocks {
		writeBlock(b, c, path)
	}
	for _, k := range t.Kinds {
		writeBlock(b, k, "")
	}
}

func defaultText(s *settings.Setting) string {
	switch {
	case s.Required():
		return "required"
	case s.Otherwise != "":
		return s.Otherwise
	case s.Default == "", reflect.DeepEqual(s.Default, []any{}):
		return "none"
	}
	return "`" + settings.Show(s.Default) + "`"
}

func TestReferenceIsCurrent(t *testing.T) {
	schema, err := JSONSchema(venues.Kinds())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"config.md": reference(t), "config.schema.json": string(schema)} {
		path := filepath.Join("..", "..", "..", "docs", name)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%v; run the test with -update", err)
		}
		if string(got) != want {
			t.Errorf("docs/%s is not what the settings say; run the test with -update", name)
		}
	}
}

// What is in the examples fits the JSON Schema, and what is wrong does not.
func TestJSONSchema(t *testing.T) {
	text, err := JSONSchema(venues.Kinds())
	if err != nil {
		t.Fatal(err)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
	if err != nil {
		t.Fatal(err)
	}
	check := func(source string) error {
		raw, err := json.Marshal(asJSON(parseTree(t, source)))
		if err != nil {
			t.Fatal(err)
		}
		var plain any
		if err := json.Unmarshal(raw, &plain); err != nil {
			t.Fatal(err)
		}
		return resolved.Validate(plain)
	}
	paths, err := filepath.Glob("../../../examples/*.hcl")
	if err != nil || len(paths) == 0 {
		t.Fatalf("examples: %v, %v", paths, err)
	}
	for _, path := range append(paths, "../../../runner.hcl") {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := check(string(source)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for wrong, source := range map[string]string{
		"type":    "runner { crash_loop_restarts = 1.5 }",
		"bound":   "runner { crash_loop_restarts = 0 }",
		"choice":  "runner { log_level = \"loud\" }",
		"missing": "strategy \"s\" {}",
		"speed":   "connector \"paper\" \"p\" { speed = 0 }",
	} {
		if check(source) == nil {
			t.Errorf("%s: %s passes", wrong, source)
		}
	}
}

// asJSON is a block as the schema has it, with the values of its expressions.
func asJSON(b *block) map[string]any {
	m := map[string]any{}
	for name, set := range b.args {
		m[name] = set.Go
		text, isText := set.Go.(string)
		if s := b.typ.Setting(name); s != nil && set.Text && isText {
			m[name] = s.Type.FromText(text)
		}
	}
	for _, c := range b.blocks {
		if c.implied {
			continue
		}
		at := m
		names := append([]string{c.typ.Name}, c.labels...)
		for _, name := range names[:len(names)-1] {
			if at[name] == nil {
				at[name] = map[string]any{}
			}
			at, _ = at[name].(map[string]any)
		}
		at[names[len(names)-1]] = asJSON(c)
	}
	return m
}

// Every setting and block says what it is for; the tags of all of them can be read, so every default is a value that passes.
func TestSettingsSayWhatTheyAreFor(t *testing.T) {
	var walk func(b *settings.Block)
	walk = func(b *settings.Block) {
		if b.Name != "" && b.Doc == "" {
			t.Errorf("block %s has no doc", b.Name)
		}
		for _, s := range b.Settings {
			if s.Doc == "" {
				t.Errorf("%s.%s has no doc", b.Name, s.Name)
			}
		}
		for _, c := range slices.Concat(b.Blocks, b.Kinds) {
			walk(c)
		}
	}
	walk(schemaOf(t))
}

func schemaOf(t *testing.T) *settings.Block {
	t.Helper()
	b, err := fileSchema(venues.Kinds())
	if err != nil {
		t.Fatal(err)
	}
	return b
}
