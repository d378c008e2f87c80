package parity_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestContractNamesScripts checks that every script that docs/bot-contract.md names exists, and that it names them all.
func TestContractNamesScripts(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "bot-contract.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, s := range scripts() {
		known[s.name] = false
	}
	text := strings.ReplaceAll(string(page), "**", "")
	for _, m := range regexp.MustCompile(`\*([^*]+)\*`).FindAllStringSubmatch(text, -1) {
		name := strings.Join(strings.Fields(m[1]), " ")
		if _, ok := known[name]; !ok {
			t.Errorf("the page names the script %q, which does not exist", name)
		}
		known[name] = true
	}
	for name, named := range known {
		if !named {
			t.Errorf("the page does not name the script %q", name)
		}
	}
}
