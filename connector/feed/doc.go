// Package feed turns what a venue says about one symbol into what is published of it, for connectors that are made without
// package venue. A Book decides what is dropped, when a book is complete and when it is lost, and counts what it finds; what
// comes out are rows that a plain book can apply. The live venues of this module, replay and conversion use the same rules.
//
// A Book has no lock: who may call it from two goroutines has to have one. The rows in Out are the message's or the Book's
// and valid until the next call. In step nothing is allocated once the Book has seen its levels. There is nothing to close.
package feed
