package blotter_test

import (
	"fmt"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/internal/clientid"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// printer is an Output that says what it gets.
type printer struct{ clientID string }

func (p *printer) Send(a *blotter.Action) {
	p.clientID = a.ClientID
	fmt.Println("to the venue:", a.Request, a.Symbol, a.Qty)
}
func (p *printer) Error(e *connector.Error) { fmt.Println(e.LiveError.Error()) }
func (p *printer) Order(u *connector.OrderUpdate) {
	if u.Fill {
		fmt.Println("to the bot: executed", u.ExecQty, "at", u.ExecPrice())
	}
	fmt.Println("to the bot:", u.Status)
}

// The stream tells the execution before the answer to the submission comes; the answer is then no news.
func Example() {
	codec, err := clientid.New("hr", 1_790_000_000_000)
	if err != nil {
		panic(err)
	}
	out := new(printer)
	b, err := blotter.New(blotter.Config{Codec: codec, Output: out})
	if err != nil {
		panic(err)
	}
	if err := b.Register(blotter.Instrument{Symbol: "BTCUSDT", TickSize: 0.5, LotSize: 0.5}); err != nil {
		panic(err)
	}
	const nowNs = 1_790_000_000_000_000_000
	b.Submit(&connector.Order{Owner: connector.Owner{Bot: 7}, Order: hft.NewOrder(1, 200, 0.5, 1.5, hft.Buy, hft.Limit, hft.GTC)}, nowNs)
	report := protocol.Report{Symbol: "BTCUSDT", ClientID: out.clientID, VenueID: "42", Status: hft.StatusFilled, CumQty: 1.5, HasCum: true,
		TradeID: "9", LastQty: 1.5, LastPrice: 100, TimestampNs: nowNs}
	b.Report(&report, nowNs)
	b.Answered(out.clientID, blotter.Place, &protocol.Report{Channel: protocol.ChannelAck, Symbol: "BTCUSDT", ClientID: out.clientID, VenueID: "42",
		Status: hft.StatusNew, HasCum: true, TimestampNs: nowNs}, nowNs)
	fmt.Println(b.Open(), "open")
	// Output:
	// to the venue: submit BTCUSDT 1.5
	// to the bot: executed 1.5 at 100
	// to the bot: Filled
	// 0 open
}
