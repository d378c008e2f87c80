package binance

import (
	"encoding/json"
	"strings"

	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// MaxStreams is the maximum number of streams of a connection.
const MaxStreams = 1024

// Streams serves connections of market streams.
type Streams struct {
	Core *venue.Core
	// Valid reports whether a name is well formed; one that is but stands for nothing is subscribed and silent.
	Valid func(stream string) bool
}

// control is a message of a client.
type control struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	ID     json.RawMessage `json:"id"`
}

type controlError struct {
	Error struct {
		Code int    `json:"code"`
		Msg  string `json:"msg"`
	} `json:"error"`
	ID json.RawMessage `json:"id"`
}

func refuse(conn *wire.Conn, id json.RawMessage, code int, msg string) {
	if len(id) == 0 {
		id = json.RawMessage("null")
	}
	e := controlError{ID: id}
	e.Error.Code, e.Error.Msg = code, msg
	answer(conn, e)
}

func answer(conn *wire.Conn, value any) {
	if body, err := Marshal(value); err == nil {
		conn.Answer(body)
	}
}

type controlResult struct {
	Result any             `json:"result"`
	ID     json.RawMessage `json:"id"`
}

// Open subscribes what the address of a connection names: /ws/<stream>, /stream?streams=a/b.
func (s *Streams) Open(conn *wire.Conn, names []string) {
	for _, name := range names {
		if s.Valid(name) && len(conn.Streams()) < MaxStreams {
			conn.Subscribe(name)
		}
	}
}

// Message handles a message of a client.
func (s *Streams) Message(conn *wire.Conn, data []byte) {
	var c control
	if err := json.Unmarshal(data, &c); err != nil {
		if json.Valid(data) {
			refuse(conn, nil, 1, "Invalid value type: request must be an object")
		} else {
			refuse(conn, nil, 3, "Invalid JSON: "+strings.ReplaceAll(err.Error(), `"`, "'"))
		}
		return
	}
	if !validID(c.ID) {
		refuse(conn, nil, 2, "Invalid request: request ID must be an unsigned integer or a string")
		return
	}
	s.Core.Counters.Request(c.Method)
	switch c.Method {
	case "SUBSCRIBE", "UNSUBSCRIBE":
		s.subscribe(conn, &c)
	case "LIST_SUBSCRIPTIONS":
		answer(conn, controlResult{conn.Streams(), c.ID})
	case "SET_PROPERTY", "GET_PROPERTY":
		refuse(conn, c.ID, 0, "Unknown property")
	default:
		refuse(conn, c.ID, 2, "Invalid request: unknown variant `"+c.Method+"`, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`")
	}
}

// validID reports whether an id is one that a request may have.
func validID(id json.RawMessage) bool {
	if len(id) == 0 || id[0] == '"' && len(id) <= 38 || string(id) == "null" {
		return true
	}
	for _, c := range id {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func (s *Streams) subscribe(conn *wire.Conn, c *control) {
	var names []string
	if json.Unmarshal(c.Params, &names) != nil || len(names) == 0 {
		refuse(conn, c.ID, 2, "Invalid request: missing field `params`")
		return
	}
	if _, hit := s.Core.Faults.Hit(fault.ResubscribeError, strings.Join(names, "/")); hit {
		refuse(conn, c.ID, 2, "Invalid request: too many requests")
		return
	}
	for _, name := range names {
		if !s.Valid(name) {
			refuse(conn, c.ID, 2, "Invalid request: invalid stream")
			return
		}
	}
	if c.Method == "SUBSCRIBE" && len(conn.Streams())+len(names) > MaxStreams {
		refuse(conn, c.ID, 2, "Invalid request: too many streams")
		return
	}
	for _, name := range names {
		if c.Method == "SUBSCRIBE" {
			conn.Subscribe(name)
		} else {
			conn.Unsubscribe(name)
		}
	}
	if len(c.ID) == 0 {
		c.ID = json.RawMessage("null")
	}
	answer(conn, controlResult{nil, c.ID})
}

// Combined wraps the payload of a stream for a combined connection.
func Combined(stream string, payload []byte) []byte {
	b := make([]byte, 0, len(payload)+len(stream)+24)
	b = append(b, `{"stream":"`...)
	b = append(b, stream...)
	b = append(b, `","data":`...)
	b = append(b, payload...)
	return append(b, '}')
}
