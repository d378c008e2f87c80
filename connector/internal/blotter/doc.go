// Package blotter is the record of the orders that a runner has at one venue: it decides what is sent and when, and
// turns what the venue says, in any order and number of times, into updates that a bot can rely on.
//
// A Blotter is a state machine without clock, socket or goroutine. Calls are of three kinds: the bots' (Submit, Cancel,
// Modify), the venue's (Report, Answered, Failed, Listed, Executions) and time's (Due). What follows from a call comes
// out of Output before the call returns: updates and errors for the bots, and requests to send.
//
// # What is promised
//
// Each execution is published once, whatever channels repeat it, and each order's end once. Published states never
// contradict the executions published: an order is shown as Filled, or as Canceled after a partial execution, when all of
// its executions have been. When the executed quantity is known and an execution does not come, it is asked for, and
// assumed at the average price when two answers about the order in a row have told that quantity, after two seconds at the
// earliest, which an error event of CodeFillAssumed says; the true report may come later and is not counted again. An execution after the end is still published, with the end as its status.
//
// Executed quantities only grow; where they are equal the status with the higher rank and the later time counts, and an
// end is never taken back. A submission whose outcome is unknown is shown as hft.StatusUnknown and asked about until
// the venue shows the order or has said twice, five seconds apart, that it does not know it. A cancel waits for the
// answer to the submission or modification before it (for the first question about a submission without an answer, too; it
// goes by client id where that question fails, and no refusal of it ends the order), is tried again when the venue is busy, and never ends an order by
// itself: when there is no such open order the request is answered and the order asked about. One that the venue refuses is
// answered with that and tried again every five seconds, until a modification says that the order is wanted. A modification may keep
// the order's ids or change them. An order that was taken for over and turns up is canceled.
//
// Submissions are never queued: while the venue takes none they are refused at once, with the reason. Refusals come as an
// update with Req hft.StatusRejected and, where something is wrong, as an OrderError. Events about the connection as a
// whole, such as a key that is not accepted, are for the caller to send.
//
// # What cannot be true
//
// A report is checked before anything of it counts: quantities are whole lots, cumulative ones lie within the order's and go
// with its status, executions within what is open and within the limit, prices and averages go with each other, fees with the
// value, times with the clock, terms with what was asked for, ids with the order. One that fails is dropped and the order is
// asked about by its client id. After three answers in a row that cannot be true or read, the instrument takes no new orders
// (CodeStopped), until one can be (CodeResumed). Cancels are sent all the time.
//
// What can be true and is not shows when channels are compared. An executed quantity that answers do not tell is dropped when
// they stay with less for five seconds. If more was published than they tell, the instrument takes no new orders until the
// runner is started again: an execution cannot be taken back.
//
// Questions and cancels of one order that follow each other get rarer, up to one in five seconds.
//
// # Adopted orders
//
// An open order of this runner that is not known, as after a restart, is adopted: published to the bot that its client
// order id names. What was executed before counts as published by the runner that sent it. Orders of others are ignored.
//
// # Memory and goroutines
//
// One goroutine at a time uses a Blotter; the caller has a lock. Output is called by that goroutine within a method and
// must not call back. Reports are not kept but their texts are, so these must not be views of a buffer that is used again.
// An order that is over is remembered for five minutes, then its memory is used again; there is no other bound on their
// number than the venue's on orders. Of executions the newest 4096 per symbol are remembered. A report about a known
// order allocates nothing. There is nothing to close.
package blotter
