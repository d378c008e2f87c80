// Package bybit has Bybit's linear perpetuals and futures, as connectors of kind "bybit". What speaks to the venue is
// in its internal packages.
//
// A Kind may be copied and used by any goroutine; what it opens says for itself who may use it and has to be closed.
package bybit

import (
	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/bybit/internal/linear"
)

// Kind returns the kind of this venue.
func Kind() connector.Kind { return linear.Kind() }
