// Package blotter is the record of the orders that a runner has at one venue.
package blotter
