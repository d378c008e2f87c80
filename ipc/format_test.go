package ipc

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every document of a format names the version of the layout that the code has; one that is added here names its own.
func TestFormatDocuments(t *testing.T) {
	versions := map[string]string{"ring.md": fmt.Sprintf("Layout version: **%d**", layoutVersion)}
	documents, err := filepath.Glob("../docs/format/*")
	if err != nil || len(documents) == 0 {
		t.Fatal("no documents", err)
	}
	for _, path := range documents {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if want := versions[filepath.Base(path)]; want == "" || strings.Count(string(text), "ayout version: **") != 1 || !strings.Contains(string(text), want) {
			t.Errorf("%s does not say %q, or says another too", path, want)
		}
	}
}
