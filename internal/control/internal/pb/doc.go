// Package pb is generated from the .proto files of the control plane; only package control uses it, and converts
// everything to its own types before anyone else sees it. It has no state: messages belong to whoever made them.
package pb
