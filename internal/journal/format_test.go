package journal

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The document of the format names the version that the code writes, and no other.
func TestFormatDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/format/journal.md")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("Format version: **%d**", segmentVersion)
	if strings.Count(string(text), "ormat version: **") != 1 || !strings.Contains(string(text), want) {
		t.Errorf("journal.md does not say %q, or says another too", want)
	}
}
