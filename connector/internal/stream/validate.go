package stream

import (
	"fmt"
	"net/url"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// validate returns what makes a Stream unusable.
func validate(s *protocol.Stream) error {
	u, err := url.Parse(s.URL)
	switch {
	case err != nil:
		return fmt.Errorf("stream %q: URL: %w", s.Name, err)
	case u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "":
		return fmt.Errorf("stream %q: the URL %q has to begin with ws:// or wss:// and a host", s.Name, u.Redacted())
	case s.Silence <= 0:
		return fmt.Errorf("stream %q: Silence is not set: a dead connection would never be noticed", s.Name)
	case s.Answers < 0 || s.Answers > 0 && s.Ready == nil:
		return fmt.Errorf("stream %q: %d answers are waited for, but there is no Ready that knows them", s.Name,
			s.Answers)
	case s.OneByOne && s.Answers != len(s.Hello):
		return fmt.Errorf("stream %q: %d messages one by one need as many answers, not %d", s.Name, len(s.Hello),
			s.Answers)
	}
	return validateTimes(s)
}

// validateTimes returns what is wrong with what a Stream does from time to time.
func validateTimes(s *protocol.Stream) error {
	switch {
	case (s.Ping == nil) != (s.PingInterval <= 0):
		return fmt.Errorf("stream %q: Ping and PingInterval belong together", s.Name)
	case s.Ping != nil && s.Pong == nil && s.QuietTopics > 0:
		return fmt.Errorf("stream %q: QuietTopics needs Pong: the answer to a Ping would count as data", s.Name)
	case (s.KeepAlive == nil) != (s.KeepAliveInterval <= 0):
		return fmt.Errorf("stream %q: KeepAlive and KeepAliveInterval belong together", s.Name)
	case s.HelloInterval < 0 || s.QuietTopics < 0 || s.Lifetime < 0:
		return fmt.Errorf("stream %q: a duration is negative", s.Name)
	}
	return nil
}
