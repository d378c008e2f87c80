package recording

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

// parsedLine is a line taken apart. ok is false when it has no time.
type parsedLine struct {
	text, message []byte
	timestampNs   int64
	unit          time.Duration
	ok, byMessage bool
}

// split takes a line apart that has a time before its message.
func split(text []byte) parsedLine {
	l := parsedLine{text: text}
	l.timestampNs, l.unit, l.message, l.ok = splitLine(text)
	return l
}

// alone is the line of a message that has the time in itself.
func alone(text []byte, timestampNs int64) parsedLine {
	return parsedLine{text: text, message: text, timestampNs: timestampNs, unit: time.Nanosecond, ok: true, byMessage: true}
}

// parse takes the line apart that was read last. The first one of a file says whether there may be messages without a time in it.
func (r *Reader) parse(text []byte) (parsedLine, error) {
	l := split(text)
	isAlone := !l.ok && bytes.HasPrefix(text, []byte("{"))
	if r.looked <= r.at.file {
		r.looked, r.alone = r.at.file+1, isAlone
	}
	if !isAlone || !r.alone || r.config.TimeNs == nil {
		return l, nil
	}
	timestampNs, err := r.config.TimeNs(text)
	return alone(text, timestampNs), err
}

// splitLine takes a line apart at its first space; ok is false when no time stands before it.
func splitLine(line []byte) (timestampNs int64, unit time.Duration, message []byte, ok bool) {
	i, t := 0, int64(0)
	for ; i < len(line) && line[i]-'0' <= 9; i++ {
		digit := int64(line[i] - '0')
		if t > (math.MaxInt64-digit)/10 {
			return 0, 0, nil, false
		}
		t = t*10 + digit
	}
	if i == 0 || i >= len(line) || line[i] != ' ' {
		return 0, 0, nil, false
	}
	timestampNs, unit, ok = hft.UnixNs(t, time.Nanosecond)
	return timestampNs, unit, line[i+1:], ok
}

// excerpt is enough of a line to find it.
func excerpt(line []byte) string {
	const most = 60
	if len(line) > most {
		return fmt.Sprintf("%q...", line[:most])
	}
	return fmt.Sprintf("%q", line)
}
