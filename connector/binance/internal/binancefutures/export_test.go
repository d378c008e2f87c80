package binancefutures

import "github.com/hftrunner/hftrunner/connector"

// Usual fills m from a difference of the book or a trade in one pass, where that is possible.
func (d *Decoder) Usual(localTimestampNs int64, raw []byte, m *connector.Message) bool {
	return d.usual(localTimestampNs, raw, m)
}
