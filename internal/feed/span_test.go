package feed_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// spanOf measures a recording of spot.
func spanOf(t *testing.T, recording []byte) feed.Span {
	path := filepath.Join(t.TempDir(), "recording")
	if err := os.WriteFile(path, recording, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := feed.OpenLines(context.Background(), feed.LinesConfig{Files: []string{path}, NewDecoder: spot, Symbol: "A", Rule: connector.RuleSpot})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Span()
}

const second = int64(time.Second)

// spanBeganNs is when the recordings begin.
const spanBeganNs = 1_700_000_000 * second

func spotTrade(out *bytes.Buffer, localNs, exchNs int64) {
	fmt.Fprintf(out, `%d {"e":"trade","E":%d,"s":"A","t":%[1]d,"p":"1","q":"1","T":%[2]d,"m":true}`+"\n", localNs, exchNs/1e6)
}

// TestSpanOfALateFeed: that everything comes two seconds late does not mean to read on to the end.
func TestSpanOfALateFeed(t *testing.T) {
	const late = 2 * second
	var out bytes.Buffer
	for at := int64(0); at < 600*second; at += second / 10 {
		spotTrade(&out, spanBeganNs+at+late, spanBeganNs+at)
	}
	span := spanOf(t, out.Bytes())
	for at := int64(0); at < 600*second; at += second / 10 {
		if reach := span.Reach(spanBeganNs+at) - spanBeganNs - at; reach < late || reach > 2*late {
			t.Fatalf("%v after the beginning %v are read ahead", time.Duration(at), time.Duration(reach))
		}
	}
}

// TestSpanAfterAPause: what is late after more than a day without a line is late as well.
func TestSpanAfterAPause(t *testing.T) {
	const late, pause = 3 * second, 30 * 3600 * second
	var out bytes.Buffer
	for _, beganNs := range []int64{spanBeganNs, spanBeganNs + pause} {
		for at := int64(0); at < 10*second; at += second {
			spotTrade(&out, beganNs+at+late, beganNs+at)
		}
	}
	span := spanOf(t, out.Bytes())
	for at := int64(0); at < 10*second; at += second {
		if reach := span.Reach(spanBeganNs+pause+at) - spanBeganNs - pause - at; reach < late {
			t.Errorf("%v after the pause %v are read ahead", time.Duration(at), time.Duration(reach))
		}
	}
}

// TestSpanOfQuotesAfterAWrongTime: a depth message with a time to come, which is dropped, does not stand for those of
// the quotes after the next one.
func TestSpanOfQuotesAfterAWrongTime(t *testing.T) {
	const late = 5 * second
	var out bytes.Buffer
	depth := func(localNs, exchNs, id int64) {
		fmt.Fprintf(&out, `%d {"e":"depthUpdate","E":%d,"s":"A","U":%[3]d,"u":%[3]d,"b":[["1","%[3]d"]],"a":[]}`+"\n", localNs, exchNs/1e6, id)
	}
	fmt.Fprintf(&out, `%d {"lastUpdateId":1,"bids":[["1","1"]],"asks":[["2","1"]]}`+"\n", spanBeganNs)
	for i := range int64(3) {
		depth(spanBeganNs+i, spanBeganNs, 2+i)
	}
	depth(spanBeganNs+second, spanBeganNs+3600*second, 5)
	depth(spanBeganNs+2*second, spanBeganNs+2*second, 6)
	fmt.Fprintf(&out, `%d {"u":7,"s":"A","b":"1","B":"3","a":"2","A":"3"}`+"\n", spanBeganNs+2*second+late)
	span := spanOf(t, out.Bytes())
	if reach := span.Reach(spanBeganNs+2*second) - spanBeganNs - 2*second; reach < late {
		t.Errorf("%v are read ahead, the quote is %v late", time.Duration(reach), time.Duration(late))
	}
}

// TestLinesOfAnotherDay: of lines whose own times are off it is said by how much those are, not the time that they are
// given.
func TestLinesOfAnotherDay(t *testing.T) {
	var out bytes.Buffer
	for i := range int64(100) {
		at, latency := spanBeganNs+i*second/10, second/200
		if i >= 50 {
			latency = 25 * 3600 * second
		}
		spotTrade(&out, at+latency, at)
	}
	path := filepath.Join(t.TempDir(), "recording")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	var told []string
	l, err := feed.OpenLines(context.Background(), feed.LinesConfig{Files: []string{path}, NewDecoder: spot, Symbol: "A",
		OnProblem: func(p feed.Problem) error {
			if p.Finding == feed.BadLine {
				told = append(told, p.What)
			}
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for err == nil {
		if _, err = l.Next(); err == nil {
			_, err = l.Message()
		}
	}
	if len(told) != 50 || !strings.Contains(told[0], "25h0m0s after its exchange time") {
		t.Errorf("told: %q", told)
	}
}
