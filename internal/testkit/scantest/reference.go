package scantest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// Reference decodes messages with encoding/json, as plainly as possible. Names are compared exactly and every number
// may be in quotes.
type Reference struct {
	// Spot selects the spot venue's rules in place of those of futures.
	Spot bool
	// AggTrades takes aggTrade in place of trade.
	AggTrades bool
}

var _ connector.Decoder = Reference{}

type fields map[string]json.RawMessage

// Decode fills m as the venue's decoder has to.
func (r Reference) Decode(localTimestampNs int64, raw []byte, m *connector.Message) error {
	m.Reset()
	if !json.Valid(raw) {
		return errors.New("not valid JSON")
	}
	var f fields
	if json.Unmarshal(raw, &f) != nil {
		return nil // no object
	}
	enveloped, partial := false, r.partial(f)
	if data := bytes.TrimSpace(f["data"]); len(data) > 0 && data[0] == '{' {
		enveloped, f = true, nil
		if err := json.Unmarshal(data, &f); err != nil {
			return err
		}
	}
	if f["e"] == nil {
		switch {
		case f["lastUpdateId"] != nil && !enveloped:
			return r.snapshot(f, localTimestampNs, m)
		case r.Spot && f["u"] != nil && f["B"] != nil && f["A"] != nil:
			return r.bookTicker(f, localTimestampNs, m)
		}
		return nil
	}
	return r.event(f, localTimestampNs, partial, m)
}

// partial reports whether the message is of a stream like btcusdt@depth20: a book that looks like a difference.
func (r Reference) partial(f fields) bool {
	stream, err := f.text("stream")
	_, of, _ := strings.Cut(stream, "@depth")
	return err == nil && !r.Spot && of != "" && unicode.IsDigit(rune(of[0]))
}

// event fills m from an event that says what it is.
func (r Reference) event(f fields, localTimestampNs int64, partial bool, m *connector.Message) error {
	event, _ := f.text("e")
	switch event {
	case "depthUpdate":
		if partial {
			return nil
		}
		return r.depth(f, localTimestampNs, m)
	case "bookTicker":
		return r.bookTicker(f, localTimestampNs, m)
	case "trade":
		executionType, _ := f.text("X")
		switch {
		case r.AggTrades || !r.Spot && executionType == "":
		case r.Spot || executionType == "MARKET":
			return r.trade(f, localTimestampNs, m)
		default:
			return r.offBookTrade(f, localTimestampNs, m)
		}
	case "aggTrade":
		if r.AggTrades {
			return r.aggTrade(f, localTimestampNs, m)
		}
	}
	return nil
}

func (r Reference) offBookTrade(f fields, localTimestampNs int64, m *connector.Message) error {
	if err := r.trade(f, localTimestampNs, m); err != nil {
		return err
	}
	if e := &m.Events[0]; e.Px == 0 || e.Qty == 0 {
		m.Reset()
	} else {
		e.SetKind(hft.OffBookTrade)
	}
	return nil
}

func (r Reference) aggTrade(f fields, localTimestampNs int64, m *connector.Message) error {
	if err := r.trade(f, localTimestampNs, m); err != nil || r.Spot || f["nq"] == nil {
		return err
	}
	normal, err := decimal(f["nq"])
	if err != nil {
		return err
	}
	off := m.Events[0].Qty - normal
	if off < 1e7 {
		off = math.Round(off*1e8) / 1e8
	}
	if off < 0 {
		return errors.New("nq is more than q")
	}
	if off == 0 {
		return nil
	}
	rest := m.Events[0]
	m.Events[0].Qty, rest.Qty = normal, off
	rest.SetKind(hft.OffBookTrade)
	if m.Events = append(m.Events, rest); normal == 0 {
		m.Events = m.Events[1:]
	}
	return nil
}

func (r Reference) snapshot(f fields, localTimestampNs int64, m *connector.Message) (err error) {
	m.Kind = connector.MessageSnapshot
	if m.LastID, err = f.whole("lastUpdateId"); err != nil {
		return err
	}
	if !r.Spot {
		if m.ExchTimestampNs, err = f.timeNs("T", "E"); err != nil {
			return err
		}
	}
	return f.levels(m, "bids", "asks", hft.DepthSnapshotEvent, localTimestampNs)
}

func (r Reference) depth(f fields, localTimestampNs int64, m *connector.Message) (err error) {
	m.Kind = connector.MessageDepth
	times := []string{"T", "E"}
	if r.Spot {
		times = []string{"E"}
	}
	if err = f.head(m, times...); err != nil {
		return err
	}
	if m.ExchTimestampNs == 0 {
		return errors.New("no time")
	}
	if m.FirstID, err = f.whole("U"); err != nil {
		return err
	}
	if m.LastID, err = f.whole("u"); err != nil {
		return err
	}
	m.HasPrevID = f["pu"] != nil
	if !r.Spot && m.HasPrevID {
		if m.PrevID, err = f.whole("pu"); err != nil {
			return err
		}
	}
	return f.levels(m, "b", "a", hft.DepthEvent, localTimestampNs)
}

func (r Reference) bookTicker(f fields, localTimestampNs int64, m *connector.Message) (err error) {
	m.Kind = connector.MessageBBO
	if err = f.head(m, "T", "E"); err != nil {
		return err
	}
	if !r.Spot && m.ExchTimestampNs == 0 {
		return errors.New("no time")
	}
	if m.LastID, err = f.whole("u"); err != nil {
		return err
	}
	if err = f.row(m, f["b"], f["B"], hft.BuyEvent|hft.DepthBBOEvent, localTimestampNs); err != nil {
		return err
	}
	return f.row(m, f["a"], f["A"], hft.SellEvent|hft.DepthBBOEvent, localTimestampNs)
}

func (r Reference) trade(f fields, localTimestampNs int64, m *connector.Message) error {
	m.Kind = connector.MessageTrade
	if err := f.head(m, "T", "E"); err != nil {
		return err
	}
	if m.ExchTimestampNs == 0 {
		return errors.New("no time")
	}
	first, last := "t", "t"
	if f["t"] == nil {
		first, last = "f", "l"
	}
	var err error
	if f[first] != nil {
		if m.FirstID, err = f.whole(first); err != nil {
			return err
		}
	}
	if f[last] != nil {
		if m.LastID, err = f.whole(last); err != nil {
			return err
		}
	}
	var buyerIsMaker *bool
	if err := json.Unmarshal(f["m"], &buyerIsMaker); err != nil || buyerIsMaker == nil {
		return errors.New("m is not a bool")
	}
	side := hft.BuyEvent
	if *buyerIsMaker {
		side = hft.SellEvent
	}
	return f.row(m, f["p"], f["q"], side|hft.TradeEvent, localTimestampNs)
}

// head reads symbol and time.
func (f fields) head(m *connector.Message, times ...string) (err error) {
	symbol, err := f.text("s")
	if err != nil {
		return err
	}
	m.Symbol = []byte(symbol)
	m.ExchTimestampNs, err = f.timeNs(times...)
	return err
}

func (f fields) levels(m *connector.Message, bids, asks string, kind uint64, localTimestampNs int64) error {
	for _, side := range []struct {
		name string
		flag uint64
	}{{bids, hft.BuyEvent}, {asks, hft.SellEvent}} {
		var rows []json.RawMessage
		if err := json.Unmarshal(f[side.name], &rows); err != nil || rows == nil {
			return fmt.Errorf("%s is not an array", side.name)
		}
		for _, raw := range rows {
			var row []json.RawMessage
			if err := json.Unmarshal(raw, &row); err != nil || len(row) < 2 {
				return errors.New("a row is not a pair")
			}
			if err := f.row(m, row[0], row[1], side.flag|kind, localTimestampNs); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f fields) row(m *connector.Message, price, qty json.RawMessage, ev uint64, localTimestampNs int64) error {
	px, err := decimal(price)
	if err != nil {
		return err
	}
	q, err := decimal(qty)
	if err != nil {
		return err
	}
	exchTimestampNs := m.ExchTimestampNs
	if exchTimestampNs == 0 {
		exchTimestampNs = localTimestampNs
	}
	m.Events = append(m.Events, hft.Event{Ev: hft.LocalEvent | ev, ExchTimestampNs: exchTimestampNs,
		LocalTimestampNs: localTimestampNs, Px: px, Qty: q})
	return nil
}

func (f fields) text(name string) (string, error) {
	var text *string
	if err := json.Unmarshal(f[name], &text); err != nil || text == nil {
		return "", fmt.Errorf("%s is not a string", name)
	}
	return *text, nil
}

func (f fields) whole(name string) (int64, error) {
	text, err := number(f[name])
	if err != nil {
		return 0, err
	}
	value, ok := new(big.Rat).SetString(text)
	if !ok || !value.IsInt() || !value.Num().IsInt64() {
		return 0, fmt.Errorf("%s is not a whole number", name)
	}
	return value.Num().Int64(), nil
}

func (f fields) timeNs(names ...string) (int64, error) {
	for _, name := range names {
		if f[name] == nil {
			continue
		}
		t, err := f.whole(name)
		ns, _, ok := hft.UnixNs(t, time.Millisecond)
		if err == nil && !ok {
			err = errors.New("no time")
		}
		return ns, err
	}
	return 0, nil
}

var numberForm = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][+-]?0*[0-9]{1,3})?$`)

// number returns a number as text, with or without quotes in the message.
func number(raw json.RawMessage) (string, error) {
	text := string(bytes.TrimSpace(raw))
	if len(text) > 0 && text[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return "", err
		}
	}
	if !numberForm.MatchString(text) {
		return "", fmt.Errorf("%q is not a number", text)
	}
	return text, nil
}

func decimal(raw json.RawMessage) (float64, error) {
	text, err := number(raw)
	if err != nil {
		return 0, err
	}
	value, err := strconv.ParseFloat(text, 64)
	if err == nil && value < 0 {
		err = errors.New("negative")
	}
	return value, err
}
