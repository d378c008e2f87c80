package linear_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// reference decodes with encoding/json, as plainly as possible. Names are compared exactly and every number may be in
// quotes.
type reference struct {
	level int
	bbo   bool
}

type fields map[string]json.RawMessage

var (
	levelForm  = regexp.MustCompile(`^[0-9]{1,6}$`)
	numberForm = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$`)
)

func (r reference) Decode(localTimestampNs int64, raw []byte, m *connector.Message) error {
	m.Reset()
	if !json.Valid(raw) {
		return errors.New("not valid JSON")
	}
	var f fields
	if json.Unmarshal(raw, &f) != nil {
		return nil // no object
	}
	var topic string
	if json.Unmarshal(f["topic"], &topic) != nil {
		return nil
	}
	if symbol, ok := strings.CutPrefix(topic, "publicTrade."); ok {
		m.Symbol = []byte(symbol)
		return f.trades(m, localTimestampNs)
	}
	rest, ok := strings.CutPrefix(topic, "orderbook.")
	text, symbol, dot := strings.Cut(rest, ".")
	if !ok || !dot || !levelForm.MatchString(text) {
		return nil
	}
	level, _ := strconv.Atoi(text)
	bbo := level == 1 && r.bbo
	if !bbo && level != r.level && (r.level != 0 || level == 1) {
		return nil
	}
	m.Symbol, m.Level = []byte(symbol), level
	return f.book(m, localTimestampNs, bbo)
}

func (f fields) trades(m *connector.Message, localTimestampNs int64) error {
	var elements []json.RawMessage
	if err := json.Unmarshal(f["data"], &elements); err != nil || elements == nil {
		return errors.New("data is not an array")
	}
	for _, raw := range elements {
		var trade fields
		if err := json.Unmarshal(raw, &trade); err != nil || trade == nil {
			return errors.New("a trade is no object")
		}
		if bytes.HasPrefix(trade["data"], []byte("{")) {
			return errors.New("a trade has an object data")
		}
		var side string
		if err := json.Unmarshal(trade["S"], &side); err != nil {
			return err
		}
		ev := map[string]uint64{"Buy": hft.BuyEvent, "Sell": hft.SellEvent}[side]
		t, err := trade.timeNs("T")
		if err == nil && ev == 0 {
			err = errors.New("no side")
		}
		if err != nil {
			return err
		}
		seq := int64(0)
		if _, ok := trade["seq"]; ok {
			if seq, err = trade.whole("seq"); err != nil {
				return err
			}
		}
		if m.Kind != connector.MessageTrade {
			m.FirstID = seq
		}
		m.Kind, m.ExchTimestampNs, m.LastID = connector.MessageTrade, t, seq
		kind := hft.TradeEvent
		if string(trade["BT"]) == "true" || string(trade["RPI"]) == "true" {
			kind = hft.OffBookTrade
		}
		if err := appendRow(m, trade["p"], trade["v"], ev|kind, localTimestampNs); err != nil {
			return err
		}
	}
	return nil
}

func (f fields) book(m *connector.Message, localTimestampNs int64, bbo bool) (err error) {
	var data fields
	if err := json.Unmarshal(f["data"], &data); err != nil || data == nil {
		return errors.New("data is no object")
	}
	if m.SentNs, err = f.timeNs("ts"); err != nil {
		return err
	}
	if m.ExchTimestampNs = m.SentNs; f["cts"] != nil {
		if m.ExchTimestampNs, err = f.timeNs("cts"); err != nil {
			return err
		}
	}
	if m.LastID, err = data.whole("u"); err != nil {
		return err
	}
	m.FirstID = m.LastID
	if _, ok := data["seq"]; ok {
		if m.Seq, err = data.whole("seq"); err != nil {
			return err
		}
	}
	var text *string
	switch {
	case bbo:
		m.Kind = connector.MessageBBO
	case json.Unmarshal(f["type"], &text) != nil || text == nil:
		return errors.New("type is no string")
	case *text == "snapshot":
		m.Kind = connector.MessageSnapshot
	case *text == "delta":
		m.Kind = connector.MessageDepth
	default:
		return errors.New("type is unknown")
	}
	kind := map[connector.MessageKind]uint64{connector.MessageBBO: hft.DepthBBOEvent,
		connector.MessageSnapshot: hft.DepthSnapshotEvent, connector.MessageDepth: hft.DepthEvent}[m.Kind]
	for name, side := range map[string]uint64{"b": hft.BuyEvent, "a": hft.SellEvent} {
		var rows [][]json.RawMessage
		if err := json.Unmarshal(data[name], &rows); err != nil || rows == nil {
			return errors.New("no array of rows")
		}
		n := len(m.Events)
		for _, row := range rows {
			if len(row) < 2 {
				return errors.New("a row is not a pair")
			}
			if err := appendRow(m, row[0], row[1], side|kind, localTimestampNs); err != nil {
				return err
			}
		}
		if side == hft.BuyEvent { // the map may have given the asks first
			m.Events = append(m.Events[n:len(m.Events):len(m.Events)], m.Events[:n]...)
		}
	}
	return nil
}

func appendRow(m *connector.Message, price, qty json.RawMessage, ev uint64, localTimestampNs int64) error {
	e := hft.Event{Ev: hft.LocalEvent | ev, ExchTimestampNs: m.ExchTimestampNs, LocalTimestampNs: localTimestampNs}
	for raw, value := range map[*json.RawMessage]*float64{&price: &e.Px, &qty: &e.Qty} {
		text, err := number(*raw)
		if err != nil {
			return err
		}
		if *value, err = strconv.ParseFloat(text, 64); err != nil || *value < 0 {
			return fmt.Errorf("%q is no price or quantity", text)
		}
	}
	m.Events = append(m.Events, e)
	return nil
}

// number returns a number as text, with or without quotes in the message.
func number(raw json.RawMessage) (string, error) {
	text := string(raw)
	if bytes.HasPrefix(raw, []byte(`"`)) {
		if err := json.Unmarshal(raw, &text); err != nil {
			return "", err
		}
	}
	if !numberForm.MatchString(text) {
		return "", fmt.Errorf("%q is not a number", text)
	}
	return text, nil
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

func (f fields) timeNs(name string) (int64, error) {
	t, err := f.whole(name)
	ns, _, ok := hft.UnixNs(t, time.Millisecond)
	if err == nil && !ok {
		err = errors.New("no time")
	}
	return ns, err
}

var hugeExponent = regexp.MustCompile(`[eE][+-]?[0-9]{4}`)

// unsettled reports whether in raw, which is valid, an object has a name twice or a number has a huge exponent.
func unsettled(raw []byte) bool {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var value any
	if d.Decode(&value) != nil || hugeExponent.Match(raw) {
		return true
	}
	again, err := json.Marshal(value)
	return err != nil || tokens(again) != tokens(raw)
}

// tokens counts the tokens of raw.
func tokens(raw []byte) (n int) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	for {
		if _, err := d.Token(); err != nil {
			return n
		}
		n++
	}
}
