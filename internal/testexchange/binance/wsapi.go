package binance

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// WSAPI serves a venue's WebSocket API.
type WSAPI struct {
	*REST
	// Methods are the requests by name; the session's own are known already.
	Methods map[string]Route
	// Weight is the request weight of a handshake.
	Weight int
}

type wsRequest struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

type wsReply struct {
	ID         json.RawMessage `json:"id"`
	Status     int             `json:"status"`
	Result     any             `json:"result,omitempty"`
	Error      *wsError        `json:"error,omitempty"`
	RateLimits []RateLimit     `json:"rateLimits"`
}

type wsError struct {
	Code int    `json:"code"`
	Msg  string `json:"msg"`
	Data any    `json:"data,omitempty"`
}

type wsErrorData struct {
	ServerTime int64 `json:"serverTime"`
	RetryAfter int64 `json:"retryAfter"`
}

// RateLimit is a limit with what is used of it.
type RateLimit struct {
	RateLimitType string `json:"rateLimitType"`
	Interval      string `json:"interval"`
	IntervalNum   int    `json:"intervalNum"`
	Limit         int    `json:"limit"`
	Count         int    `json:"count"`
}

// Session is one connection of the WebSocket API. Its key is that of session.logon, nil before.
type Session struct {
	Conn *wire.Conn

	mu      sync.Mutex
	key     *wire.Key
	sinceMs int64
}

// Key returns the key of the logged on session, nil without.
func (s *Session) Key() *wire.Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key
}

func (s *Session) set(key *wire.Key, nowMs int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key, s.sinceMs = key, nowMs
}

// Handle serves a handshake. more answers methods that need the session, and may be nil; closed is called at the end.
func (a *WSAPI) Handle(w http.ResponseWriter, r *http.Request, more func(*Session, *Call) (result any, refusal *Error,
	known bool), closed func(*Session)) {
	a.Limits.Weight.Use(a.Core.NowNs(), wire.RemoteIP(r), a.Weight)
	session := new(Session)
	var answering sync.WaitGroup
	a.Core.Hub.Serve(w, r, wire.Handler{
		Unmetered: true, // weights and order counts bound it
		Opened:    func(c *wire.Conn) { session.Conn = c },
		Message: func(_ *wire.Conn, data []byte) {
			// Answers may overtake each other, as at the venue, but a request is begun in its turn.
			begun := make(chan struct{})
			answering.Go(func() { a.message(r, session, data, more, begun) })
			<-begun
		},
		Closed: func(*wire.Conn) {
			answering.Wait()
			if closed != nil {
				closed(session)
			}
		},
	})
}

func (a *WSAPI) message(r *http.Request, session *Session, data []byte, more func(*Session, *Call) (any, *Error, bool),
	begun chan struct{}) {
	var once sync.Once
	begin := func() { once.Do(func() { close(begun) }) }
	defer begin()
	var q wsRequest
	if err := json.Unmarshal(data, &q); err != nil || len(q.ID) == 0 || q.Method == "" {
		a.reply(session, &wsReply{ID: json.RawMessage("null"), Status: 400,
			Error: &wsError{Code: -1135, Msg: "Invalid JSON request."}})
		return
	}
	a.Core.Counters.Request(q.Method)
	params, payload, err := ReadObject(q.Params)
	if err != nil {
		a.reply(session, &wsReply{ID: q.ID, Status: 400, Error: &wsError{Code: -1135, Msg: "Invalid JSON request."}})
		return
	}
	call := &Call{What: q.Method, HTTP: r, Request: &Request{Params: params, Signed: payload, Plain: payload,
		APIKey: params["apiKey"], IP: session.Conn.RemoteIP}}
	out := &wsReply{ID: q.ID, Status: 200, RateLimits: []RateLimit{}}
	result, refusal := a.call(session, call, more, out, begin)
	if refusal != nil && refusal.Abort {
		session.Conn.Close(websocket.StatusInternalError, "")
		return
	}
	if refusal != nil {
		out.Status, out.Error = refusal.status(), &wsError{Code: refusal.Code, Msg: refusal.Msg, Data: refusal.Data}
		if refusal.RetryAfter > 0 {
			nowMs := a.Core.NowNs() / int64(time.Millisecond)
			out.Error.Data = &wsErrorData{ServerTime: nowMs, RetryAfter: nowMs + refusal.RetryAfter.Milliseconds()}
		}
		if refusal.Body != "" {
			out.Error.Code, out.Error.Msg = -1000, "Forbidden"
		}
	} else {
		out.Result = result
	}
	a.reply(session, out)
}

func (a *WSAPI) reply(session *Session, out *wsReply) {
	if out.RateLimits == nil {
		out.RateLimits = []RateLimit{}
	}
	answer(session.Conn, out)
}

// call carries out one request. Requests of one connection are begun in their order: each but one that waits for a
// fault is done before the next is looked at.
func (a *WSAPI) call(session *Session, call *Call, more func(*Session, *Call) (any, *Error, bool), out *wsReply,
	begin func()) (any, *Error) {
	nowNs := a.Core.NowNs()
	route, known := a.Methods[call.What]
	weight := max(route.Weight, 1)
	if route.WeightOf != nil {
		weight = route.WeightOf(call.Params)
	}
	used, ok, retry := a.Limits.Weight.Use(nowNs, call.IP, weight)
	limit := a.Limits.Weight.Limit
	if route.Orders == 0 {
		out.RateLimits = append(out.RateLimits, RateLimit{"REQUEST_WEIGHT", "MINUTE", 1, limit, used})
	}
	if !ok {
		return nil, errTooManyRequests(statusOfWeight(used, limit), call.IP, limit, retry)
	}
	if call.APIKey == "" {
		call.Key = session.Key()
		if route.Security >= Signed && call.Key != nil && call.Params["timestamp"] != "" {
			if refusal := CheckTime(call.Params, a.Rules, nowNs/int64(time.Millisecond)); refusal != nil {
				return nil, refusal
			}
		}
	}
	if more != nil {
		if result, refusal, handled := more(session, call); handled {
			return result, refusal
		}
	}
	if result, refusal, handled := a.session(session, call); handled {
		return result, refusal
	}
	if !known {
		return nil, &Error{Code: -1020, Msg: "Unsupported operation: " + strings.ReplaceAll(call.What, `"`, "'")}
	}
	inner := route.Do
	route.Do = func(c *Call) (any, *Error) {
		defer begin()
		return inner(c)
	}
	return a.Carry(call, &route, func(header string, count int) {
		for _, l := range a.Limits.Orders {
			if strings.HasSuffix(header, "-"+l.Header) {
				interval, num := intervalOf(l.Interval)
				out.RateLimits = append(out.RateLimits, RateLimit{"ORDERS", interval, num, l.Limit, count})
			}
		}
	})
}

// OrderCounts are the limits of new orders with what an account has used.
func (l *Limits) OrderCounts(nowNs int64, account string) []RateLimit {
	list := []RateLimit{}
	for _, limit := range l.Orders {
		used, _, _ := limit.Use(nowNs, account, 0)
		interval, num := intervalOf(limit.Interval)
		list = append(list, RateLimit{"ORDERS", interval, num, limit.Limit, used})
	}
	return list
}

// intervalOf returns an interval in the venue's words.
func intervalOf(d time.Duration) (unit string, num int) {
	switch {
	case d%(24*time.Hour) == 0:
		return "DAY", int(d / (24 * time.Hour))
	case d%time.Minute == 0:
		return "MINUTE", int(d / time.Minute)
	}
	return "SECOND", int(d / time.Second)
}

type sessionStatus struct {
	APIKey           any   `json:"apiKey"`
	AuthorizedSince  any   `json:"authorizedSince"`
	ConnectedSince   int64 `json:"connectedSince"`
	ReturnRateLimits bool  `json:"returnRateLimits"`
	ServerTime       int64 `json:"serverTime"`
}

// session answers the methods of the session itself.
func (a *WSAPI) session(session *Session, call *Call) (result any, refusal *Error, handled bool) {
	nowMs := a.Core.NowNs() / int64(time.Millisecond)
	switch call.What {
	case "session.logon":
		key, refusal := Authenticate(a.Core.Key, a.Rules, nowMs, call.Request, true)
		if refusal != nil {
			return nil, refusal, true
		}
		if !key.SignedEd25519(call.Signed, call.Params["signature"]) {
			return nil, &Error{Code: -4056, Msg: "HMAC_SHA256 API key is not supported."}, true
		}
		session.set(key, nowMs)
	case "session.logout":
		session.set(nil, 0)
	case "session.status":
	default:
		return nil, nil, false
	}
	s := sessionStatus{ConnectedSince: session.Conn.OpenedNs / int64(time.Millisecond), ReturnRateLimits: true,
		ServerTime: nowMs}
	session.mu.Lock()
	if session.key != nil {
		s.APIKey, s.AuthorizedSince = session.key.APIKey, session.sinceMs
	}
	session.mu.Unlock()
	return s, nil, true
}
