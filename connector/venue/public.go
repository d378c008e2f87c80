package venue

import (
	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/internal/clientid"
)

// Codes of error events about orders; docs/connector.md says when they come.
const (
	CodeStopped = blotter.CodeStopped
	CodeResumed = blotter.CodeResumed
)

// OwnerOf returns whose order a client order id is, and which of its orders. ok is false for an id that a runner with
// this prefix cannot have made.
func OwnerOf(prefix, clientID string) (owner connector.Owner, orderID uint64, ok bool) {
	codec, err := clientid.New(prefix, firstNonce)
	if err != nil {
		return connector.Owner{}, 0, false
	}
	return codec.Decode(clientID)
}

// firstNonce is a time that a codec takes; one that only reads does not use it.
const firstNonce = 1_600_000_000_000
