package pluginapi

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test binary be a plugin as well: its first argument says which.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if role, ok := roles()[os.Args[1]]; ok {
			role()
			fmt.Fprintln(os.Stderr, "Serve has returned")
			os.Exit(9)
		}
	}
	goleak.VerifyTestMain(m)
}

func roles() map[string]func() {
	return map[string]func(){
		"serve":  func() { Serve(recorderPlugin(&recorder{})) },
		"joiner": func() { Serve(joinerPlugin()) },
		"mistake": func() {
			Serve(Plugin[struct {
				N int `hcl:"N"`
			}]{Name: "p", New: nil})
		},
	}
}
