// Package thirdparty compares the journal with external logs and databases: in one benchmark, what it costs a caller
// to hand over a record that a power cut may lose for ten milliseconds. It is a module of its own, which the product
// does not depend on.
package thirdparty
