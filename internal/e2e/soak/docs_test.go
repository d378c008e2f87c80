package soak

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentNamesTests: each test that the page about connectors names is there.
func TestDocumentNamesTests(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "connector.md"))
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err = filepath.WalkDir(filepath.Join("..", "..", ".."), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		for _, m := range function.FindAllSubmatch(code, -1) {
			there[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test[A-Z0-9]\\w*)`").FindAllSubmatch(page, -1)
	if len(named) < 30 {
		t.Errorf("the page names %d tests only", len(named))
	}
	for _, m := range named {
		if name := string(m[1]); name != "Testnet" && !there[name] {
			t.Errorf("docs/connector.md names %s, which is nowhere", name)
		}
	}
}
