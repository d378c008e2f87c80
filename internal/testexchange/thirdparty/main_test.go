package thirdparty_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"

	binance "github.com/adshao/go-binance/v2"
	"github.com/adshao/go-binance/v2/futures"
	"github.com/gorilla/websocket"

	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// nowhere is an address that nobody listens on.
const nowhere = "ws://127.0.0.1:1"

// socketAPI is the address to which go-binance's clients of the WebSocket API connect. They cannot be closed and
// connect again forever, so that they read the address while another test may write it.
var socketAPI atomic.Pointer[string]

// officialAddress is the address to which Bybit's own client connects, whatever URL it has.
var officialAddress atomic.Pointer[string]

// TestMain sees to it that no client reaches a real venue, whatever a test forgets.
func TestMain(m *testing.M) {
	futures.BaseWsMainUrl, futures.BaseCombinedMainURL = nowhere, nowhere
	binance.BaseWsMainURL, binance.BaseCombinedMainURL = nowhere, nowhere
	socketAPI.Store(new(nowhere))
	dial := func() (*websocket.Conn, error) {
		c, _, err := websocket.DefaultDialer.Dial(*socketAPI.Load(), nil)
		return c, err
	}
	futures.WsGetReadWriteConnection = func(*futures.WsConfig) (*websocket.Conn, error) { return dial() }
	binance.WsGetReadWriteConnection = func(*binance.WsConfig) (*websocket.Conn, error) { return dial() }
	officialAddress.Store(new("127.0.0.1:1"))
	websocket.DefaultDialer.NetDialTLSContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, *officialAddress.Load()) // without TLS: it is this machine
	}
	os.Exit(m.Run())
}

// A client library is pointed at the exchange by its base URL.
func Example() {
	exchange, err := testexchange.Start(testexchange.Config{Venues: []testexchange.Venue{testexchange.BinanceFutures},
		Background: testexchange.Still})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer exchange.Close()
	client := futures.NewClient(testexchange.DefaultAPIKey, testexchange.DefaultSecret).
		SetApiEndpoint(exchange.HTTPURL(testexchange.BinanceFutures))
	order, err := client.NewCreateOrderService().Symbol("BTCUSDT").Side(futures.SideTypeBuy).
		Type(futures.OrderTypeLimit).
		TimeInForce(futures.TimeInForceTypeGTC).Quantity("0.01").Price("60000").Do(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(order.Status, order.OrigQuantity)
	// Output: NEW 0.010
}
