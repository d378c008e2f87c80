// Command modulepath gives the module another path, in every go.mod, import and document of the clone: `make
// module-path NAME=…`. It is run at the root of the clone; what is not committed yet is changed, too.
package main

import (
	"bytes"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 2 || os.Args[1] == "" {
		fmt.Fprintln(os.Stderr,
			"modulepath: missing the new path of the module: make module-path NAME=example.com/you/hftrunner")
		os.Exit(2)
	}
	if err := rename(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "modulepath:", err)
		os.Exit(1)
	}
}

// rename changes the path of the module in the current directory to name.
func rename(name string) error {
	out, err := exec.Command("go", "list", "-m").Output()
	if err != nil {
		return fmt.Errorf("go list -m: %w", err)
	}
	old := strings.TrimSpace(string(out))
	if out, err := exec.Command("go", "mod", "edit", "-module="+name).CombinedOutput(); err != nil {
		return fmt.Errorf("%s is not a module path: %s", name, bytes.TrimSpace(out))
	}
	return filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			if d != nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "bin") {
				return fs.SkipDir
			}
			return err
		}
		return rewrite(path, old, name)
	})
}

// rewrite changes what one file says of the module's path, if it is one that does.
func rewrite(path, old, name string) error {
	var replacer *strings.Replacer
	switch {
	case filepath.Base(path) == "go.mod":
		replacer = strings.NewReplacer("module "+old+"\n", "module "+name+"\n", "module "+old+"/", "module "+name+"/",
			"replace "+old+" ", "replace "+name+" ", "\t"+old+" v", "\t"+name+" v", "require "+old+" v",
			"require "+name+" v")
	case strings.HasSuffix(path, ".go"), strings.HasSuffix(path, ".md"):
		replacer = strings.NewReplacer(`"`+old+`/`, `"`+name+`/`)
	default:
		return nil
	}
	before, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	after := []byte(replacer.Replace(string(before)))
	if bytes.Equal(before, after) {
		return nil
	}
	if strings.HasSuffix(path, ".go") { // imports are sorted
		if after, err = format.Source(after); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return os.WriteFile(path, after, 0o644)
}
