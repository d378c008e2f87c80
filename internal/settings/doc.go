// Package settings is one schema for everything that can be set: the blocks of the configuration and the parameters of
// plugins. A schema is read from the tags of a struct, checks values and puts them into such a struct; what is printed
// about settings comes from it too (JSONSchema, docs/config.md).
//
// A setting is an exported field with a tag hcl:
//
//	QuietLimit time.Duration `hcl:"quiet_limit" default:"30s" min:"1s" max:"1h" doc:"how long a book may be quiet"`
//
// Its tags are
//
//	default    what is taken when it is left out, as JSON; a string, duration or time without its quotes
//	otherwise  in place of default: whose value is taken then, in words; the field stays as it is
//	min, max   bounds of a number or duration, both allowed themselves
//	above      in place of min: not allowed itself
//	choices    the only strings allowed, with commas between
//	format     what a string has to be (ws, http, identifier, symbol, sha256, order_prefix, not_empty), or how a value is
//	           written: speed (a number or "max"), paths (one or a list)
//	doc        what it is for
//
// A setting without default and otherwise has to be given. Types are string, all int, uint and float types, bool,
// time.Duration, time.Time, []string, []int64, []float64 map[string][]string (files by symbol) and map[string]float64
// (money by currency).
//
// A field tagged hcl:"name,block" is a block within: a struct is there with its defaults when it is left out, a pointer
// is nil then, a slice takes any number. With hcl:"name,block,later" the caller decodes it. hcl:"name,label" is a label
// of the block, in the order of the fields, hcl:"name,free" a block whose settings are not known here. The fields of an
// embedded struct are its parent's; a tag otherwise at it stands for the defaults of all of them.
//
// Nothing here keeps a value or knows where it was written: a Problem names the setting, and whoever read the value
// knows the place. A Block may be changed until it is used; after that any goroutine may use it.
package settings
