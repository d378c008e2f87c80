package ring

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The document of the format names the version of the layout that the code has, and no other.
func TestFormatDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/format/ring.md")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("Layout version: **%d**", LayoutVersion)
	if strings.Count(string(text), "ayout version: **") != 1 || !strings.Contains(string(text), want) {
		t.Errorf("ring.md does not say %q, or says another too", want)
	}
}
