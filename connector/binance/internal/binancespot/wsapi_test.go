package binancespot_test

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// The Ed25519 key of RFC 8032's first test as a PKCS#8 body.
const ed25519Secret = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"

// call is a request that the fake WebSocket API was sent.
type call struct {
	ID     string                     `json:"id"`
	Method string                     `json:"method"`
	Params map[string]json.RawMessage `json:"params"`
}

// String returns method and parameters in the order of their names, without those of signing.
func (c *call) String() string {
	var parts []string
	for _, name := range c.names("apiKey", "timestamp", "recvWindow", "signature") {
		parts = append(parts, name+"="+c.text(name))
	}
	return c.Method + " " + strings.Join(parts, "&")
}

func (c *call) names(without ...string) []string {
	var names []string
	for name := range c.Params {
		if !slices.Contains(without, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// text is a parameter as it is signed: a text without its quotes.
func (c *call) text(name string) string {
	var text string
	if json.Unmarshal(c.Params[name], &text) == nil {
		return text
	}
	return string(c.Params[name])
}

// signed reports whether the call's signature is right, by code of the test's own.
func (c *call) signed() bool {
	var parts []string
	for _, name := range c.names("signature") {
		parts = append(parts, name+"="+c.text(name))
	}
	payload := []byte(strings.Join(parts, "&"))
	if signature, err := base64.StdEncoding.DecodeString(c.text("signature")); err == nil &&
		len(signature) == ed25519.SignatureSize {
		public, err := hex.DecodeString("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
		return err == nil && ed25519.Verify(public, payload, signature)
	}
	mac := hmac.New(sha256.New, []byte(testSecret))
	mac.Write(payload)
	return c.text("signature") == hex.EncodeToString(mac.Sum(nil))
}

// wsVenue is a WebSocket API over real sockets.
type wsVenue struct {
	t   *testing.T
	url string
	// answer returns what follows the id in the reply, such as `"status":200,"result":{}`; empty closes the connection
	// without an answer, "-" leaves it open without one.
	answer func(c *call) string

	mu    sync.Mutex
	calls []string
	ends  []websocket.StatusCode   // of connections, -1 without a goodbye
	conns map[*websocket.Conn]bool // logged on or not
}

// newWSVenue starts a server. It logs connections on and subscribes them; answer is for everything else.
func newWSVenue(t *testing.T, answer func(c *call) string) *wsVenue {
	v := &wsVenue{t: t, answer: answer, conns: map[*websocket.Conn]bool{}}
	server := httptest.NewServer(http.HandlerFunc(v.serve))
	t.Cleanup(server.Close)
	v.url = "ws" + strings.TrimPrefix(server.URL, "http") + "/ws-api/v3"
	return v
}

func (v *wsVenue) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/ws-api/v3" {
		v.t.Errorf("connected to %s", r.URL.Path)
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	v.mu.Lock()
	v.conns[conn] = false
	v.mu.Unlock()
	for {
		_, frame, err := conn.Read(r.Context())
		if err != nil {
			v.mu.Lock()
			v.ends = append(v.ends, websocket.CloseStatus(err))
			v.mu.Unlock()
			break
		}
		var c call
		if err := json.Unmarshal(frame, &c); err != nil {
			v.t.Errorf("%s: %v", frame, err)
			break
		}
		text := v.reply(conn, &c)
		if text == "" {
			break
		}
		if text == "-" {
			continue
		}
		reply := fmt.Sprintf(`{"id":%q,%s,"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000,"count":4}]}`, c.ID, text)
		if conn.Write(r.Context(), websocket.MessageText, []byte(reply)) != nil {
			break
		}
	}
	v.mu.Lock()
	delete(v.conns, conn)
	v.mu.Unlock()
}

// reply answers a call as the venue does: log-on and subscriptions by itself, the rest by v.answer.
func (v *wsVenue) reply(conn *websocket.Conn, c *call) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls = append(v.calls, c.String())
	loggedOn := v.conns[conn]
	if c.Params["signature"] == nil {
		if !loggedOn {
			v.t.Errorf("%s: neither signed nor logged on", c)
			return `"status":401,"error":{"code":-1002,"msg":"You are not authorized to execute this request."}`
		}
	} else if !c.signed() || c.text("apiKey") != testKey {
		v.t.Errorf("%s: the signature or key is wrong: %s", c, c.Params)
		return `"status":400,"error":{"code":-1022,"msg":"Signature for this request is not valid."}`
	}
	if v.answer != nil {
		if text := v.answer(c); text != "" || !strings.HasPrefix(c.Method, "session.") &&
			!strings.HasPrefix(c.Method, "userDataStream.") {
			return text
		}
	}
	switch c.Method {
	case "session.logon":
		v.conns[conn] = true
		return `"status":200,"result":{"apiKey":"test-key","authorizedSince":1,"connectedSince":1,"serverTime":1}`
	case "userDataStream.subscribe", "userDataStream.subscribe.signature":
		return `"status":200,"result":{"subscriptionId":0}`
	}
	v.t.Errorf("%s: unknown method", c)
	return ""
}

// asked returns the calls so far and forgets them.
func (v *wsVenue) asked() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	calls := v.calls
	v.calls = nil
	return calls
}

// push sends a frame over every connection.
func (v *wsVenue) push(frame string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for conn := range v.conns {
		_ = conn.Write(context.Background(), websocket.MessageText, []byte(frame)) // a connection that ends gets none
	}
}

// cut ends every connection without a word.
func (v *wsVenue) cut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for conn := range v.conns {
		_ = conn.CloseNow() // its end is what is wanted
	}
}
