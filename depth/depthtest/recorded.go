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
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"hftrunner/hft"
)

// Tick and lot sizes of the recorded instruments.
const (
	BTCTickSize, BTCLotSize = 0.1, 0.001
	ETHTickSize, ETHLotSize = 0.01, 0.001
)

// SHA-256 of the rows of the recordings as the reference converter writes them.
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

var (
	recordedBTC = sync.OnceValues(func() (Recording, error) { return load("btcusdt_20240808.gz") })
	recordedETH = sync.OnceValues(func() (Recording, error) { return load("ethusdt_20240808.gz") })
)

// RecordedBTC returns the recorded BTCUSDT feed.
func RecordedBTC(tb testing.TB) Recording { return recorded(tb, recordedBTC) }

// RecordedETH returns the recorded ETHUSDT feed.
func RecordedETH(tb testing.TB) Recording { return recorded(tb, recordedETH) }

func recorded(tb testing.TB, get func() (Recording, error)) Recording {
	tb.Helper()
	rec, err := get()
	if err != nil {
		tb.Fatalf("the recorded feed is needed here; set HFTRUNNER_DATA to the folder of the recordings: %v", err)
	}
	return rec
}

// DataDir returns the folder of the recordings.
func DataDir() (string, error) {
	if dir := os.Getenv("HFTRUNNER_DATA"); dir != "" {
		return dir, nil
	}
	return sharedDir("data")
}

// Golden returns the content of a file of reference results.
func Golden(tb testing.TB, name string) []byte {
	tb.Helper()
	dir, err := sharedDir("golden")
	if err != nil {
		tb.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		tb.Fatalf("the reference results are needed here: %v", err)
	}
	return content
}

// sharedDir returns shared/name next to the repository, which is the nearest parent folder with a go.mod.
func sharedDir(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(filepath.Dir(dir), "shared", name), nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find the repository: no go.mod in any parent folder")
		}
		dir = parent
	}
}

// RowsSHA256 returns the SHA-256 of rows in their file format, in hex.
func RowsSHA256(rows []hft.Event) string {
	h := sha256.New()
	var b [64]byte
	for i := range rows {
		e := &rows[i]
		for j, v := range [...]uint64{e.Ev, uint64(e.ExchTimestampNs), uint64(e.LocalTimestampNs), math.Float64bits(e.Px),
			math.Float64bits(e.Qty), e.OrderID, uint64(e.Ival), math.Float64bits(e.Fval)} {
			binary.LittleEndian.PutUint64(b[8*j:], v)
		}
		h.Write(b[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

func load(name string) (Recording, error) {
	dir, err := DataDir()
	if err != nil {
		return Recording{}, err
	}
	file, err := os.Open(filepath.Join(dir, "binancefutures", name))
	if err != nil {
		return Recording{}, err
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return Recording{}, fmt.Errorf("read %s: %w", name, err)
	}
	raw := make([]hft.Event, 0, 1<<19)
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(make([]byte, 1<<20), 1<<24)
	for n := 1; lines.Scan(); n++ {
		if raw, err = appendLine(raw, lines.Bytes()); err != nil {
			return Recording{}, fmt.Errorf("%s line %d: %w", name, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return Recording{}, fmt.Errorf("read %s: %w", name, err)
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
		l.rows = append(l.rows, hft.Event{Ev: ev, ExchTimestampNs: l.exchNs, LocalTimestampNs: l.localNs, Px: px, Qty: q})
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
	slices.SortStableFunc(byLocal, func(x, y hft.Event) int { return cmp.Compare(x.LocalTimestampNs, y.LocalTimestampNs) })
	merged := make([]hft.Event, 0, len(rows)+len(rows)/4)
	for len(byExch) > 0 || len(byLocal) > 0 {
		order := 1
		switch {
		case len(byLocal) == 0:
			order = -1
		case len(byExch) > 0:
			x, y := &byExch[0], &byLocal[0]
			order = cmp.Or(cmp.Compare(x.ExchTimestampNs, y.ExchTimestampNs), cmp.Compare(x.LocalTimestampNs, y.LocalTimestampNs))
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
