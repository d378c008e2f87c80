// Package control is the control plane: what host and strategy process, and command line and host, say to each other
// besides the data plane.
package control
