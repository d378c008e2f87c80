package rowfile

import (
	"path/filepath"
	"strconv"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/sim"
)

// orderParquet is an order row in Parquet.
type orderParquet struct {
	Kind          string  `parquet:"kind,dict"`
	TimestampNs   int64   `parquet:"ts,timestamp(nanosecond)"`
	AssetNo       int32   `parquet:"asset"`
	OrderID       uint64  `parquet:"order_id"`
	Side          int32   `parquet:"side"`
	OrdType       int32   `parquet:"ord_type"`
	TimeInForce   int32   `parquet:"tif"`
	PriceTick     int64   `parquet:"price_tick"`
	Qty           float64 `parquet:"qty"`
	LeavesQty     float64 `parquet:"leaves_qty"`
	ExecPriceTick int64   `parquet:"exec_price_tick"`
	ExecQty       float64 `parquet:"exec_qty"`
	Status        int32   `parquet:"status"`
	Req           int32   `parquet:"req"`
	Maker         bool    `parquet:"maker"`
	ExchTimestamp int64   `parquet:"exch_ts,timestamp(nanosecond)"`
	ReqTimestamp  int64   `parquet:"req_ts,timestamp(nanosecond)"`
	Reject        string  `parquet:"reject,dict"`
}

// CreateOrders begins dir/orders.csv and dir/orders.parquet.
func CreateOrders(dir string) (*Table[backtest.OrderRow], error) {
	return create(filepath.Join(dir, "orders"), layout[backtest.OrderRow, orderParquet]{
		columns: []string{"kind", "ts", "asset", "order_id", "side", "ord_type", "tif", "price_tick", "qty",
			"leaves_qty", "exec_price_tick", "exec_qty", "status", "req", "maker", "exch_ts", "req_ts", "reject"},
		text: orderText, row: orderRow})
}

func orderText(r *backtest.OrderRow, cells []string) {
	o := &r.Order
	copy(cells, []string{string(rune(r.Kind)), whole(r.TimestampNs), whole(r.AssetNo),
		strconv.FormatUint(o.OrderID, 10), whole(int8(o.Side)), whole(uint8(o.OrdType)), whole(uint8(o.TimeInForce)),
		whole(o.PriceTick), decimal(o.Qty), decimal(o.LeavesQty), whole(o.ExecPriceTick), decimal(o.ExecQty),
		whole(uint8(o.Status)), whole(uint8(o.Req)), bit(o.Maker), whole(o.ExchTimestampNs), whole(o.LocalTimestampNs),
		rejectName(r.Reject)})
}

func orderRow(r *backtest.OrderRow) orderParquet {
	o := &r.Order
	return orderParquet{Kind: string(rune(r.Kind)), TimestampNs: r.TimestampNs, AssetNo: r.AssetNo, OrderID: o.OrderID,
		Side: int32(o.Side), OrdType: int32(o.OrdType), TimeInForce: int32(o.TimeInForce), PriceTick: o.PriceTick,
		Qty: o.Qty, LeavesQty: o.LeavesQty, ExecPriceTick: o.ExecPriceTick, ExecQty: o.ExecQty, Status: int32(o.Status),
		Req: int32(o.Req), Maker: o.Maker, ExchTimestamp: o.ExchTimestampNs, ReqTimestamp: o.LocalTimestampNs,
		Reject: rejectName(r.Reject)}
}

// rejectName is the reason of a refusal in one word, empty when there is none.
func rejectName(r sim.Reject) string {
	switch r {
	case sim.NotRejected:
		return ""
	case sim.RejectUnknownOrder:
		return "unknown_order"
	case sim.RejectDuplicate:
		return "duplicate"
	case sim.RejectInvalid:
		return "invalid"
	case sim.RejectTooManyOrders:
		return "too_many_orders"
	case sim.RejectLost:
		return "lost"
	}
	return "other"
}
