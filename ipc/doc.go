// Package ipc is the data plane between the host and the strategy processes: market feeds one way, orders, state and
// errors back and forth, all through shared memory.
package ipc
