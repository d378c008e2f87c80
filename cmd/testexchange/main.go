// Command testexchange is an exchange on this machine, for trying a live configuration without keys: it speaks the
// protocols of the real venues, matches orders on a synthetic or recorded market, and does wrong what it is told to.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newCommand(os.Stdout).ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "testexchange:", err)
		os.Exit(1)
	}
}
