package bybit

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// operation is a client's message on a public or private connection.
type operation struct {
	ReqID string            `json:"req_id"`
	Op    string            `json:"op"`
	Args  []json.RawMessage `json:"args"`
}

// topics returns the arguments as texts.
func (o *operation) topics() ([]string, bool) {
	list := make([]string, len(o.Args))
	for i, raw := range o.Args {
		if json.Unmarshal(raw, &list[i]) != nil {
			return nil, false
		}
	}
	return list, len(list) > 0
}

// outcome answers an operation.
type outcome struct {
	Success bool   `json:"success"`
	Msg     string `json:"ret_msg"`
	ConnID  string `json:"conn_id"`
	ReqID   string `json:"req_id,omitempty"`
	Op      string `json:"op"`
}

// connID is a connection's name.
func connID(c *wire.Conn) string { return fmt.Sprintf("cf0ib0al%08x", c.ID) }

func answer(c *wire.Conn, o *operation, success bool, msg string) {
	c.Answer(encode(outcome{success, msg, connID(c), o.ReqID, o.Op}))
}

// maxArgs is the maximum number of characters in the topics of a connection.
const maxArgs = 21000

// publicMessage handles a message on a public connection.
func (v *Venue) publicMessage(c *wire.Conn, data []byte) {
	var o operation
	if json.Unmarshal(data, &o) != nil {
		answer(c, &o, false, "error:json unmarshal failed")
		return
	}
	v.core.Counters.Request(o.Op)
	switch o.Op {
	case "ping":
		answer(c, &o, true, "pong")
	case "subscribe":
		v.subscribe(c, &o, v.knownTopic, v.subscribePublic)
	case "unsubscribe":
		v.unsubscribe(c, &o)
	default:
		answer(c, &o, false, "error:op not found,op:"+o.Op)
	}
}

// subscribe adds topics, all or none of them: what happens after the answer is reported. add returns what is to follow
// the answer, nil for nothing.
func (v *Venue) subscribe(c *wire.Conn, o *operation, known func(topic string) bool, add func(c *wire.Conn,
	topic string) (then func())) {
	topics, ok := o.topics()
	if !ok {
		answer(c, o, false, "error:args invalid")
		return
	}
	if _, hit := v.core.Faults.Hit(fault.ResubscribeError, strings.Join(topics, "/")); hit {
		answer(c, o, false, "error:system busy")
		return
	}
	have := c.Streams()
	size := len(strings.Join(have, "")) + len(strings.Join(topics, ""))
	for i, topic := range topics {
		switch {
		case !known(topic):
			answer(c, o, false, "error:handler not found,topic:"+topic)
			return
		case slices.Contains(have, topic), slices.Contains(topics[:i], topic):
			answer(c, o, false, "error:already subscribed,topic:"+topic)
			return
		}
	}
	switch {
	case size > maxArgs:
		answer(c, o, false, "error:args length exceeds the limit of "+strconv.Itoa(maxArgs))
		return
	case mixed(append(have, topics...)):
		answer(c, o, false, "error:do not subscribe to all-in-one and categorised topics together")
		return
	}
	var follow []func()
	for _, topic := range topics {
		if then := add(c, topic); then != nil {
			follow = append(follow, then)
		}
	}
	answer(c, o, true, "")
	for _, then := range follow {
		then()
	}
}

func (v *Venue) unsubscribe(c *wire.Conn, o *operation) {
	topics, ok := o.topics()
	if !ok {
		answer(c, o, false, "error:args invalid")
		return
	}
	v.core.Do(func(int64, *market.Market) {
		for _, topic := range topics {
			c.Unsubscribe(topic)
			v.unsubscribeBook(c, topic)
		}
	})
	answer(c, o, true, "")
}

// knownTopic reports whether the venue has a public topic. Those of tickers, klines and liquidations are silent.
func (v *Venue) knownTopic(topic string) (known bool) {
	kind, rest, _ := strings.Cut(topic, ".")
	switch kind {
	case "orderbook":
		if _, ok := depthOf(topic); !ok {
			return false
		}
	case "publicTrade", "tickers":
		if strings.Contains(rest, ".") {
			return false
		}
	case "kline", "allLiquidation":
	default:
		return false
	}
	v.core.Do(func(_ int64, m *market.Market) {
		_, err := m.Symbol(linearSymbol(topic))
		known = err == nil
	})
	return known
}

// depthOf returns the depth of a topic of books.
func depthOf(topic string) (int, bool) {
	parts := strings.Split(topic, ".")
	if len(parts) != 3 || parts[0] != "orderbook" {
		return 0, false
	}
	depth, err := strconv.Atoi(parts[1])
	_, known := intervals()[depth]
	return depth, err == nil && known && strconv.Itoa(depth) == parts[1]
}

func (v *Venue) subscribePublic(c *wire.Conn, topic string) (then func()) {
	depth, ok := depthOf(topic)
	if !ok {
		return subscribe(c, topic)
	}
	return func() { // begins with a snapshot
		v.core.Do(func(nowNs int64, m *market.Market) {
			if s, err := m.Symbol(linearSymbol(topic)); err == nil {
				v.subscribeBook(nowNs, m, c, s, depth)
			}
		})
	}
}

// subscribe adds a topic that nothing begins.
func subscribe(c *wire.Conn, topic string) (then func()) {
	c.Subscribe(topic)
	return nil
}

// logOn checks the arguments of an auth: key, until when it is good, signature of that.
func (v *Venue) logOn(args []json.RawMessage) (*wire.Key, *refusal) {
	var name, signature string
	var expiresMs int64
	if len(args) != 3 || json.Unmarshal(args[0], &name) != nil || json.Unmarshal(args[2], &signature) != nil {
		return nil, refuse(10001, "Params Error")
	}
	if err := json.Unmarshal(args[1], &expiresMs); err != nil {
		return nil, refuse(10001, "Params Error")
	}
	key := v.core.Key(name)
	switch {
	case key == nil:
		return nil, refuse(10003, "Invalid apiKey")
	case !key.SignedHMAC("GET/realtime"+strconv.FormatInt(expiresMs, 10), signature):
		return nil, refuse(10004, "Invalid sign")
	case expiresMs <= milliseconds(v.core.NowNs()):
		return nil, refuse(10004, "Params Error: expires is in the past")
	}
	return key, nil
}

// servePrivate serves a private connection.
func (v *Venue) servePrivate(w http.ResponseWriter, r *http.Request) {
	v.core.Hub.Serve(w, r, wire.Handler{
		Opened:  limitIdle,
		Message: v.privateMessage,
		Closed:  func(c *wire.Conn) { v.core.Do(func(int64, *market.Market) { delete(v.users, c.ID) }) },
	})
}

// privatePong answers a ping on a private connection.
type privatePong struct {
	ReqID  string   `json:"req_id,omitempty"`
	Op     string   `json:"op"`
	Args   []string `json:"args"`
	ConnID string   `json:"conn_id"`
}

// privateMessage handles a message on a private connection.
func (v *Venue) privateMessage(c *wire.Conn, data []byte) {
	var o operation
	if json.Unmarshal(data, &o) != nil {
		answer(c, &o, false, "error:json unmarshal failed")
		return
	}
	v.core.Counters.Request(o.Op)
	var account string
	v.core.Do(func(int64, *market.Market) {
		if u := v.users[c.ID]; u != nil {
			account = u.account
		}
	})
	switch {
	case o.Op == "ping":
		c.Answer(encode(privatePong{o.ReqID, "pong", []string{strconv.FormatInt(milliseconds(v.core.NowNs()), 10)},
			connID(c)}))
	case o.Op == "auth" && account != "":
		answer(c, &o, false, "Repeat auth")
	case o.Op == "auth":
		v.logOnUser(c, &o)
	case account == "":
		answer(c, &o, false, "Request not authorized")
	case o.Op == "subscribe":
		v.subscribe(c, &o, func(topic string) bool { return slices.Contains(userTopics(), topic) }, subscribe)
	case o.Op == "unsubscribe":
		v.unsubscribe(c, &o)
	default:
		answer(c, &o, false, "error:op not found,op:"+o.Op)
	}
}

func (v *Venue) logOnUser(c *wire.Conn, o *operation) {
	key, bad := v.logOn(o.Args)
	if bad != nil {
		answer(c, o, false, bad.msg)
		c.CloseAfterSending(websocket.StatusPolicyViolation, bad.msg)
		return
	}
	v.core.Do(func(int64, *market.Market) { v.users[c.ID] = &user{c, v.core.NewUserStream(c), key.Account} })
	answer(c, o, true, "")
}
