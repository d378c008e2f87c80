package venue_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/valyala/fastjson"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/internal/venues"
)

// BenchmarkDecode decodes one message of each kind of each venue, beside two general JSON libraries that only take it
// apart, which is less than a decoder does: numbers and times stay texts, and nothing is looked up by its name.
func BenchmarkDecode(b *testing.B) {
	for _, d := range dialects() {
		for _, kind := range []struct{ name, pattern string }{{"depth", d.depth}, {"trade", d.trade}, {"bookTicker", d.quote}} {
			raw := fmt.Appendf(nil, kind.pattern, 12, 11)
			var m connector.Message
			besideLibraries(b, d.name+"/"+kind.name, raw, func() error { return d.decoder.Decode(1, raw, &m) })
			if len(m.Events) == 0 {
				b.Errorf("%s of %s has no events", kind.name, d.name)
			}
		}
	}
	settings, err := venues.Make("binancefutures", map[string]any{"network": "main", "api_key": "k", "secret": "s"})
	if err != nil {
		b.Fatal(err)
	}
	opened, err := venues.Open(venues.Config{Kind: "binancefutures", Settings: settings})
	if err != nil {
		b.Fatal(err)
	}
	p := opened.Protocol
	defer p.Close() //nolint:errcheck // nothing is open
	raw := []byte(`{"e":"ORDER_TRADE_UPDATE","E":1700000000000,"T":1700000000000,"o":{"s":"BTCUSDT","c":"t1a2b3c","S":"BUY","o":"LIMIT",` +
		`"f":"GTC","q":"0.500","p":"60000.10","ap":"60000.10","sp":"0","x":"TRADE","X":"PARTIALLY_FILLED","i":8886774,"l":"0.100","z":"0.100",` +
		`"L":"60000.10","n":"0.0120","N":"USDT","T":1700000000000,"t":77,"b":"0","a":"0","m":true,"R":false,"wt":"CONTRACT_PRICE","ot":"LIMIT",` +
		`"ps":"BOTH","cp":false,"rp":"0","pP":false,"si":0,"ss":0,"V":"EXPIRE_MAKER","pm":"NONE","gtd":0}}`)
	var reports reportCounter
	besideLibraries(b, "binancefutures/execution", raw, func() error { return p.DecodeUser(raw, &reports) })
	if reports == 0 {
		b.Error("the execution is not reported")
	}
}

// besideLibraries measures decode and what two libraries take of the same text.
func besideLibraries(b *testing.B, name string, raw []byte, decode func() error) {
	b.Helper()
	var parser fastjson.Parser
	for _, c := range []struct {
		name   string
		decode func() error
	}{
		{"hftrunner", decode},
		{"fastjson", func() error { _, err := parser.ParseBytes(raw); return err }},
		{"encoding-json", func() error { var v any; return json.Unmarshal(raw, &v) }},
	} {
		b.Run(name+"/"+c.name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if err := c.decode(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// reportCounter is a protocol.UserSink that counts reports.
type reportCounter int

func (r *reportCounter) Order(*protocol.Report)          { *r++ }
func (r *reportCounter) Position(protocol.Position)      {}
func (r *reportCounter) Balance(protocol.Balance)        {}
func (r *reportCounter) Account(*connector.AccountEvent) {}
func (r *reportCounter) Settled()                        {}
func (r *reportCounter) Renew(string)                    {}
