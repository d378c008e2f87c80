package feed

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/connector"
)

// messageTimes says when messages were received of which nobody has noted it: a base latency after the venue has sent them.
type messageTimes struct {
	latency time.Duration
	file    func() string // the one in hand
	// decoders are that of the files and, for a file of another venue, all others.
	decoders []connector.Decoder
	message  connector.Message
	// timeless is how many messages without a time have come without there being a latency.
	timeless int
}

func (l *Lines) newMessageTimes(file func() string) *messageTimes {
	t := &messageTimes{latency: l.config.BaseLatency, file: file, decoders: []connector.Decoder{l.config.NewDecoder()}}
	for _, name := range slices.Sorted(maps.Keys(l.config.Formats)) {
		if name != l.config.Format {
			t.decoders = append(t.decoders, l.config.Formats[name].NewDecoder())
		}
	}
	return t
}

// of returns when a message was received, 0 when it has no time. It is an error if there is no latency, unless it may be a line that
// is broken.
func (t *messageTimes) of(text []byte) (int64, error) {
	exchNs := int64(0)
	for i := 0; i < len(t.decoders) && exchNs <= 0; i++ {
		if t.decoders[i].Decode(0, text, &t.message) == nil && t.message.Kind != connector.MessageIgnored {
			exchNs = max(newestNs(&t.message), t.message.SentNs)
		}
	}
	if exchNs <= 0 {
		return 0, nil
	}
	if t.latency > 0 {
		return exchNs + int64(t.latency), nil
	}
	if t.timeless++; t.timeless < firstLines {
		return 0, nil
	}
	return 0, t.missing()
}

func (t *messageTimes) missing() error {
	return fmt.Errorf("%s: its lines have no local time, as in the archives of venues; set the delay from the venue's time to reception: "+
		`--base-latency, or base_latency in the configuration, such as "5ms"`, t.file())
}

// tellTimeless tells of each file without local times what they are made of.
func (l *Lines) tellTimeless() error {
	n := l.reader.FileNo()
	if !l.reader.ByMessage() || l.timelessFile > n {
		return nil
	}
	l.timelessFile = n + 1
	return l.found(NoLocalTime, fmt.Sprintf("there are no local times: each is the venue's time and %v", l.config.BaseLatency), nil)
}
