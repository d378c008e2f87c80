package rowfile

import (
	"path/filepath"
	"strconv"
	"strings"

	"hftrunner/backtest"
)

// fillParquet is a fill in Parquet.
type fillParquet struct {
	ExchTimestampNs  int64   `parquet:"exch_ts,timestamp(nanosecond)"`
	LocalTimestampNs int64   `parquet:"local_ts,timestamp(nanosecond)"`
	AssetNo          int32   `parquet:"asset"`
	Symbol           string  `parquet:"symbol,dict"`
	Side             string  `parquet:"side,dict"`
	Maker            bool    `parquet:"maker"`
	Cause            string  `parquet:"cause,dict"`
	OrderID          uint64  `parquet:"order_id"`
	Price            float64 `parquet:"price"`
	Qty              float64 `parquet:"qty"`
	Value            float64 `parquet:"value"`
	Fee              float64 `parquet:"fee"`
	Position         float64 `parquet:"position"`
	JoinedFrontQty   float64 `parquet:"joined_front_qty"`
	RestedNs         int64   `parquet:"rested_ns"`
}

// CreateFills begins dir/fills.csv and dir/fills.parquet. symbols are the assets' by number.
func CreateFills(dir string, symbols []string) (*Table[backtest.FillRow], error) {
	row := func(r *backtest.FillRow) fillParquet {
		p := fillParquet{ExchTimestampNs: r.ExchTimestampNs, LocalTimestampNs: r.LocalTimestampNs, AssetNo: r.AssetNo,
			Side: strings.ToLower(r.Side.String()), Maker: r.Maker, Cause: r.Cause.String(), OrderID: r.OrderID, Price: r.Price, Qty: r.Qty,
			Value: r.Value, Fee: r.Fee, Position: r.Position, JoinedFrontQty: r.JoinedFrontQty, RestedNs: r.RestedNs}
		if n := int(r.AssetNo); n >= 0 && n < len(symbols) {
			p.Symbol = symbols[n]
		}
		return p
	}
	return create(filepath.Join(dir, "fills"), layout[backtest.FillRow, fillParquet]{
		columns: []string{"exch_ts", "local_ts", "asset", "symbol", "side", "maker", "cause", "order_id", "price", "qty", "value", "fee",
			"position", "joined_front_qty", "rested_ns"},
		text: func(r *backtest.FillRow, cells []string) {
			p := row(r)
			copy(cells, []string{whole(p.ExchTimestampNs), whole(p.LocalTimestampNs), whole(p.AssetNo), p.Symbol, p.Side, bit(p.Maker), p.Cause,
				strconv.FormatUint(p.OrderID, 10), decimal(p.Price), decimal(p.Qty), decimal(p.Value), decimal(p.Fee), decimal(p.Position),
				decimal(p.JoinedFrontQty), whole(p.RestedNs)})
		}, row: row})
}
