package binancespot_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binancespot"
)

func TestConfigurations(t *testing.T) {
	for name, c := range map[string]struct {
		change func(c *binancespot.Config)
		want   string // part of the error, empty for none
	}{
		"main":    {func(c *binancespot.Config) { main := binancespot.Main(); main.NowNs = c.NowNs; *c = main }, ""},
		"testnet": {func(*binancespot.Config) {}, ""},
		"choices": {func(c *binancespot.Config) { c.TradeStream, c.BookTicker = "aggTrade", true }, ""},
		"trade stream": {func(c *binancespot.Config) { c.TradeStream = "trades" },
			`the trade stream is "trades"`},
		"order entry":     {func(c *binancespot.Config) { c.OrderEntry = "fix" }, `the order entry is "fix"`},
		"key alone":       {func(c *binancespot.Config) { c.Secret = "" }, "belong together"},
		"secret alone":    {func(c *binancespot.Config) { c.APIKey = "" }, "belong together"},
		"window":          {func(c *binancespot.Config) { c.RecvWindow = 61 * time.Second }, "receive window"},
		"negative window": {func(c *binancespot.Config) { c.RecvWindow = -1 }, "receive window"},
		"rate limit":      {func(c *binancespot.Config) { c.OrdersPerDay = -1 }, "rate limit"},
		"no clock":        {func(c *binancespot.Config) { c.NowNs = nil }, "set NowNs"},
		"stream URL": {func(c *binancespot.Config) { c.StreamURL = "https://stream.binance.com" },
			"stream URL"},
		"no stream URL":      {func(c *binancespot.Config) { c.StreamURL = "" }, "stream URL"},
		"WebSocket API URL":  {func(c *binancespot.Config) { c.WSAPIURL = "" }, "WebSocket API URL"},
		"WebSocket API, bad": {func(c *binancespot.Config) { c.WSAPIURL = "wss://host\x7f" }, "WebSocket API URL"},
		"REST URL":           {func(c *binancespot.Config) { c.APIURL = "wss://api" }, "REST URL"},
		"RSA": {func(c *binancespot.Config) {
			c.Secret = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----"
		}, "PKCS#8"},
	} {
		config := config(&fake{t: t})
		c.change(&config)
		p, err := binancespot.New(config)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		} else if err == nil || !strings.HasPrefix(err.Error(), "binancespot: ") ||
			!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), testSecret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNothingShowsTheSecret(t *testing.T) {
	c := config(&fake{t: t})
	p, err := binancespot.New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v %s", c, c, c), fmt.Sprintf("%+v", &c),
		string(text), fmt.Sprintf("%+v %#v", p, p)} {
		if strings.Contains(shown, testSecret) {
			t.Errorf("%s", shown)
		}
	}
}
