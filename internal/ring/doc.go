// Package ring is what both ends of the data plane lay out in shared memory, and say to each other when a process
// attaches: the segments and their words, the records of the rings, the messages of the attach socket. Package ipc has
// the bot's end, hostipc the host's. docs/format/ring.md describes it byte by byte.
//
// Records are converted word by word: what is read here is copied out of shared memory before anything looks at it, and
// nobody keeps a pointer into a ring. The functions allocate nothing but for errors and messages.
package ring
