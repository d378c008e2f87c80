package venue_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/valyala/fastjson"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binancefutures"
	"github.com/hftrunner/hftrunner/connector/blotter"
	"github.com/hftrunner/hftrunner/connector/venue"
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
	config := binancefutures.Config{NowNs: func() int64 { return time.Now().UnixNano() },
		Settings: binancefutures.Settings{PublicURL: "ws://x", MarketURL: "ws://x", PrivateURL: "ws://x", APIURL: "http://x"}}
	config.APIKey, config.Secret = "k", "s"
	p, err := binancefutures.New(config)
	if err != nil {
		b.Fatal(err)
	}
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

// reportCounter is a venue.UserSink that counts reports.
type reportCounter int

func (r *reportCounter) Order(*blotter.Report)   { *r++ }
func (r *reportCounter) Position(venue.Position) {}
func (r *reportCounter) Balance(venue.Balance)   {}
func (r *reportCounter) Renew(string)            {}
