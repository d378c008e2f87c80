package protocol

import (
	"context"
	"time"
)

// Stream describes one WebSocket connection: what a venue's package says about it.
type Stream struct {
	// Name tells a venue's streams apart in messages: "public", "market", "user".
	Name string
	// URL has the scheme ws or wss.
	URL string
	// Hello are messages to send right after connecting: log-on, subscriptions. The stream is up when Ready has said so
	// for as many answers as Answers, or at once when that is 0.
	Hello   [][]byte
	Answers int
	// OneByOne sends each Hello only after the answer to the one before, such as a subscription after the log-on.
	// Answers is then the number of Hellos.
	OneByOne bool
	// HelloInterval is the pause between two Hellos where the venue limits messages per second; 0 for none.
	HelloInterval time.Duration
	// Ready looks at a message and reports whether it is an answer to a Hello; err says that it was refused. It is
	// asked about every message until the stream is up, and not any more after that. Answers are not delivered.
	Ready func(frame []byte) (answer bool, err error)
	// Ping is sent every PingInterval, nil for none; the WebSocket's own pings are answered in any case.
	Ping         func() []byte
	PingInterval time.Duration
	// Pong reports whether a message is the answer to a Ping. It is asked only while one is due. Pongs are not
	// delivered and are no data. Without it every message is data, also a pong, and QuietTopics must be 0 if there is a
	// Ping.
	Pong func(frame []byte) bool
	// Silence is how long nothing may come, also no ping, until the connection is taken for dead. It has to be set.
	Silence time.Duration
	// QuietTopics is how long a stream that is up may bring no data although something is subscribed: then it is asked
	// for a sign of life with a WebSocket ping. Without one within that time, 2 s to 10 s, it is dead; with one
	// Config.OnQuiet decides. 0 for a stream that may be quiet for ever.
	QuietTopics time.Duration
	// Lifetime is after how long the connection is replaced by a new one, before the venue cuts it; 0 for never. Up to
	// a tenth less is used, so that streams that began together are not renewed together.
	Lifetime time.Duration
	// KeepAlive is called every KeepAliveInterval, such as to extend a listen key. An error renews the stream.
	KeepAlive         func(ctx context.Context) error
	KeepAliveInterval time.Duration
}
