package bybit

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"

	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// tradeRequest is a client's message on a trade connection.
type tradeRequest struct {
	ReqID  string            `json:"reqId"`
	Header map[string]string `json:"header"`
	Op     string            `json:"op"`
	Args   []json.RawMessage `json:"args"`
}

// tradeReply answers a request for an order.
type tradeReply struct {
	ReqID  string            `json:"reqId,omitempty"`
	Code   int               `json:"retCode"`
	Msg    string            `json:"retMsg"`
	Op     string            `json:"op"`
	Data   any               `json:"data,omitempty"`
	Extra  any               `json:"retExtInfo,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	ConnID string            `json:"connId"`
}

// session is one trade connection. Its reader alone uses key and seen.
type session struct {
	conn *wire.Conn
	key  *wire.Key
	// seen are the request ids so far.
	seen map[string]bool
}

const (
	maxReqID = 36
	// maxSeen is the number of request ids that are kept; then the venue forgets all.
	maxSeen = 100_000
)

// serveTrade serves a trade connection.
func (v *Venue) serveTrade(w http.ResponseWriter, r *http.Request) {
	s := &session{seen: map[string]bool{}}
	var answering sync.WaitGroup
	v.core.Hub.Serve(w, r, wire.Handler{
		Opened: func(c *wire.Conn) {
			s.conn = c
			limitIdle(c)
		},
		Message: func(_ *wire.Conn, data []byte) { v.tradeMessage(r, s, data, &answering) },
		Closed:  func(*wire.Conn) { answering.Wait() },
	})
}

// tradeMessage handles a message on a trade connection.
func (v *Venue) tradeMessage(r *http.Request, s *session, data []byte, answering *sync.WaitGroup) {
	var q tradeRequest
	say := func(code int, msg string) {
		s.conn.Answer(encode(tradeReply{ReqID: q.ReqID, Code: code, Msg: msg, Op: q.Op, ConnID: connID(s.conn)}))
	}
	if json.Unmarshal(data, &q) != nil {
		say(10001, "Params Error")
		return
	}
	v.core.Counters.Request(q.Op)
	if q.Op == "ping" {
		s.conn.Answer(encode(tradeReply{ReqID: q.ReqID, Msg: "OK", Op: "pong",
			Data: []string{strconv.FormatInt(milliseconds(v.core.NowNs()), 10)}, ConnID: connID(s.conn)}))
		return
	}
	if q.Op == "auth" {
		v.logOnTrade(s, &q, say)
		return
	}
	route, known := v.routes[q.Op]
	switch _, ok, _ := v.tradeRequests.Use(v.core.NowNs(), s.conn.RemoteIP, 1); {
	case !ok:
		say(10403, "Exceed IP rate limit.")
		return
	case s.key == nil:
		say(10007, "User authentication failed.")
		return
	case !known || !route.order || len(q.Args) != 1:
		say(10404, "op or category is not found")
		return
	case len(q.ReqID) > maxReqID:
		say(10001, "Params Error: reqId is too long")
		return
	case q.ReqID != "" && s.seen[q.ReqID]:
		say(20006, "Duplicate reqId")
		return
	case v.restarting(s.conn):
		say(10019, restarting)
		return
	}
	if len(s.seen) == maxSeen {
		clear(s.seen)
	}
	s.seen[q.ReqID] = true
	// Answers may overtake each other, as at the venue, but a request is begun in its turn: done before the next is
	// looked at, unless a fault makes it wait.
	begun := make(chan struct{})
	key := s.key
	answering.Go(func() { v.trade(r, s.conn, key, &q, route, begun) })
	<-begun
}

// logOnTrade logs on to a trade connection.
func (v *Venue) logOnTrade(s *session, q *tradeRequest, say func(code int, msg string)) {
	if s.key != nil {
		say(20001, "Repeat auth")
		return
	}
	key, bad := v.logOn(q.Args)
	if bad != nil {
		say(bad.code, bad.msg)
		s.conn.CloseAfterSending(websocket.StatusPolicyViolation, bad.msg)
		return
	}
	s.key = key
	say(0, "OK")
}

// trade carries out one request and closes begun when the next may be looked at.
func (v *Venue) trade(r *http.Request, conn *wire.Conn, key *wire.Key, q *tradeRequest, route route,
	begun chan struct{}) {
	var once sync.Once
	begin := func() { once.Do(func() { close(begun) }) }
	defer begin()
	inner := route.do
	route.do = func(c *call) (any, any, *refusal) {
		defer begin()
		return inner(c)
	}
	var used usage
	c := &call{what: q.Op, http: r, body: q.Args[0]}
	result, extra, bad := v.carry(c, &route, &used,
		func() (*wire.Key, *refusal) { return key, v.checkTime(q.Header[headerTime], q.Header[headerWindow]) })
	reply := tradeReply{ReqID: q.ReqID, Msg: "OK", Op: q.Op, Data: result, Extra: extra, Header: used.values(),
		ConnID: connID(conn)}
	if bad != nil && bad.abort {
		conn.Close(websocket.StatusInternalError, "")
		return
	}
	if bad != nil {
		reply.Code, reply.Msg = bad.code, bad.msg
	}
	if reply.Data == nil {
		reply.Data = struct{}{}
	}
	if reply.Extra == nil {
		reply.Extra = struct{}{}
	}
	if reply.Header == nil {
		reply.Header = map[string]string{}
	}
	reply.Header["Timenow"] = strconv.FormatInt(milliseconds(v.core.NowNs()), 10)
	reply.Header["Traceid"] = connID(conn)
	conn.Answer(encode(reply))
}
