// Command exits is a plugin that ends before the handshake.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "exits: I never wanted to be a plugin")
	os.Exit(3)
}
