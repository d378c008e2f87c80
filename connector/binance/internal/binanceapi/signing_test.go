package binanceapi_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
)

const (
	spotKey    = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
	spotSecret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
	// ed25519Key is the key of RFC 8032's first test.
	ed25519Key = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"
	pemKey     = "-----BEGIN PRIVATE KEY-----\n" + ed25519Key + "\n-----END PRIVATE KEY-----\n"
)

func newKey(tb testing.TB, id, secret string) *binanceapi.Key {
	tb.Helper()
	key, err := binanceapi.NewKey(id, secret)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func newSigner(tb testing.TB, id, secret string, recvWindow time.Duration, timestampMs int64) *binanceapi.Signer {
	tb.Helper()
	return binanceapi.NewSigner(newKey(tb, id, secret), recvWindow, func() int64 { return timestampMs * 1_000_000 })
}

func ExampleSigner_AppendQuery() {
	key, err := binanceapi.NewKey("a key", "test-secret")
	fmt.Println(err)
	key, err = binanceapi.NewKey("a-key", "test-secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	signer := binanceapi.NewSigner(key, 0, func() int64 { return 1700000000000 * 1_000_000 })
	query := signer.AppendQuery(nil, []binanceapi.Param{binanceapi.Text("newClientOrderId", "a:b/c"),
		binanceapi.Text("symbol", "BTCUSDT")})
	fmt.Println(string(query))
	// Output:
	// binanceapi: the key has an invalid character; check for copy-paste errors
	// newClientOrderId=a%3Ab%2Fc&symbol=BTCUSDT&timestamp=1700000000000&signature=330d37dfd4a65cea5fa0d426734750be7852f0bad7667db7ab0a737ad8bc7935
}

// TestSignatures holds against the vectors of the venue's documents, those that verify.
func TestSignatures(t *testing.T) {
	for _, c := range []struct{ name, secret, payload, want string }{
		{"futures", "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9",
			"symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943",
			"3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"},
		{"query and body without anything between", "test-secret",
			"symbol=BTCUSDT&side=BUY&type=LIMIT" +
				"timeInForce=GTC&quantity=1&price=9000&recvWindow=5000&timestamp=1700000000000",
			"07aade9c8474a0b5c93dcfd4a9f8344075a65528c95db131f0bdd12bb3352062"},
		{"spot", spotSecret, "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
			"c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"},
		{"spot, WebSocket API", spotSecret, "apiKey=" + spotKey +
			"&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT" +
			"&timeInForce=GTC&timestamp=1645423376532&type=LIMIT",
			"aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"},
		{"percent-encoded first", "test-secret", "newClientOrderId=a%3Ab%2Fc&symbol=BTCUSDT&timestamp=1700000000000",
			"330d37dfd4a65cea5fa0d426734750be7852f0bad7667db7ab0a737ad8bc7935"},
		{"Ed25519", ed25519Key,
			"symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918",
			"y9aW/+h7Ht5RYUgJlwCrziJWVCQEAVswbfIWMUW+f+Qh0+7YURsnrZrwHST7Y8ZGRlCC4fmkbiGNSmN27XYgBw=="},
		{"Ed25519, log-on, PEM", pemKey, "apiKey=test-key&recvWindow=5000&timestamp=1700000000000",
			"RQNy5gi2dZqBN4UoixJ/pfZfS7fpXDiw8MNatN5NHF09vAQ/YXPZGh0XUvmgKvzeHsid02zj6Uof/OZ9mqh6Dg=="},
	} {
		key := newKey(t, "test-key", c.secret)
		if got := string(key.AppendSignature(nil, []byte(c.payload))); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if key.Ed25519() != strings.HasPrefix(c.name, "Ed25519") {
			t.Errorf("%s: the kind of key is not recognised", c.name)
		}
	}
}

// TestQuery builds the requests of the vectors.
func TestQuery(t *testing.T) {
	futures := newSigner(t, "k", "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9", 5*time.Second,
		1591702613943)
	query := futures.AppendQuery(nil, []binanceapi.Param{binanceapi.Text("symbol", "BTCUSDT"),
		binanceapi.Text("side", "BUY"), binanceapi.Text("type", "LIMIT"), binanceapi.Text("quantity", "1"),
		binanceapi.Text("price", "9000"), binanceapi.Text("timeInForce", "GTC")})
	if want := "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943" +
		"&signature=3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"; string(query) != want {
		t.Errorf("%s, want %s", query, want)
	}
	// base64 has characters that a query cannot have.
	ed := newSigner(t, "k", ed25519Key, 0, 1668481559918)
	query = ed.AppendQuery([]byte("?"), []binanceapi.Param{binanceapi.Text("symbol", "BTCUSDT"),
		binanceapi.Text("side", "SELL"), binanceapi.Text("type", "LIMIT"), binanceapi.Text("timeInForce", "GTC"),
		binanceapi.Text("quantity", "1"), binanceapi.Text("price", "0.2")})
	if want := "&signature=y9aW%2F%2Bh7Ht5RYUgJlwCrziJWVCQEAVswbfIWMUW%2Bf%2BQh0%2B7YURsnrZrwHST7Y8ZGRlCC4fmkbiGNSmN27XYgBw%3D%3D"; !strings.HasPrefix(string(query), "?symbol=") ||
		!strings.HasSuffix(string(query), want) {
		t.Errorf("%s, want the end %s", query, want)
	}
	if got := string(binanceapi.AppendQuery(nil, []binanceapi.Param{binanceapi.Text("a",
		"ä ~_-.Z9&=%")})); got != "a=%C3%A4%20~_-.Z9%26%3D%25" {
		t.Errorf("encoded as %s", got)
	}
	// The venue's clock is ahead: the offset counts.
	ed.SetClockOffset(1500 * time.Millisecond)
	if query := string(ed.AppendQuery(nil, nil)); !strings.HasPrefix(query, "timestamp=1668481561418&signature=") {
		t.Errorf("with an offset of 1.5 s: %s", query)
	}
}

// TestCalls builds requests of the WebSocket API; they have to be JSON whose parameters, sorted, are what is signed.
func TestCalls(t *testing.T) {
	s := newSigner(t, spotKey, spotSecret, 100*time.Millisecond, 1645423376532)
	frame := s.AppendCall(nil, "id1", "order.place", []binanceapi.Param{binanceapi.Text("symbol", "BTCUSDT"),
		binanceapi.Text("side", "SELL"), binanceapi.Text("type", "LIMIT"), binanceapi.Text("timeInForce", "GTC"),
		binanceapi.Text("quantity", "0.01000000"), binanceapi.Text("price", "52000.00")})
	var request struct {
		ID, Method string
		Params     map[string]any
	}
	if err := json.Unmarshal(frame, &request); err != nil {
		t.Fatalf("%v, of %s", err, frame)
	}
	if request.ID != "id1" || request.Method != "order.place" || len(request.Params) != 10 ||
		request.Params["signature"] != "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24" ||
		request.Params["timestamp"] != 1645423376532.0 || request.Params["quantity"] != "0.01000000" ||
		request.Params["apiKey"] != spotKey {
		t.Errorf("%s", frame)
	}

	ed := newSigner(t, "test-key", pemKey, 5*time.Second, 1700000000000)
	if got, want := string(ed.AppendLogon(nil, "logon")), `{"id":"logon","method":"session.logon","params":{"apiKey":"test-key","recvWindow":5000,"timestamp":1700000000000,`+
		`"signature":"RQNy5gi2dZqBN4UoixJ/pfZfS7fpXDiw8MNatN5NHF09vAQ/YXPZGh0XUvmgKvzeHsid02zj6Uof/OZ9mqh6Dg=="}}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	got := string(ed.AppendSessionCall(nil, "7", "order.cancel",
		[]binanceapi.Param{binanceapi.Text("symbol", "A\"\\\x01ä"), binanceapi.ID("orderId", "9007199254740993")}))
	if want := `{"id":"7","method":"order.cancel","params":{"symbol":"A\"\\\u0001ä","orderId":9007199254740993,"recvWindow":5000,"timestamp":1700000000000}}`; got != want || !json.Valid([]byte(got)) {
		t.Errorf("%s, want %s", got, want)
	}
	if got := string(binanceapi.AppendCall(nil, "1", "time", nil)); got != `{"id":"1","method":"time"}` {
		t.Error(got)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	for _, secret := range []string{spotSecret, ed25519Key, pemKey} {
		key := newKey(t, spotKey, secret)
		asJSON, err := json.Marshal(map[string]any{"key": key})
		if err != nil {
			t.Fatal(err)
		}
		var logged strings.Builder
		slog.New(slog.NewTextHandler(&logged, nil)).Info("text", "key", key)
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("text", "key", key)
		for _, text := range []string{fmt.Sprint(key), fmt.Sprintf("%v %+v %#v %s %q %x %d", key, key, key, key, key,
			key, key), fmt.Sprintf("%+v", struct{ K *binanceapi.Key }{key}), string(asJSON), logged.String()} {
			if strings.Contains(text, spotKey) || strings.Contains(text, secret[30:60]) ||
				!strings.Contains(text, "Eh8A") {
				t.Errorf("shown as %s", text)
			}
		}
	}
}

func TestWrongKeys(t *testing.T) {
	// the beginning of one: base64, a DER sequence, and not whole
	const rsa = "MIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAwggE8AgEAAkEAwjWaPmUBWv9bX0cR"
	for _, c := range []struct{ id, secret, want string }{
		{"", "s", "both needed"}, {"k", " ", "both needed"}, {"k\nX-Other: 1", "s", "invalid character"},
		{"k", "-----BEGIN PRIVATE KEY-----\nAAAA", "check that it is complete"},
		{"k", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "not a PKCS#8"},
	} {
		if _, err := binanceapi.NewKey(c.id, c.secret); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q, %q: %v, want %s", c.id, c.secret, err, c.want)
		}
	}
	if key := newKey(t, " k ", rsa); key.Ed25519() || key.ID() != "k" {
		t.Errorf("what is no private key is a text for HMAC: %v", key)
	}
}

// TestSigningAllocates nothing. The race detector makes pools forget at random, and the rest is run under it all the
// same.
func TestSigningAllocates(t *testing.T) {
	hmac := newSigner(t, spotKey, spotSecret, 5*time.Second, 1645423376532)
	buffer, params := make([]byte, 0, 1024), make([]binanceapi.Param, 0, 16)
	build := func() []binanceapi.Param {
		return append(params[:0], binanceapi.Text("symbol", "BTCUSDT"), binanceapi.Text("side", "SELL"),
			binanceapi.Text("quantity", "0.01"), binanceapi.ID("orderId", "123"))
	}
	if n := testing.AllocsPerRun(100, func() { buffer = hmac.AppendQuery(buffer[:0], build()) }); n != 0 &&
		!raceDetector {
		t.Errorf("a query: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100,
		func() { buffer = hmac.AppendCall(buffer[:0], "1", "order.place", build()) }); n != 0 && !raceDetector {
		t.Errorf("a call: %v allocations", n)
	}
}

func BenchmarkSign(b *testing.B) {
	for _, c := range []struct{ name, secret string }{{"hmac", spotSecret}, {"ed25519", ed25519Key}} {
		signer := newSigner(b, spotKey, c.secret, 5*time.Second, 1645423376532)
		buffer, memory := make([]byte, 0, 1024), make([]binanceapi.Param, 0, 16)
		order := func() []binanceapi.Param {
			return append(memory[:0], binanceapi.Text("symbol", "BTCUSDT"), binanceapi.Text("side", "SELL"),
				binanceapi.Text("type", "LIMIT"), binanceapi.Text("timeInForce", "GTX"),
				binanceapi.Text("price", "52000.10"), binanceapi.Text("quantity", "0.010"),
				binanceapi.Text("newClientOrderId", "hbtAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
				binanceapi.Text("newOrderRespType", "ACK"))
		}
		for _, form := range []struct {
			name   string
			append func()
		}{
			{"query", func() { buffer = signer.AppendQuery(buffer[:0], order()) }},
			{"call", func() { buffer = signer.AppendCall(buffer[:0], "r1", "order.place", order()) }},
			{"session", func() { buffer = signer.AppendSessionCall(buffer[:0], "r1", "order.place", order()) }},
		} {
			b.Run(c.name+"/"+form.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					form.append()
				}
				b.ReportMetric(float64(len(buffer)), "bytes/request")
			})
		}
	}
}
