package binancespot_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binancespot"
)

const (
	testKey    = "test-key"
	testSecret = "test-secret"
	testTimeNs = 1_700_000_000_000_000_000
)

// fake answers HTTP requests in place of the venue and keeps what it was asked.
type fake struct {
	t *testing.T
	// answer returns status and body of the reply to a request.
	answer func(r *request) (status int, body string)
	// header goes with every reply.
	header http.Header

	mu       sync.Mutex
	requests []*request
}

// request is what the fake was asked.
type request struct {
	method, path string
	params       url.Values
}

// String returns the request in one line: method, path and the parameters in the order of their names, without those of
// signing.
func (r *request) String() string {
	params := url.Values{}
	for name, value := range r.params {
		if name != "timestamp" && name != "signature" && name != "recvWindow" {
			params[name] = value
		}
	}
	return r.method + " " + r.path + " " + strings.ReplaceAll(params.Encode(), "%2C", ",")
}

// RoundTrip verifies the signature with code of its own and answers.
func (f *fake) RoundTrip(hr *http.Request) (*http.Response, error) {
	params, err := url.ParseQuery(hr.URL.RawQuery)
	if err != nil {
		f.t.Errorf("query %s: %v", hr.URL.RawQuery, err)
	}
	r := &request{method: hr.Method, path: hr.URL.Path, params: params}
	if signed, signature, ok := strings.Cut(hr.URL.RawQuery, "&signature="); ok {
		mac := hmac.New(sha256.New, []byte(testSecret))
		mac.Write([]byte(signed))
		if want := hex.EncodeToString(mac.Sum(nil)); signature != want || hr.Header.Get("X-MBX-APIKEY") != testKey {
			f.t.Errorf("%s: signature %s of %s, want %s; key %q", r, signature, signed, want,
				hr.Header.Get("X-MBX-APIKEY"))
		}
		if params.Get("timestamp") == "" {
			f.t.Errorf("%s: signed without a time", r)
		}
	}
	f.mu.Lock()
	f.requests = append(f.requests, r)
	f.mu.Unlock()
	status, body := f.answer(r)
	header := f.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)), Request: hr}, nil
}

// asked returns the requests so far and forgets them.
func (f *fake) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var texts []string
	for _, r := range f.requests {
		texts = append(texts, r.String())
	}
	f.requests = nil
	return texts
}

// config returns a configuration whose requests go to f.
func config(f *fake) binancespot.Config {
	c := binancespot.Testnet()
	c.APIKey, c.Secret = testKey, testSecret
	c.HTTPClient = &http.Client{Transport: f}
	c.NowNs = func() int64 { return testTimeNs }
	return c
}

// answering returns a Protocol whose requests f answers with the same reply.
func answering(t *testing.T, status int, body string) (*binancespot.Protocol, *fake) {
	t.Helper()
	f := &fake{t: t, answer: func(*request) (int, string) { return status, body }}
	p, err := binancespot.New(config(f))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p, f
}
