package linear_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector/bybit/internal/linear"
)

// What the signature vectors of the protocol reference are made with.
const (
	testKey    = "test-key"
	testSecret = "test-secret"
	testMs     = 1700000000000
)

// asked is one request that a server got: "GET /path?query" or "POST /path body".
type asked string

// server is a venue's REST side that answers by a script and checks every signature.
type server struct {
	*httptest.Server
	t *testing.T

	mu    sync.Mutex
	asked []asked
	// answers are given one after the other, the last one again and again.
	answers []answer
}

type answer struct {
	status int
	header map[string]string
	body   string
}

// ok is the venue's envelope around a result.
func ok(result string) answer {
	return answer{status: http.StatusOK,
		body: `{"retCode":0,"retMsg":"OK","result":` + result + `,"retExtInfo":{},"time":1700000000001}`}
}

func code(n int, msg string) answer {
	return answer{status: http.StatusOK, body: `{"retCode":` + strconv.Itoa(n) + `,"retMsg":` + strconv.Quote(msg) + `,"result":{},"retExtInfo":{},"time":1}`}
}

func newServer(t *testing.T, answers ...answer) *server {
	t.Helper()
	s := &server{t: t, answers: answers}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	text, payload := r.Method+" "+r.URL.Path, r.URL.RawQuery
	if r.Method == http.MethodPost {
		text, payload = text+" "+string(body), string(body)
		if got := r.Header.Get("Content-Type"); got != "application/json" {
			s.t.Errorf("%s: content type %q", text, got)
		}
	} else if payload != "" {
		text += "?" + payload
	}
	s.verify(text, r.Header, payload)
	s.mu.Lock()
	s.asked = append(s.asked, asked(text))
	a := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	s.mu.Unlock()
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	if _, err := io.WriteString(w, a.body); err != nil {
		s.t.Error(err)
	}
}

// verify checks a signature over the bytes as they came; requests about the market have none.
func (s *server) verify(text string, header http.Header, payload string) {
	signed := header.Get("X-BAPI-API-KEY") != ""
	if open := len(text) > 14 && text[:14] == "GET /v5/market"; open == signed {
		s.t.Errorf("%s: signed: %t", text, signed)
	}
	if !signed {
		return
	}
	mac := hmac.New(sha256.New, []byte(testSecret))
	mac.Write([]byte(header.Get("X-BAPI-TIMESTAMP") + testKey + header.Get("X-BAPI-RECV-WINDOW") + payload))
	if got, want := header.Get("X-BAPI-SIGN"), hex.EncodeToString(mac.Sum(nil)); got != want {
		s.t.Errorf("%s: signature %s, want %s", text, got, want)
	}
	if header.Get("X-BAPI-API-KEY") != testKey || header.Get("X-BAPI-RECV-WINDOW") != "5000" {
		s.t.Errorf("%s: headers %v", text, header)
	}
}

// take returns what was asked so far, and forgets it.
func (s *server) take() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.asked
	s.asked = nil
	return got
}

func (s *server) script(answers ...answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = answers
}

// config is a configuration against nothing that is there.
func config() linear.Config {
	c := linear.Config{NowNs: func() int64 { return testMs * int64(time.Millisecond) }}
	c.PublicURL, c.PrivateURL = "ws://127.0.0.1:1/v5/public/linear", "ws://127.0.0.1:1/v5/private"
	c.TradeURL, c.APIURL, c.APIKey, c.Secret, c.OrdersPerSecond = "ws://127.0.0.1:1/v5/trade", "http://127.0.0.1:1",
		testKey, testSecret, 1<<20
	return c
}

// slowConfig has a clock by which no limit is ever reached.
func slowConfig() linear.Config {
	c := config()
	var nowNs atomic.Int64
	nowNs.Store(testMs * int64(time.Millisecond))
	c.NowNs = func() int64 { return nowNs.Add(10 * int64(time.Millisecond)) }
	return c
}

func newProtocol(t testing.TB, c linear.Config) *linear.Protocol {
	t.Helper()
	p, err := linear.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// at returns a Protocol that talks to s.
func at(t *testing.T, s *server) *linear.Protocol {
	t.Helper()
	c := config()
	c.APIURL = s.URL
	return newProtocol(t, c)
}
