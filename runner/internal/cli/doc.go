// Package cli is the command line of the runner: commands, flags, exit codes and everything that is printed.
//
// An App gets all it acts on as values and functions (output, environment, signals, how to make a host, how to reach a
// running one), so that it can be tested whole without a process. Run executes one command line in the calling
// goroutine and returns its exit code; an App is used by one goroutine at a time. Commands that talk to a running
// host end with ExitNoHost when there is none or it goes away.
//
// Standard output carries results, standard error everything else; with --output json a result is one JSON object
// whose keys are stable.
package cli
