// Package feed turns what a venue says about one symbol into what is published of it. Live connectors and replay use the
// same Book, so that a rule about the feed exists once:
//
//   - what a second connection brings again is dropped (Out.Seen);
//   - a message whose exchange time is more than a day from its receipt is not believed (CheckTimes, BadTime), nor one that
//     was received more than a minute before it happened: live by the venue's clock, as far as it is known, in a file by its
//     corrected local times. When the next message (in a file any other) is as early to a minute, the clock is wrong, not the message;
//   - a book is published when it is complete by the venue's rule, and only while it is (depthsync);
//   - depth stream and quote stream are fused by the venue's own sequence (Message.Seq): a quote that the depth stream has
//     passed changes nothing, and a depth message that a quote has passed changes only what the quote said nothing about.
//     A quote of an empty side removes all levels of it until then (EmptySide);
//   - a depth stream that says nothing while quotes change thousands of levels is no book any more (Gap);
//   - of books of several depths in a recording one is taken, the deepest, and the best bid and ask with it (OtherLevel); of the best bid
//     and ask alone, they are the book. A connection brings the one that was subscribed;
//   - a snapshot that the book does not need is compared with it (Mismatch); Natural books are not compared;
//   - what is found is counted in one Report, with the first examples of each Finding;
//   - what comes out are rows that a plain book can apply: never hft.DepthBBOEvent, and not crossed when a batch ends.
//
// # Memory and goroutines
//
// A Book has no lock: who may call it from two goroutines has to have one. The rows in Out are the message's or the Book's
// and valid until the next call. In step nothing is allocated once the Book has seen its levels. There is nothing to close.
package feed
