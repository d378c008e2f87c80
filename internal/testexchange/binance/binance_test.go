package binance_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// The key of RFC 8032, test 1.
const rfcPublicKey = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

func keys(t testing.TB, secret string) func(string) *wire.Key {
	t.Helper()
	public, err := wire.ParsePublicKey(rfcPublicKey)
	if err != nil {
		t.Fatal(err)
	}
	key := &wire.Key{Account: "a", APIKey: "test-key", Secret: secret, Public: public}
	return func(apiKey string) *wire.Key {
		if apiKey != key.APIKey {
			return nil
		}
		return key
	}
}

// vectors are those of the venues' documentation and our own.
var vectors = []struct{ name, secret, query, body, signature string }{
	{"futures documentation", "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9",
		"symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943", "",
		"3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"},
	{"query and body", "test-secret", "symbol=BTCUSDT&side=BUY&type=LIMIT",
		"timeInForce=GTC&quantity=1&price=9000&recvWindow=5000&timestamp=1700000000000",
		"07aade9c8474a0b5c93dcfd4a9f8344075a65528c95db131f0bdd12bb3352062"},
	{"spot documentation", "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
		"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559", "",
		"c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"},
	{"encoded", "test-secret", "newClientOrderId=a%3Ab%2Fc&symbol=BTCUSDT&timestamp=1700000000000", "",
		"330d37dfd4a65cea5fa0d426734750be7852f0bad7667db7ab0a737ad8bc7935"},
	{"Ed25519", "", "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918",
		"", "y9aW/+h7Ht5RYUgJlwCrziJWVCQEAVswbfIWMUW+f+Qh0+7YURsnrZrwHST7Y8ZGRlCC4fmkbiGNSmN27XYgBw=="},
}

func authenticate(t *testing.T, secret, query, body string, rules binance.Rules, aheadMs int64) *binance.Error {
	t.Helper()
	p, payload, err := binance.ReadForm(query, body)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := url.QueryUnescape(payload)
	if err != nil {
		t.Fatal(err)
	}
	timestamp, refusal := p.Int("timestamp")
	if refusal != nil {
		t.Fatal(refusal)
	}
	_, refusal = binance.Authenticate(keys(t, secret), rules, timestamp+aheadMs,
		&binance.Request{Params: p, Signed: payload, Plain: plain, APIKey: "test-key"}, true)
	return refusal
}

func TestSignatureVectors(t *testing.T) {
	for _, v := range vectors {
		sign := func(form string) string { return form + "&signature=" + url.QueryEscape(v.signature) }
		query, body := sign(v.query), v.body
		if v.body != "" {
			query, body = v.query, sign(v.body)
		}
		if refusal := authenticate(t, v.secret, query, body, binance.Rules{Encoded: true}, 0); refusal != nil {
			t.Errorf("%s: %v", v.name, refusal)
		}
		changed := strings.Replace(query, "symbol=", "symbol=X", 1)
		if refusal := authenticate(t, v.secret, changed, body, binance.Rules{}, 0); refusal == nil ||
			refusal.Code != -1022 {
			t.Errorf("%s, changed: %v, want -1022", v.name, refusal)
		}
	}
}

func TestSortedVectors(t *testing.T) {
	logon := json.RawMessage(`{"timestamp":1700000000000,"apiKey":"test-key","signature":"RQNy5gi2dZqBN4UoixJ/pfZfS7fpXDiw8MNatN5NHF09vAQ/YXPZGh0XUvmgKvzeHsid02zj6Uof/OZ9mqh6Dg==","recvWindow":5000}`)
	p, payload, err := binance.ReadObject(logon)
	if err != nil || payload != "apiKey=test-key&recvWindow=5000&timestamp=1700000000000" {
		t.Fatalf("payload %q, %v", payload, err)
	}
	if !keys(t, "")("test-key").SignedEd25519(payload, p["signature"]) {
		t.Error("the logon's signature is refused")
	}
	order := json.RawMessage(`{"symbol":"BTCUSDT","side":"SELL","type":"LIMIT","timeInForce":"GTC","quantity":"0.01000000","price":"52000.00",
		"recvWindow":100,"timestamp":1645423376532,"apiKey":"vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"}`)
	_, payload, err = binance.ReadObject(order)
	const want = "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"
	if got := wire.HMAC("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j", payload); err != nil ||
		got != want {
		t.Errorf("signature of %q is %s, %v; want %s", payload, got, err, want)
	}
}

func TestSignedWithoutEncoding(t *testing.T) {
	signature := wire.HMAC("test-secret", "newClientOrderId=a:b/c&symbol=BTCUSDT&timestamp=1700000000000")
	query := "newClientOrderId=a%3Ab%2Fc&symbol=BTCUSDT&timestamp=1700000000000&signature=" + signature
	if refusal := authenticate(t, "test-secret", query, "", binance.Rules{Encoded: true}, 0); refusal == nil ||
		refusal.Code != -1022 {
		t.Errorf("a venue that wants it encoded: %v, want -1022", refusal)
	}
	if refusal := authenticate(t, "test-secret", query, "", binance.Rules{}, 0); refusal != nil {
		t.Errorf("a venue that does not: %v", refusal)
	}
}

func TestClockWindow(t *testing.T) {
	payload := "recvWindow=3000&timestamp=1700000000000"
	query := payload + "&signature=" + wire.HMAC("test-secret", payload)
	for aheadMs, code := range map[int64]int{0: 0, 3000: 0, 3001: -1021, -999: 0, -1000: -1021} {
		refusal := authenticate(t, "test-secret", query, "", binance.Rules{}, aheadMs)
		if (refusal == nil) != (code == 0) || refusal != nil && refusal.Code != code {
			t.Errorf("server ahead by %d ms: %v, want %d", aheadMs, refusal, code)
		}
	}
}

func FuzzReadForm(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.query, v.body)
	}
	f.Add("a=%zz&signature=&=&&", "signature")
	f.Fuzz(func(t *testing.T, query, body string) {
		p, payload, err := binance.ReadForm(query, body)
		if err != nil {
			return
		}
		if strings.HasPrefix(payload, "signature=") || strings.Contains(payload, "&signature=") &&
			!strings.Contains(body, "signature") {
			t.Errorf("payload %q has the signature", payload)
		}
		nobody := func(string) *wire.Key { return nil }
		if _, refusal := binance.Authenticate(nobody, binance.Rules{}, 1, &binance.Request{Params: p, APIKey: "x"},
			true); refusal == nil {
			t.Error("an unknown key was taken")
		}
	})
}

func FuzzReadObject(f *testing.F) {
	f.Add(`{"symbol":"BTCUSDT","n":1,"b":true,"x":null,"signature":"s"}`)
	f.Fuzz(func(t *testing.T, text string) {
		p, _, err := binance.ReadObject(json.RawMessage(text))
		if err == nil && len(p) > 0 && !json.Valid([]byte(text)) {
			t.Errorf("%q has parameters and is no JSON", text)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	find := keys(b, vectors[0].secret)
	query := vectors[0].query + "&signature=" + vectors[0].signature
	b.ReportAllocs()
	for b.Loop() {
		p, payload, err := binance.ReadForm(query, "")
		if err != nil {
			b.Fatal(err)
		}
		if _, refusal := binance.Authenticate(find, binance.Rules{}, 1591702613943,
			&binance.Request{Params: p, Signed: payload, APIKey: "test-key"}, true); refusal != nil {
			b.Fatal(refusal)
		}
	}
}

func ExampleReadForm() {
	p, payload, err := binance.ReadForm("symbol=BTCUSDT&side=BUY", "quantity=1&timestamp=1700000000000&signature=00")
	fmt.Println(p["quantity"], payload, err)
	// Output: 1 symbol=BTCUSDT&side=BUYquantity=1&timestamp=1700000000000 <nil>
}
