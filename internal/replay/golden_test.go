package replay_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"slices"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/recording"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
)

func futures() connector.Decoder { return &early{binance.Futures().Format.NewDecoder()} }

// early decodes the exchange time of the tests' lines, 5 ms, as one that is before all their local times, so that no
// clock is to be corrected.
type early struct{ connector.Decoder }

func (d *early) Decode(localNs int64, raw []byte, m *connector.Message) error {
	if err := d.Decoder.Decode(localNs, raw, m); err != nil || m.ExchTimestampNs != 5e6 {
		return err
	}
	m.ExchTimestampNs = 1
	for i := range m.Events {
		m.Events[i].ExchTimestampNs = 1
	}
	return nil
}

// rawRows decodes a recording row by row as hftbacktest's converter does: without flags, and with a clear row before
// each side of a snapshot. lines limits the messages, 0 takes all.
func rawRows(t *testing.T, file string, lines uint64, bookTicker bool) []hft.Event {
	t.Helper()
	r, err := recording.Open(recording.Config{Files: []string{datatest.Recording(t, "binancefutures", file)},
		OnProblem: func(p recording.Problem) error { return p }})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var rows []hft.Event
	d := binance.Futures().Format.NewDecoder()
	var b connector.Message
	for n := uint64(1); ; n++ {
		localNs, line, err := r.Next()
		if err == io.EOF || lines > 0 && n > lines {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(localNs, line, &b); err != nil {
			t.Fatal(err)
		}
		if b.Kind == connector.MessageBBO && !bookTicker {
			continue
		}
		var cleared uint64
		for i, e := range b.Events {
			e.Ev &^= hft.LocalEvent
			if side := e.Ev & (hft.BuyEvent | hft.SellEvent); e.Kind() == hft.DepthSnapshotEvent && side != cleared {
				worst := i
				for worst+1 < len(b.Events) && b.Events[worst+1].Ev&side != 0 {
					worst++
				}
				rows = append(rows, hft.Event{Ev: hft.DepthClearEvent | side, ExchTimestampNs: e.ExchTimestampNs,
					LocalTimestampNs: e.LocalTimestampNs, Px: b.Events[worst].Px})
				cleared = side
			}
			rows = append(rows, e)
		}
	}
}

// correctLocal moves the local times so that no row is received before it happened, and returns the offset.
func correctLocal(rows []hft.Event) int64 {
	offset := int64(0)
	for _, e := range rows {
		offset = max(offset, e.ExchTimestampNs-e.LocalTimestampNs)
	}
	for i := range rows {
		rows[i].LocalTimestampNs += offset
	}
	return offset
}

// correctOrder gives each row the flags of the sides that can take it in the order of its times, twice where the
// orders conflict.
func correctOrder(rows []hft.Event) (out []hft.Event, both, exchOnly, localOnly int) {
	exch, local := slices.Clone(rows), slices.Clone(rows)
	slices.SortStableFunc(exch, func(a, b hft.Event) int { return cmp.Compare(a.ExchTimestampNs, b.ExchTimestampNs) })
	slices.SortStableFunc(local, func(a, b hft.Event) int { return cmp.Compare(a.LocalTimestampNs, b.LocalTimestampNs) })
	for len(exch) > 0 || len(local) > 0 {
		var row hft.Event
		order := -1
		switch {
		case len(local) == 0:
		case len(exch) == 0:
			order = 1
		default:
			order = cmp.Or(cmp.Compare(exch[0].ExchTimestampNs, local[0].ExchTimestampNs),
				cmp.Compare(exch[0].LocalTimestampNs, local[0].LocalTimestampNs))
		}
		switch {
		case order == 0:
			row, exch, local = exch[0], exch[1:], local[1:]
			row.Ev |= hft.ExchEvent | hft.LocalEvent
			both++
		case order < 0:
			row, exch = exch[0], exch[1:]
			row.Ev |= hft.ExchEvent
			exchOnly++
		default:
			row, local = local[0], local[1:]
			row.Ev |= hft.LocalEvent
			localOnly++
		}
		out = append(out, row)
	}
	return out, both, exchOnly, localOnly
}

func hash(t *testing.T, rows []hft.Event) string {
	t.Helper()
	var buf bytes.Buffer
	if err := binary.Write(&buf, binary.LittleEndian, rows); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(buf.Bytes())
	return hex.EncodeToString(sum[:])
}

// TestRawRowsEqualTheReference compares every row of both recordings with the reference's raw files.
func TestRawRowsEqualTheReference(t *testing.T) {
	for _, c := range []struct {
		symbol, file string
		rows         int
		offset       int64
		sha256       string
	}{
		{"BTCUSDT", "btcusdt_20240808.gz", 599014, 1272402468, "bdc992621cf7205cb32538e9d2be2e6e1c3b5d7a67bf7de3be6b5139062e381f"},
		{"ETHUSDT", "ethusdt_20240808.gz", 552724, 1272335332, "d1cc817458e7deafc5c5c460d59b320ea21f55c2f1f3ca5bca27c5126a1cfa99"},
	} {
		rows := rawRows(t, c.file, 0, true)
		if offset := correctLocal(rows); offset != c.offset || len(rows) != c.rows {
			t.Errorf("%s: %d rows, offset %d, want %d and %d", c.symbol, len(rows), offset, c.rows, c.offset)
		}
		if got := hash(t, rows); got != c.sha256 {
			t.Errorf("%s: the rows have the hash %s", c.symbol, got)
		}
	}
}

// TestConversionEqualsTheReference converts recordings as the reference's converter does (table 9.4 and the event
// files of the golden results) and compares row counts and hashes.
func TestConversionEqualsTheReference(t *testing.T) {
	for _, c := range []struct {
		symbol, file            string
		lines                   uint64
		depth, trade            int
		offset                  int64
		both, exchOnly, locOnly int
		sha256                  string
	}{
		{"BTCUSDT", "btcusdt_20240808.gz", 14000, 68140, 2235, 1270744430, 69662, 2715, 2715,
			"85973b19ab89e9266aa9466a0d46a38d3aee3e5e7e58aed9789feecf3ebb81b3"},
		{"ETHUSDT", "ethusdt_20240808.gz", 4000, 20349, 555, 1270413891, 20904, 2002, 2002,
			"5dbef3f9080d400f6e45bf6b59eb6ff6780695756499b18e7d89a3031824f69d"},
		{"BTCUSDT", "btcusdt_20240808.gz", 0, 0, 0, 1272156851, 441699, 25137, 25137,
			"239b41a6168b4f6833bbf552d215c672cfdd046a0847bfc5f288171e80995598"},
		{"ETHUSDT", "ethusdt_20240808.gz", 0, 0, 0, 1272228703, 437365, 7375, 7375,
			"1a4360ccedf652dcf4e6c13e49cd3d9ea86d5c70d6734853ba70e6d58e467e5d"},
	} {
		rows := rawRows(t, c.file, c.lines, false)
		kinds := make(map[uint64]int)
		for i := range rows {
			kinds[rows[i].Kind()]++
		}
		if kinds[hft.DepthClearEvent] != 2 || kinds[hft.DepthSnapshotEvent] != 2000 ||
			c.lines > 0 && (kinds[hft.DepthEvent] != c.depth || kinds[hft.TradeEvent] != c.trade) {
			t.Errorf("%s: rows by kind %v", c.symbol, kinds)
		}
		if offset := correctLocal(rows); offset != c.offset {
			t.Errorf("%s: offset %d, want %d", c.symbol, offset, c.offset)
		}
		out, both, exchOnly, localOnly := correctOrder(rows)
		if both != c.both || exchOnly != c.exchOnly || localOnly != c.locOnly {
			t.Errorf("%s: rows with both flags %d, exchange only %d, local only %d", c.symbol, both, exchOnly, localOnly)
		}
		if got := hash(t, out); got != c.sha256 {
			t.Errorf("%s %d: the rows have the hash %s", c.symbol, c.lines, got)
		}
	}
}
