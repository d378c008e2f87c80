// Package parity holds no code, only the tests that one strategy is treated alike wherever it runs.
//
// A script is a strategy whose every call is known, together with the market it runs in. It is played in three worlds:
//
//   - backtest: backtest.Backtest over rows in memory, in its default mode;
//   - paper: a host with the paper connector on a replay of recorded lines at full speed, and a bot that attached itself
//     by the attach socket, so with decoder, fused book, shared memory and the stepped clock;
//   - memory: live.LiveBot on a hub in memory whose clock stands until somebody waits, with the simulated exchange
//     behind it.
//
// Each world writes down for every call what it returned, at what time, and everything the bot shows afterwards: orders
// field by field, state values, latencies, last trades, the best prices; and whatever the order hook and the error
// handler were given. The three transcripts have to be the same text. Where that text is also right, the test that
// plays the script says what is to be found in it. docs/bot-contract.md puts the contract into words.
//
// # What cannot be compared
//
// ElapseBT passes time in the backtest only, which is its purpose. Two messages received in the same nanosecond are
// one in the backtest: its rows do not say where a message ends. A request that the latency model loses exists in the
// backtest only, and a request queue that is full or a host that is gone only where there is a host. A depth message
// that changes nothing in a host's fused book is not a message for its bots, while the backtest has its rows. After
// the end of data requests go nowhere, and with a host they may say that it is gone.
//
// # Books
//
// TestBooks gives recordings, among them one that the runner's recorder makes with gaps in it, to everything that makes
// a book of them: the live connector, as the runner has it, at a venue on this machine that sends what was recorded;
// replay; and convert with a backtest. All have to show the book that the venue's ids say, after each time of receipt,
// and to find the same about the messages.
//
// # Memory and goroutines
//
// Every script has worlds of its own, made and closed by its test. The tests need no recorded data and no network; the
// paper world uses sockets and shared memory of this machine.
package parity
