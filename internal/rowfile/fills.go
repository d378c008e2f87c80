package rowfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/sim"
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
			Side: strings.ToLower(r.Side.String()), Maker: r.Maker, Cause: r.Cause.String(), OrderID: r.OrderID,
			Price: r.Price, Qty: r.Qty, Value: r.Value, Fee: r.Fee, Position: r.Position,
			JoinedFrontQty: r.JoinedFrontQty, RestedNs: r.RestedNs}
		if n := int(r.AssetNo); n >= 0 && n < len(symbols) {
			p.Symbol = symbols[n]
		}
		return p
	}
	return create(filepath.Join(dir, "fills"), layout[backtest.FillRow, fillParquet]{
		columns: []string{"exch_ts", "local_ts", "asset", "symbol", "side", "maker", "cause", "order_id", "price",
			"qty", "value", "fee", "position", "joined_front_qty", "rested_ns"},
		text: func(r *backtest.FillRow, cells []string) {
			p := row(r)
			copy(cells, []string{whole(p.ExchTimestampNs), whole(p.LocalTimestampNs), whole(p.AssetNo), p.Symbol,
				p.Side, bit(p.Maker), p.Cause, strconv.FormatUint(p.OrderID, 10), decimal(p.Price), decimal(p.Qty),
				decimal(p.Value), decimal(p.Fee), decimal(p.Position), decimal(p.JoinedFrontQty), whole(p.RestedNs)})
		}, row: row})
}

// ReadFills calls fn for each row of dir/fills.parquet, in their order, until it returns an error. The row is lent for
// the call; its cause and asset number are those of the file.
func ReadFills(dir string, fn func(row *backtest.FillRow) error) error {
	f, err := os.Open(filepath.Join(dir, "fills.parquet"))
	if err != nil {
		return fmt.Errorf("read fills: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read fills: %w", err)
	}
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return fmt.Errorf("read %s: %w; run the backtest again", f.Name(), err)
	}
	reader := parquet.NewGenericReader[fillParquet](file)
	defer reader.Close()
	packed := make([]fillParquet, 1024)
	for {
		n, err := reader.Read(packed)
		for i := range packed[:n] {
			p := &packed[i]
			row := backtest.FillRow{ExchTimestampNs: p.ExchTimestampNs, LocalTimestampNs: p.LocalTimestampNs,
				AssetNo: p.AssetNo, Side: sideOf(p.Side), Maker: p.Maker, Cause: causeOf(p.Cause), OrderID: p.OrderID,
				Price: p.Price, Qty: p.Qty, Value: p.Value, Fee: p.Fee, Position: p.Position,
				JoinedFrontQty: p.JoinedFrontQty, RestedNs: p.RestedNs}
			if err := fn(&row); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w; run the backtest again", f.Name(), err)
		}
	}
}

func sideOf(name string) hft.Side {
	for _, s := range []hft.Side{hft.Buy, hft.Sell} {
		if strings.EqualFold(s.String(), name) {
			return s
		}
	}
	return hft.SideNone
}

func causeOf(name string) sim.FillCause {
	for _, c := range []sim.FillCause{sim.CauseTaker, sim.CauseQueue, sim.CauseThrough, sim.CauseCrossed} {
		if c.String() == name {
			return c
		}
	}
	return sim.CauseNone
}
