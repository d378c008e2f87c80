// Package testplugins is the home of strategy plugins that misbehave, each in one way, for the tests of the host and of
// the control plane. It has no code of its own, only the tests that the plugins do what they say; each plugin is a
// main package in a folder of that name:
//
//   - exits ends before the handshake
//   - printsearly prints to standard output before the handshake
//   - failsconfig refuses every configuration
//   - prints prints to standard output while it runs
//   - panics panics after some feed events, in Run or in a goroutine of its own
//   - quits ends its process after some feed events
//   - hangs stops calling its bot after some feed events
//   - slowstop does not return when it is told to stop
//   - closes closes its bot itself, which it may
//   - garbage overwrites the shared memory it can write to
//
// All but exits, printsearly and garbage misbehave in a backtest as they do live.
//
// A plugin owns nothing that outlives its process. It is used by one host at a time, and what happens when it is
// full, closed or gone is what the tests are about.
package testplugins
