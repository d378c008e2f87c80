package hftrunner_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of packages in docs/architecture.md anew")

const architecture = "docs/architecture.md"

// TestImportRulesAreUsed finds rules and permissions that nothing needs any more.
func TestImportRulesAreUsed(t *testing.T) {
	packages := listPackages(t)
	for _, rule := range allowed {
		covered := slices.DeleteFunc(slices.Clone(packages), func(p pkg) bool {
			r, _ := ruleFor(p.path())
			return r.from != rule.from
		})
		if len(covered) == 0 {
			t.Errorf("the rule for %s is for no package", rule.from)
		}
		for _, to := range rule.to {
			if !slices.ContainsFunc(covered, func(p pkg) bool {
				return slices.ContainsFunc(p.Imports, func(i string) bool { return matches(own+to, i) })
			}) {
				t.Errorf("%s may import %s and does not", rule.from, to)
			}
		}
	}
	for _, m := range monopolies {
		for _, by := range m.by {
			if !slices.ContainsFunc(packages, func(p pkg) bool {
				return matches(by, p.path()) && slices.ContainsFunc(p.Imports, func(i string) bool { return i == m.what || strings.HasPrefix(i, m.what+"/") })
			}) {
				t.Errorf("%s may import %s and does not", by, m.what)
			}
		}
	}
}

// TestPackageTable compares the table of packages in docs/architecture.md with the packages: what their documentation says
// that they are, and what they may import.
func TestPackageTable(t *testing.T) {
	var table strings.Builder
	table.WriteString("| package | what | may import |\n| --- | --- | --- |\n")
	what := regexp.MustCompile(`^(Package|Command) \S+ (is |holds )?`)
	for _, p := range listPackages(t) {
		rule, _ := ruleFor(p.path())
		to := ""
		if len(rule.to) > 0 {
			to = "`" + strings.Join(rule.to, " ") + "`"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", p.path(), strings.TrimSuffix(what.ReplaceAllString(p.Doc, ""), "."), to)
	}
	page, err := os.ReadFile(architecture)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := []byte("<!-- packages -->\n"), []byte("<!-- end of packages -->\n")
	before, rest, ok := bytes.Cut(page, begin)
	now, after, ended := bytes.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has no %q with %q behind it", architecture, begin, end)
	}
	if string(now) == table.String() {
		return
	}
	if *update {
		if err := os.WriteFile(architecture, slices.Concat(before, begin, []byte(table.String()), end, after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("the table of packages in %s is not up to date: run go test -run TestPackageTable . -update", architecture)
}

// TestDependencyTable: each direct dependency has its reason in docs/architecture.md, and no other has one.
func TestDependencyTable(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{if not (or .Indirect .Main)}}{{.Path}}{{end}}", "all").Output()
	if err != nil {
		t.Fatalf("go list -m: %v", err)
	}
	page, err := os.ReadFile(architecture)
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(page), "\n## Direct dependencies\n")
	if !ok {
		t.Fatalf("%s has no section on direct dependencies", architecture)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var reasoned []string
	for _, row := range regexp.MustCompile(`(?m)^\| (.*?) \|`).FindAllStringSubmatch(section, -1) {
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			reasoned = append(reasoned, name[1])
		}
	}
	direct := strings.Fields(string(out))
	for _, path := range direct {
		if !slices.ContainsFunc(reasoned, func(name string) bool { return strings.HasSuffix(path, name) }) {
			t.Errorf("%s has no reason in %s", path, architecture)
		}
	}
	for _, name := range reasoned {
		if !slices.ContainsFunc(direct, func(path string) bool { return strings.HasSuffix(path, name) }) {
			t.Errorf("%s has a reason in %s and is no direct dependency", name, architecture)
		}
	}
}
