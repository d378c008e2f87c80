// Package venue runs the connection to a live venue: streams, books, orders and their reconciliation, the same for every Protocol.
package venue
