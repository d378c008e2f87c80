package binancefutures_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binancefutures"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/scantest"

	"github.com/valyala/fastjson"
)

// recorded returns the messages of a recording that contain what, all of them when it is empty.
func recorded(tb testing.TB, what string) (messages [][]byte, size int64) {
	tb.Helper()
	for _, line := range scantest.Lines(tb, datatest.Recording(tb, "binancefutures", "btcusdt_20240808.gz"), 0) {
		if bytes.Contains(line.Message, []byte(what)) {
			messages = append(messages, line.Message)
			size += int64(len(line.Message))
		}
	}
	return messages, size
}

// BenchmarkDecode decodes recorded messages; one operation is all of them.
func BenchmarkDecode(b *testing.B) {
	for _, kind := range []struct{ name, contains string }{
		{"depth", `"depthUpdate"`}, {"bookTicker", `"bookTicker"`}, {"trade", `"trade"`}, {"all", ""},
	} {
		messages, size := recorded(b, kind.contains)
		run := func(name string, decode func(raw []byte) error) {
			b.Run(kind.name+"/"+name, func(b *testing.B) {
				b.SetBytes(size)
				b.ReportAllocs()
				for b.Loop() {
					for _, raw := range messages {
						if err := decode(raw); err != nil {
							b.Fatal(err)
						}
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(messages)), "ns/message")
			})
		}
		var d binancefutures.Decoder
		var m connector.Message
		run("hftrunner", func(raw []byte) error { return d.Decode(1, raw, &m) })
		if kind.name == "depth" {
			run("fastjson", fastjsonDepth())
			run("encoding-json", jsonDepth)
		}
	}
}

// fastjsonDepth reads a depth message as a user of fastjson would, down to the numbers.
func fastjsonDepth() func(raw []byte) error {
	var parser fastjson.Parser
	rows := make([][2]float64, 0, 1000)
	return func(raw []byte) error {
		v, err := parser.ParseBytes(raw)
		if err != nil {
			return err
		}
		data := v.Get("data")
		data.GetInt64("T")
		data.GetInt64("U")
		data.GetInt64("u")
		data.GetInt64("pu")
		rows = rows[:0]
		for _, side := range [...]string{"b", "a"} {
			for _, row := range data.GetArray(side) {
				px, err := strconv.ParseFloat(string(row.GetStringBytes("0")), 64)
				if err != nil {
					return err
				}
				qty, err := strconv.ParseFloat(string(row.GetStringBytes("1")), 64)
				if err != nil {
					return err
				}
				rows = append(rows, [2]float64{px, qty})
			}
		}
		return nil
	}
}

// jsonDepth reads a depth message with the standard library, down to the numbers.
func jsonDepth(raw []byte) error {
	var message struct {
		Data struct {
			T, U   int64
			LastID int64       `json:"u"`
			PrevID int64       `json:"pu"`
			B      [][2]string `json:"b"`
			A      [][2]string `json:"a"`
		} `json:"data"`
	}
	if err := json.Unmarshal(raw, &message); err != nil {
		return err
	}
	for _, side := range [...][][2]string{message.Data.B, message.Data.A} {
		for _, row := range side {
			for _, text := range row {
				if _, err := strconv.ParseFloat(text, 64); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
