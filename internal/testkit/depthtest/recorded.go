package depthtest

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
)

// Tick and lot sizes of the recorded instruments.
const (
	BTCTickSize, BTCLotSize = 0.1, 0.001
	ETHTickSize, ETHLotSize = 0.01, 0.001
)

// SHA-256 of the rows of the recordings as hftbacktest converter writes them.
const (
	BTCEventsSHA256 = "239b41a6168b4f6833bbf552d215c672cfdd046a0847bfc5f288171e80995598"
	BTCRawSHA256    = "bdc992621cf7205cb32538e9d2be2e6e1c3b5d7a67bf7de3be6b5139062e381f"
	ETHEventsSHA256 = "1a4360ccedf652dcf4e6c13e49cd3d9ea86d5c70d6734853ba70e6d58e467e5d"
	ETHRawSHA256    = "d1cc817458e7deafc5c5c460d59b320ea21f55c2f1f3ca5bca27c5126a1cfa99"
)

// Recording is a recorded feed of Binance USD-M futures as event rows. Local times are shifted so that none lies
// before its exchange time, separately for the two lists.
type Recording struct {
	// Raw holds the rows in the order of capture, without EXCH and LOCAL flags, each best bid and ask of the quote
	// stream as two hft.DepthBBOEvent rows.
	Raw []hft.Event
	// Events holds the rows for a backtest: flagged hft.ExchEvent and hft.LocalEvent, ordered in both times, rows that
	// cannot be twice, once per flag. The quote stream is left out.
	Events []hft.Event
}

// recordings keeps what was converted, by file.
var recordings sync.Map

// RecordedBTC returns the recorded BTCUSDT feed. The test is skipped where it is not there; see package datatest.
func RecordedBTC(tb testing.TB) Recording {
	tb.Helper()
	return recorded(tb, "btcusdt_20240808.gz")
}

// RecordedETH returns the recorded ETHUSDT feed. The test is skipped where it is not there; see package datatest.
func RecordedETH(tb testing.TB) Recording {
	tb.Helper()
	return recorded(tb, "ethusdt_20240808.gz")
}

func recorded(tb testing.TB, name string) Recording {
	tb.Helper()
	path := datatest.Recording(tb, "binancefutures", name)
	if rec, ok := recordings.Load(path); ok {
		return rec.(Recording)
	}
	content, err := os.ReadFile(path)
	var rec Recording
	if err == nil {
		rec, err = Read(content)
	}
	if err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
	recordings.Store(path, rec)
	return rec
}

// RowsSHA256 returns the SHA-256 of rows in their file format, in hex.
func RowsSHA256(rows []hft.Event) string {
	h := sha256.New()
	var b [64]byte
	for i := range rows {
		e := &rows[i]
		for j, v := range [...]uint64{e.Ev, uint64(e.ExchTimestampNs), uint64(e.LocalTimestampNs),
			math.Float64bits(e.Px), math.Float64bits(e.Qty), e.OrderID, uint64(e.Ival), math.Float64bits(e.Fval)} {
			binary.LittleEndian.PutUint64(b[8*j:], v)
		}
		h.Write(b[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Read converts a recording of Binance USD-M futures, gzipped.
func Read(zipped []byte) (Recording, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		return Recording{}, err
	}
	raw := make([]hft.Event, 0, 1<<19)
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(make([]byte, 1<<20), 1<<24)
	for n := 1; lines.Scan(); n++ {
		if raw, err = appendLine(raw, lines.Bytes()); err != nil {
			return Recording{}, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return Recording{}, err
	}
	plain := make([]hft.Event, 0, len(raw))
	for _, e := range raw {
		if e.Kind() != hft.DepthBBOEvent {
			plain = append(plain, e)
		}
	}
	correctLocalTime(raw)
	correctLocalTime(plain)
	return Recording{Raw: raw, Events: orderBothTimes(plain)}, nil
}

// message is any line of a futures recording; which fields are there depends on its type. Price levels are decoded
// later because "b" and "a" are lists in one type and strings in another.
type message struct {
	Data struct {
		Type          string          `json:"e"`
		EventMs       int64           `json:"E"`
		TransactionMs int64           `json:"T"`
		TradeID       int64           `json:"t"` // not used, but "T" would take it otherwise
		Price         string          `json:"p"`
		Qty           string          `json:"q"`
		TradeType     string          `json:"X"`
		BuyerIsMaker  bool            `json:"m"`
		Bid           json.RawMessage `json:"b"`
		Ask           json.RawMessage `json:"a"`
		BidQty        string          `json:"B"`
		AskQty        string          `json:"A"`
	} `json:"data"`
	LastUpdateID  int64       `json:"lastUpdateId"`
	EventMs       int64       `json:"E"`
	TransactionMs int64       `json:"T"`
	Bids          [][2]string `json:"bids"`
	Asks          [][2]string `json:"asks"`
}

// lineRows appends the rows of one line, remembering the first error.
type lineRows struct {
	rows            []hft.Event
	exchNs, localNs int64
	err             error
}

func (l *lineRows) add(ev uint64, price, qty string) {
	px, errPx := strconv.ParseFloat(price, 64)
	q, errQty := strconv.ParseFloat(qty, 64)
	if l.err = cmp.Or(l.err, errPx, errQty); l.err == nil {
		l.rows = append(l.rows, hft.Event{Ev: ev, ExchTimestampNs: l.exchNs, LocalTimestampNs: l.localNs, Px: px,
			Qty: q})
	}
}

func (l *lineRows) addLevels(ev uint64, levels [][2]string) {
	for _, level := range levels {
		l.add(ev, level[0], level[1])
	}
}

func (l *lineRows) addSnapshot(side uint64, levels [][2]string) {
	if len(levels) > 0 {
		l.add(side|hft.DepthClearEvent, levels[len(levels)-1][0], "0")
		l.addLevels(side|hft.DepthSnapshotEvent, levels)
	}
}

func (l *lineRows) decode(raw json.RawMessage, into any) {
	l.err = cmp.Or(l.err, json.Unmarshal(raw, into))
}

func appendLine(rows []hft.Event, line []byte) ([]hft.Event, error) {
	stamp, body, ok := bytes.Cut(line, []byte(" "))
	if !ok {
		return nil, errors.New("no space after the receive time")
	}
	localNs, err := strconv.ParseInt(string(stamp), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("receive time: %w", err)
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	l := lineRows{rows: rows, localNs: localNs, exchNs: m.Data.TransactionMs * 1_000_000}
	switch d := &m.Data; {
	case m.LastUpdateID != 0:
		l.exchNs = m.TransactionMs * 1_000_000
		l.addSnapshot(hft.BuyEvent, m.Bids)
		l.addSnapshot(hft.SellEvent, m.Asks)
	case d.Type == "depthUpdate":
		var bids, asks [][2]string
		l.decode(d.Bid, &bids)
		l.decode(d.Ask, &asks)
		l.addLevels(hft.BuyEvent|hft.DepthEvent, bids)
		l.addLevels(hft.SellEvent|hft.DepthEvent, asks)
	case d.Type == "trade" && d.TradeType == "MARKET":
		side := hft.BuyEvent
		if d.BuyerIsMaker {
			side = hft.SellEvent
		}
		l.add(side|hft.TradeEvent, d.Price, d.Qty)
	case d.Type == "bookTicker":
		var bid, ask string
		l.decode(d.Bid, &bid)
		l.decode(d.Ask, &ask)
		l.add(hft.BuyEvent|hft.DepthBBOEvent, bid, d.BidQty)
		l.add(hft.SellEvent|hft.DepthBBOEvent, ask, d.AskQty)
	}
	return l.rows, l.err
}

// correctLocalTime shifts all local times so that the least latency is 0, if it is negative.
func correctLocalTime(rows []hft.Event) {
	var least int64
	for i := range rows {
		least = min(least, rows[i].LocalTimestampNs-rows[i].ExchTimestampNs)
	}
	for i := range rows {
		rows[i].LocalTimestampNs -= least
	}
}

// orderBothTimes merges the rows by exchange time and by local time into one list that is in order for both flags.
func orderBothTimes(rows []hft.Event) []hft.Event {
	byExch, byLocal := slices.Clone(rows), slices.Clone(rows)
	slices.SortStableFunc(byExch, func(x, y hft.Event) int { return cmp.Compare(x.ExchTimestampNs, y.ExchTimestampNs) })
	slices.SortStableFunc(byLocal,
		func(x, y hft.Event) int { return cmp.Compare(x.LocalTimestampNs, y.LocalTimestampNs) })
	merged := make([]hft.Event, 0, len(rows)+len(rows)/4)
	for len(byExch) > 0 || len(byLocal) > 0 {
		order := 1
		switch {
		case len(byLocal) == 0:
			order = -1
		case len(byExch) > 0:
			x, y := &byExch[0], &byLocal[0]
			order = cmp.Or(cmp.Compare(x.ExchTimestampNs, y.ExchTimestampNs),
				cmp.Compare(x.LocalTimestampNs, y.LocalTimestampNs))
		}
		var row hft.Event
		if order <= 0 {
			row, byExch = byExch[0], byExch[1:]
			row.Ev |= hft.ExchEvent
		}
		if order >= 0 {
			row = byLocal[0]
			byLocal = byLocal[1:]
			row.Ev |= hft.LocalEvent
		}
		if order == 0 {
			row.Ev |= hft.ExchEvent
		}
		merged = append(merged, row)
	}
	return merged
}
