package binanceapi

import (
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// OpenList reads a list of open orders, each row by itself: one that cannot be read does not hide the others. The venue
// gives every order a client id: a row without one may be anybody's.
func OpenList(list Value, read func(row Value) (protocol.Report, error)) (open protocol.OpenList) {
	_ = list.Each(func(row Value) error { // none fails
		row = row.Alone()
		r, err := read(row)
		if err == nil {
			err = row.Err()
		}
		if err == nil {
			open.Orders = append(open.Orders, r)
			return nil
		}
		id, symbol := row.Alone(), row.Alone()
		open.Unread = append(open.Unread, protocol.UnreadRow{ClientID: id.Text("clientOrderId"),
			Symbol: symbol.Text("symbol"), Nameless: !row.Has("clientOrderId") || id.Err() != nil, Err: err})
		return nil
	})
	return open
}
