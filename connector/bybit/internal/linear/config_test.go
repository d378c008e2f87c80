package linear_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/bybit/internal/linear"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

func ExampleNew() {
	config := linear.Testnet()
	config.DepthLevel, config.BookTicker = 200, true
	config.NowNs = func() int64 { return time.Now().UnixNano() }
	p, err := linear.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range p.MarketStreams([]string{"BTCUSDT"}) {
		fmt.Printf("%s: %s\n", s.Name, s.Hello[0])
	}
	// Output:
	// public: {"req_id":"subscribe","op":"subscribe","args":["orderbook.200.BTCUSDT","orderbook.1.BTCUSDT","publicTrade.BTCUSDT"]}
}

// TestSignatureVectors are those of the protocol reference.
func TestSignatureVectors(t *testing.T) {
	p := newProtocol(t, config())
	const order = `{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.001","price":"30000",` +
		`"timeInForce":"PostOnly","orderLinkId":"t1","positionIdx":0}`
	for payload, want := range map[string]string{
		"category=linear&symbol=BTCUSDT": "9a7c8cfd6ba1a7c498aa4dd5a7f9cfbba01fcb6eebae734ffe0d775870a1a3fb",
		order:                            "de2316b349c3964127d0eedbe0bae324451273ff7c0534e2d71786866939adb2",
	} {
		if got, err := p.SignREST("1700000000000", payload); err != nil || got != want {
			t.Errorf("%s: %s, %v", payload, got, err)
		}
	}
	got, err := p.AuthFrame(1700000010000)
	want := `{"op":"auth","args":["test-key",1700000010000,"977d2a1068009c263a4e3e15a2838ccaf62d1eda4ca2ff08b5456910b481b58b"]}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}

func TestRSASignature(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for kind, der := range map[string][]byte{"PRIVATE KEY": pkcs8,
		"RSA PRIVATE KEY": x509.MarshalPKCS1PrivateKey(key)} {
		c := config()
		c.Secret = string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
		text, err := newProtocol(t, c).SignREST("1700000000000", "a=b")
		if err != nil {
			t.Fatal(err)
		}
		signature, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte("1700000000000test-key5000a=b"))
		if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestWrongConfig(t *testing.T) {
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edDER, err := x509.MarshalPKCS8PrivateKey(edKey)
	if err != nil {
		t.Fatal(err)
	}
	edPEM := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: edDER}))
	for want, change := range map[string]func(c *linear.Config){
		"PublicURL":                   func(c *linear.Config) { c.PublicURL = "https://x" },
		"PrivateURL":                  func(c *linear.Config) { c.PrivateURL = "" },
		"TradeURL":                    func(c *linear.Config) { c.TradeURL, c.OrderEntry = "", linear.OrdersByWebSocket },
		"APIURL":                      func(c *linear.Config) { c.APIURL = "://" },
		"Key and Secret":              func(c *linear.Config) { c.Secret = "" },
		"RecvWindow":                  func(c *linear.Config) { c.RecvWindow = time.Hour },
		"DepthLevel 500 is none":      func(c *linear.Config) { c.DepthLevel = 500 },
		"DepthLevel 1 is the book":    func(c *linear.Config) { c.DepthLevel, c.BookTicker = 1, true },
		`OrderEntry "fix" is neither`: func(c *linear.Config) { c.OrderEntry = "fix" },
		`"ws" needs Key`:              func(c *linear.Config) { c.APIKey, c.Secret, c.OrderEntry = "", "", linear.OrdersByWebSocket },
		"NowNs":                       func(c *linear.Config) { c.NowNs = nil },
		"OrdersPerSecond":             func(c *linear.Config) { c.OrdersPerSecond = -1 },
		"RSA":                         func(c *linear.Config) { c.Secret = edPEM },
		"without an RSA":              func(c *linear.Config) { c.Secret = "-----BEGIN nothing" },
	} {
		c := config()
		change(&c)
		_, err := linear.New(c)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
		if err != nil && strings.Contains(err.Error(), "-----BEGIN") {
			t.Errorf("the secret is in the error %q", err)
		}
	}
	_, err = linear.New(linear.Config{})
	for _, want := range []string{"PublicURL", "APIURL", "NowNs"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("not everything is told at once: %v", err)
		}
	}
}

func TestConfigHidesTheSecret(t *testing.T) {
	for _, c := range []linear.Config{config(), linear.Main(), linear.Testnet()} {
		c.APIKey, c.Secret, c.NowNs = testKey, testSecret, func() int64 { return testMs }
		newProtocol(t, c)
		for _, format := range []string{"%v", "%+v", "%s"} {
			if text := fmt.Sprintf(format, c); strings.Contains(text, testKey) || strings.Contains(text, testSecret) ||
				!strings.Contains(text, c.APIURL) {
				t.Error(text)
			}
		}
	}
}

// TestMarketStreams: no connection has more topics than the venue takes, and every symbol is subscribed once.
func TestMarketStreams(t *testing.T) {
	c := config()
	c.BookTicker = true
	p := newProtocol(t, c)
	var symbols []string
	for i := range 900 {
		symbols = append(symbols, fmt.Sprintf("SYMBOL%dUSDT", i))
	}
	streams := p.MarketStreams(symbols)
	var all []string
	for i, s := range streams {
		text := string(s.Hello[0])
		args := text[strings.Index(text, "[") : strings.Index(text, "]")+1]
		if len(s.Hello) != 1 || len(args) > 21000+2 {
			t.Errorf("%s: %d hellos, %d characters", s.Name, len(s.Hello), len(args))
		}
		if i+1 < len(streams) && len(args) < 20000 {
			t.Errorf("%s: only %d characters", s.Name, len(args))
		}
		all = append(all, strings.Split(strings.Trim(args, `[]"`), `","`)...)
	}
	if len(streams) != 4 || streams[0].Name != "public" || streams[1].Name != "public 2" || len(all) != 2700 {
		t.Errorf("%d streams, %d topics", len(streams), len(all))
	}
	seen := make(map[string]bool)
	for _, topic := range all {
		seen[topic] = true
	}
	for _, symbol := range symbols {
		if !seen["orderbook.50."+symbol] || !seen["orderbook.1."+symbol] || !seen["publicTrade."+symbol] {
			t.Fatalf("%s is not subscribed", symbol)
		}
	}
	if got := p.MarketStreams(nil); len(got) != 0 {
		t.Errorf("%d streams for nothing", len(got))
	}
	if p.DepthRule() != connector.RuleStreamed {
		t.Error("another rule")
	}
	if _, err := p.Snapshot(t.Context(), "BTCUSDT"); !errors.Is(err, protocol.ErrResubscribe) {
		t.Error(err)
	}
	frames := p.Resubscribe("BTCUSDT")
	if got := fmt.Sprintf("%s", frames); got != `[{"req_id":"unsubscribe","op":"unsubscribe","args":["orderbook.50.BTCUSDT"]} `+
		`{"req_id":"subscribe","op":"subscribe","args":["orderbook.50.BTCUSDT"]}]` {
		t.Error(got)
	}
}
