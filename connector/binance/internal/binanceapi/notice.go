package binanceapi

import "bytes"

// ServerShutdown is the event type by which the venue says that it is about to close a connection, ShutdownReason the
// same in words.
const (
	ServerShutdown = "serverShutdown"
	ShutdownReason = "the venue is about to shut this server down (serverShutdown)"
)

// Event returns the event in its envelope: "event" over the WebSocket API, "data" over a combined stream; v itself when
// it has none.
func Event(v Value) Value {
	for _, envelope := range [...]string{"event", "data"} {
		if event := v.Field(envelope); event.IsObject() {
			return event
		}
	}
	return v
}

// maxNotice is longer than any notice; data that nobody decodes may be long.
const maxNotice = 256

// Notice looks at a message that is of no other interest and returns why its connection has to be replaced, empty when
// there is no reason.
func (p *Parser) Notice(frame []byte) (reason string) {
	if len(frame) > maxNotice || !bytes.Contains(frame, []byte(ServerShutdown)) {
		return ""
	}
	err := p.Parse(frame, func(v Value) error {
		if string(Event(v).Bytes("e")) == ServerShutdown {
			reason = ShutdownReason
		}
		return nil
	})
	if err != nil {
		return ""
	}
	return reason
}
