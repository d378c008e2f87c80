// Package control is the control plane: what host and strategy process say to each other besides the data plane
// (Strategy, over go-plugin), and what the command line and a running host say to each other (Runner, over a unix
// socket). It is the only package that knows go-plugin, gRPC and the generated messages.
//
// The host makes one Spawner and calls Launch for every strategy process; the Process it gets is a Strategy. The
// plugin side calls ServeStrategy once from main. Memory that crosses the plane is copied; the file descriptors given
// to Launch stay the caller's, the child has its own.
//
// Every method may be called from any goroutine. A Strategy's calls wait for the other process until their context
// ends, so a caller that must not hang passes a deadline: a stopped process answers nothing. There is no queue that
// could be full: a backtest whose updates are not taken waits. When the process is gone, every call that is under way
// and every later one returns an error that errors.Is ErrPluginExited, whatever gRPC said; when the host is gone, the
// plugin ends itself (the kernel kills it on Linux, and everywhere its lifeline, a pipe only the host holds open, reads
// end of file). A Process must be closed also when the plugin ended by itself. Calls over the control socket return
// ErrNoHost when nobody listens.
package control
