package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// mark is put on values that come from outside of the file; it stays on whatever is computed from them.
type mark string

const (
	// textMark: the value is text by origin, so a number or bool in it is taken as one.
	textMark mark = "text"
	// secretMark: the value is not to be shown.
	secretMark mark = "secret"
)

// maxIncludedBytes bounds what file() reads.
const maxIncludedBytes = 1 << 20

// evalContext returns the functions an expression may use. dir is the folder that file() is relative to.
func evalContext(dir string, lookupEnv func(string) (string, bool)) *hcl.EvalContext {
	return &hcl.EvalContext{Functions: map[string]function.Function{
		"env":  envFunction(lookupEnv),
		"file": fileFunction(dir),
	}}
}

// envFunction makes env("NAME") and env("NAME", "default").
func envFunction(lookup func(string) (string, bool)) function.Function {
	return function.New(&function.Spec{
		Params:   []function.Parameter{{Name: "name", Type: cty.String}},
		VarParam: &function.Parameter{Name: "default", Type: cty.String},
		Type:     function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if len(args) > 2 {
				return cty.NilVal, function.NewArgErrorf(2, `env takes a name and at most one default`)
			}
			name := args[0].AsString()
			value, ok := lookup(name)
			if !ok && len(args) == 1 {
				return cty.NilVal, function.NewArgErrorf(0,
					`environment variable %q is not set; set it, or add a default as env(%q, "...")`, name, name)
			}
			if !ok {
				value = args[1].AsString()
			}
			v := cty.StringVal(value).Mark(textMark)
			if secretName(name) {
				v = v.Mark(secretMark)
			}
			return v, nil
		},
	})
}

// secretName reports whether something of that name is likely a secret.
func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"secret", "key", "token", "passw", "credential"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// fileFunction makes file("path"), the trimmed content of a file relative to dir.
func fileFunction(dir string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			path := args[0].AsString()
			if !filepath.IsAbs(path) {
				path = filepath.Join(dir, path)
			}
			text, err := readIncluded(path)
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			return cty.StringVal(text).WithMarks(cty.NewValueMarks(textMark, secretMark)), nil
		},
	})
}

func readIncluded(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the file: %w; paths are relative to the configuration file", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxIncludedBytes {
		return "", fmt.Errorf("%s is not a plain file of at most 1 MiB", path)
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrPermission) {
		return "", fmt.Errorf("cannot read the file: %w; make it readable for the user that runs the runner", err)
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the file: %w", err)
	}
	return strings.TrimSpace(strings.ToValidUTF8(string(content), "�")), nil
}
