// Command plugins is the plugins of the runner's tests: it is the one whose name it is called by.
package main

import (
	"log"
	"os"
	"path/filepath"
)

func main() {
	serve, ok := map[string]func(){"join": serveJoin, "loud": serveLoud, "panics": servePanics, "ladder": serveLadder,
		"churn": serveChurn, "rememberer": serveRememberer}[filepath.Base(os.Args[0])]
	if !ok {
		log.Fatalf("there is no plugin %s", os.Args[0])
	}
	serve()
}
