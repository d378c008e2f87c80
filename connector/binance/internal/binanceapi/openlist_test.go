package binanceapi

import (
	"errors"
	"testing"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// TestOpenList: a row that cannot be read does not hide the others, nor fail the reply.
func TestOpenList(t *testing.T) {
	const text = `[{"symbol":"S","clientOrderId":"a","price":"x"},5,{"clientOrderId":7,"price":"1"},{"clientOrderId":"b","price":"1"},{"clientOrderId":"","price":"1"},{"price":"1"}]`
	var open protocol.OpenList
	err := new(Parser).Parse([]byte(text), func(v Value) error {
		open = OpenList(v, func(row Value) (protocol.Report, error) {
			r := protocol.Report{ClientID: row.Text("clientOrderId"), Price: row.Decimal("price")}
			if r.ClientID == "" && row.Err() == nil {
				return r, errors.New("no order")
			}
			return r, nil
		})
		return nil
	})
	if err != nil || len(open.Orders) != 1 || open.Orders[0].ClientID != "b" || len(open.Unread) != 5 {
		t.Fatalf("%+v, %v", open, err)
	}
	for i, want := range []protocol.UnreadRow{{ClientID: "a", Symbol: "S"}, {Nameless: true}, {Nameless: true}, {},
		{Nameless: true}} {
		if got := open.Unread[i]; got.ClientID != want.ClientID || got.Symbol != want.Symbol ||
			got.Nameless != want.Nameless || got.Err == nil {
			t.Errorf("%d: %+v", i, got)
		}
	}
}
