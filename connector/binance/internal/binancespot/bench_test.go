package binancespot_test

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binancespot"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// lastReport keeps the last report only, as the runtime, which copies it.
type lastReport struct{ report protocol.Report }

func (l *lastReport) Order(r *protocol.Report)        { l.report = *r }
func (l *lastReport) Position(protocol.Position)      {}
func (l *lastReport) Balance(protocol.Balance)        {}
func (l *lastReport) Account(*connector.AccountEvent) {}
func (l *lastReport) Settled()                        {}
func (l *lastReport) Renew(string)                    {}

// BenchmarkDecodeUser decodes an execution, and by comparison only takes it apart into a map with encoding/json.
func BenchmarkDecodeUser(b *testing.B) {
	p, err := binancespot.New(config(nil))
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	frame := []byte(reportText)
	var l lastReport
	b.Run("hftrunner", func(b *testing.B) {
		b.SetBytes(int64(len(frame)))
		b.ReportAllocs()
		for b.Loop() {
			if err := p.DecodeUser(frame, &l); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json-map", func(b *testing.B) {
		b.SetBytes(int64(len(frame)))
		b.ReportAllocs()
		for b.Loop() {
			var m map[string]any
			if err := json.Unmarshal(frame, &m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// instant answers every request at once, without a network.
type instant struct{ body string }

func (i instant) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(i.body)), ContentLength: int64(len(i.body)), Request: r}, nil
}

// BenchmarkPlace builds, signs and hands an order to an HTTP client that answers without a network, and reads the
// answer.
func BenchmarkPlace(b *testing.B) {
	for name, secret := range map[string]string{"HMAC": testSecret, "Ed25519": ed25519Secret} {
		b.Run(name, func(b *testing.B) {
			c := config(nil)
			c.Secret, c.HTTPClient = secret, &http.Client{Transport: instant{placedText}}
			// Time stands still here, so the limits would be reached.
			c.WeightPerMinute, c.OrdersPer10s, c.OrdersPerDay = math.MaxInt32, math.MaxInt32, math.MaxInt32
			p, err := binancespot.New(c)
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close()
			o := limitOrder()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Place(context.Background(), o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
