// Package binance has Binance's two venues: USD-M futures and spot. Their addresses, protocols and limits are
// different; signatures, the REST client and the WebSocket API are the same.
//
// A Kind may be copied and used by any goroutine; what it opens says for itself who may use it and has to be closed.
package binance

import (
	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binancefutures"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binancespot"
)

// Futures returns the kind of USD-M futures.
func Futures() connector.Kind { return binancefutures.Kind() }

// Spot returns the kind of spot trading.
func Spot() connector.Kind { return binancespot.Kind() }
