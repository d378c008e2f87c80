// Package config reads the runner's configuration: one HCL file, defaults below it, the environment and flags above.
//
// The layers are koanf's: defaults < file < environment (RUNNER_*) < flags. The file is parsed by HCL 2 and checked
// against the tags of the structs that it is decoded into (package settings; schema.go puts them together), from which the
// defaults and the reference in docs/config.md come too; a venue's settings are in its own package. This is the only package
// that knows koanf and HCL; what leaves it is a File of plain Go values.
//
// Everything that is wrong is reported at once, as Problems with file, line, column, the source line and the nearest
// known name. A value that came from a secret (an argument named api_key or secret, an environment variable with
// such a name, file()) is never part of a message.
//
// Load keeps nothing open and starts nothing: what it returns belongs to the caller. Functions here may be called from
// any goroutine; a File is not written to after Load has returned it. Nothing here can be full, and there is no peer.
package config
