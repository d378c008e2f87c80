package testexchange_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	deadline = 10 * time.Second
	startNs  = int64(1_760_000_000_000_000_000)
	btc      = "BTCUSDT"
)

// client is a plain client of one venue.
type client struct {
	*testing.T
	*testexchange.Exchange
	venue       testexchange.Venue
	key, secret string
	http        *http.Client
	clock       *wire.ScriptedClock
}

// start starts one venue with a scripted clock and a still market, where others have 5 at 60000.0 and 60000.2 each.
func start(t *testing.T, v testexchange.Venue, change func(*testexchange.Config)) *client {
	t.Helper()
	clock := wire.NewScriptedClock(startNs)
	config := testexchange.Config{Venues: []testexchange.Venue{v}, Clock: clock, Background: testexchange.Still,
		Seed: 1}
	if change != nil {
		change(&config)
	}
	e, err := testexchange.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &client{T: t, Exchange: e, venue: v, key: testexchange.DefaultAPIKey, secret: testexchange.DefaultSecret,
		http: &http.Client{Transport: transport, Timeout: deadline}, clock: clock}
	if config.Background == testexchange.Still {
		c.level(hft.Buy, 60000, 5)
		c.level(hft.Sell, 60000.2, 5)
	}
	return c
}

func (c *client) level(side hft.Side, price, qty float64) {
	c.Helper()
	if err := c.SetLevel(c.venue, btc, side, price, qty); err != nil {
		c.Fatal(err)
	}
}

func (c *client) trade(taker hft.Side, price, qty float64) {
	c.Helper()
	if err := c.TradeOfOthers(c.venue, btc, taker, price, qty); err != nil {
		c.Fatal(err)
	}
}

func (c *client) fault(text string) {
	c.Helper()
	f, err := fault.Parse(text)
	if err == nil {
		err = c.Arm(c.venue, f)
	}
	if err != nil {
		c.Fatal(err)
	}
}

func (c *client) state() venue.State {
	c.Helper()
	s, err := c.State(c.venue)
	if err != nil {
		c.Fatal(err)
	}
	return s
}

func (c *client) nowMs() int64 { return c.clock.NowNs() / 1e6 }

// reply is an answer to a request.
type reply struct {
	status int
	header http.Header
	body   []byte
	err    error
}

// do sends a request; params go into the query, signed in the way of Binance when signed.
func (c *client) do(method, path, params string, signed bool) reply {
	c.Helper()
	if signed {
		params += "&timestamp=" + strconv.FormatInt(c.nowMs(), 10)
		params = strings.TrimPrefix(params, "&")
		params += "&signature=" + wire.HMAC(c.secret, params)
	}
	r, err := http.NewRequest(method, c.HTTPURL(c.venue)+path+"?"+params, nil)
	if err != nil {
		c.Fatal(err)
	}
	r.Header.Set("X-MBX-APIKEY", c.key)
	response, err := c.http.Do(r)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = response.Body.Close() }() // it was read to its end
	body, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, body, err}
}

// object is a decoded JSON object with exact numbers.
type object map[string]any

func decode(t *testing.T, data []byte) object {
	t.Helper()
	var o object
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&o); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return o
}

func (o object) text(name string) string { return fmt.Sprint(o[name]) }

func (o object) int(name string) int64 {
	n, err := strconv.ParseInt(o.text(name), 10, 64)
	if err != nil {
		panic(err) // of a test
	}
	return n
}

func (o object) object(name string) object {
	inner, _ := o[name].(map[string]any)
	return inner
}

func (o object) list(name string) []object {
	var list []object
	rows, _ := o[name].([]any)
	for _, row := range rows {
		inner, _ := row.(map[string]any)
		list = append(list, inner)
	}
	return list
}

// ok sends a signed request that has to succeed.
func (c *client) ok(method, path, params string) object {
	c.Helper()
	r := c.do(method, path, params, true)
	if r.err != nil || r.status != http.StatusOK {
		c.Fatalf("%s %s %s: %d %s %v", method, path, params, r.status, r.body, r.err)
	}
	return decode(c.T, r.body)
}

// refused sends a signed request that has to be refused with a code.
func (c *client) refused(method, path, params string, code int64) object {
	c.Helper()
	r := c.do(method, path, params, true)
	if r.err != nil || r.status == http.StatusOK {
		c.Fatalf("%s %s %s: %d %s %v, want %d", method, path, params, r.status, r.body, r.err, code)
	}
	o := decode(c.T, r.body)
	if o.int("code") != code {
		c.Errorf("%s %s %s: %s, want %d", method, path, params, r.body, code)
	}
	return o
}

// socket is a WebSocket connection.
type socket struct {
	*client
	conn *websocket.Conn
}

func (c *client) dial(path string) *socket {
	c.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, c.WSURL(c.venue)+path, nil)
	if err != nil {
		c.Fatal(err)
	}
	conn.SetReadLimit(1 << 24)
	c.Cleanup(func() { _ = conn.CloseNow() })
	return &socket{c, conn}
}

func (s *socket) write(text string) {
	s.Helper()
	if err := s.conn.Write(context.Background(), websocket.MessageText, []byte(text)); err != nil {
		s.Fatal(err)
	}
}

func (s *socket) readRaw() ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	_, data, err := s.conn.Read(ctx)
	return data, err
}

func (s *socket) read() object {
	s.Helper()
	data, err := s.readRaw()
	if err != nil {
		s.Fatal(err)
	}
	return decode(s.T, data)
}

// drain reads what has been sent so far: all before the answer to a question asked now.
func (s *socket) drain() []object {
	s.Helper()
	s.write(`{"method":"LIST_SUBSCRIPTIONS","id":424242}`)
	var list []object
	for {
		o := s.read()
		if o.text("id") == "424242" {
			return list
		}
		list = append(list, o)
	}
}

func (s *socket) subscribe(streams ...string) {
	s.Helper()
	names, err := json.Marshal(streams)
	if err != nil {
		s.Fatal(err)
	}
	s.write(`{"method":"SUBSCRIBE","params":` + string(names) + `,"id":1}`)
	if o := s.read(); o.text("id") != "1" || o["result"] != nil || o["error"] != nil {
		s.Fatalf("subscribe: %v", o)
	}
}

func form(pairs ...string) string {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

// signedObject is parameters as JSON, signed as they are sorted.
func signedObject(secret string, params map[string]string) string {
	names := slices.Sorted(maps.Keys(params))
	var pairs []string
	for _, name := range names {
		pairs = append(pairs, name+"="+params[name])
	}
	params["signature"] = wire.HMAC(secret, strings.Join(pairs, "&"))
	body, err := json.Marshal(params)
	if err != nil {
		panic(err) // of a test: text always has JSON
	}
	return string(body)
}

// sign signs with the key of RFC 8032, test 1.
func sign(t *testing.T, payload string) string {
	t.Helper()
	raw, err := hex.DecodeString(seed)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(ed25519.Sign(ed25519.NewKeyFromSeed(raw), []byte(payload)))
}
