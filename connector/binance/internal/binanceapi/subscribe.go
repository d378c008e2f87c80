package binanceapi

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// maxSubscribe is how long a subscription may get: longer messages than 4 KiB are refused by some of the venues' gates.
const maxSubscribe = 4000

// Subscriptions returns the messages that subscribe to streams on a connection, with ids from 1 on: as few as their
// length allows, because connections may send a few messages per second only.
func Subscriptions(streams []string) [][]byte {
	var messages [][]byte
	var m []byte
	for _, s := range streams {
		if len(m) > 0 && len(m)+len(s)+16 > maxSubscribe {
			messages = append(messages, closeSubscribe(m, len(messages)+1))
			m = nil
		}
		if m == nil {
			m = append(m, `{"method":"SUBSCRIBE","params":[`...)
		} else {
			m = append(m, ',')
		}
		m = appendString(m, s)
	}
	if len(m) > 0 {
		messages = append(messages, closeSubscribe(m, len(messages)+1))
	}
	return messages
}

func closeSubscribe(m []byte, id int) []byte {
	m = append(m, `],"id":`...)
	m = strconv.AppendInt(m, int64(id), 10)
	return append(m, '}')
}

// Subscribed reports whether a frame of a market stream answers a subscription, with an error when it refuses it. It is
// quick about the frames that carry data.
func (p *Parser) Subscribed(frame []byte) (answer bool, err error) {
	if bytes.HasPrefix(frame, []byte(`{"stream":`)) || bytes.HasPrefix(frame, []byte(`{"e":`)) {
		return false, nil
	}
	parseErr := p.Parse(frame, func(v Value) error {
		if !v.IsObject() {
			return nil
		}
		// The venue wraps its errors; its documents show them bare.
		failed := v.Field("error")
		if !failed.IsObject() && v.Has("code") && v.Has("msg") {
			failed = v
		}
		if failed.IsObject() {
			answer = true
			return refusedError(int(failed.Int("code")), failed.Text("msg"))
		}
		answer = v.Has("id")
		return nil
	})
	var refused *subscribeError
	if errors.As(parseErr, &refused) {
		return true, refused
	}
	return answer && parseErr == nil, nil
}

// subscribeError is the venue's refusal of a subscription.
type subscribeError struct {
	code int
	msg  string
}

func refusedError(code int, msg string) error { return &subscribeError{code, clip(msg)} }

// Error returns what the venue said.
func (e *subscribeError) Error() string {
	return fmt.Sprintf("binanceapi: the subscription is rejected (%d): %s", e.code, e.msg)
}
