package history

import (
	"context"
	"fmt"
)

// ExecutedOrder is an order of the venue with the sums of its executions in the journal, whoever they were booked to.
type ExecutedOrder struct {
	Symbol, VenueID, ClientID string
	Qty, Value                float64
	Executions                int
}

// Executed lists what the journal has of a connector's orders that were executed from one time of the venue to before
// another.
func (d *DB) Executed(ctx context.Context, connector string, sinceNs, untilNs int64) ([]ExecutedOrder, error) {
	rows, err := d.tx.QueryContext(ctx, "SELECT i.symbol, t.venue_order_id, max(t.client_id), sum(t.qty), "+
		"sum(t.qty * t.price), count(*) FROM executions t JOIN instruments i USING (instrument) WHERE ? = i.connector "+
		"AND venue_ns BETWEEN ? AND ? GROUP BY i.symbol, t.venue_order_id ORDER BY min(t.sequence)", connector, sinceNs,
		untilNs-1)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []ExecutedOrder
	for rows.Next() {
		var o ExecutedOrder
		if err := rows.Scan(&o.Symbol, &o.VenueID, &o.ClientID, (*orZero)(&o.Qty), (*orZero)(&o.Value),
			&o.Executions); err != nil {
			return nil, fmt.Errorf("history: %w", err)
		}
		all = append(all, o)
	}
	return all, rows.Err()
}

// BeginNs returns the host's time from which executions of a connector are known, 0 when there are none.
func (d *DB) BeginNs(ctx context.Context, connector string) (ns int64, err error) {
	err = d.tx.QueryRowContext(ctx, "SELECT coalesce(min(t.time_ns), 0) FROM executions t JOIN instruments i "+
		"USING (instrument) WHERE ? = i.connector", connector).Scan(&ns)
	if err != nil {
		return 0, fmt.Errorf("history: %w", err)
	}
	if ns == 0 || d.upTo.FirstNs < ns {
		ns = d.upTo.FirstNs
	}
	return ns, nil
}

// SymbolsAt lists the symbols that the journal has of a connector.
func (d *DB) SymbolsAt(ctx context.Context, connector string) ([]string, error) {
	return d.names(ctx, "SELECT symbol FROM instruments WHERE ? = connector ORDER BY symbol", connector)
}
