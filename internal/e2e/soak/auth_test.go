package soak

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// TestKeysThatAreRefused: the bots get errors, market data continues, and no order is sent.
func TestKeysThatAreRefused(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		for name, c := range map[string]struct {
			options options
			change  func(*testexchange.Config)
		}{
			"wrong secret": {options: options{secret: "another-secret"}},
			"unknown key":  {options: options{key: "nobodys-key"}},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				sc := stage(t, s, settings{options: c.options}, c.change)
				sc.wait("the bots are told", func() bool { return sc.said(hft.CriticalConnectionError, "") > 0 })
				for _, e := range sc.Errors() {
					if strings.Contains(e.LiveError.Error(), "another-secret") {
						t.Errorf("an error shows the secret: %v", e.LiveError)
					}
				}
				o := sc.submit(sc.resting())
				u, known := sc.last(o)
				if !known || u.Status != hft.StatusExpired || u.Req != hft.StatusRejected {
					t.Errorf("an order was answered at once by %+v, want a refusal", u)
				}
				sc.wait("market data", func() bool { events, _ := sc.Events(0); return events > 10 })
				if state := sc.state(); len(state.Orders) != 0 {
					t.Errorf("%d orders are at the exchange", len(state.Orders))
				}
			})
		}
	})
}

// TestReadOnlyKey: each order of a key that may not trade is refused, with the venue's reason.
func TestReadOnlyKey(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{}, func(c *testexchange.Config) {
			c.Accounts = []testexchange.Account{{APIKey: testexchange.DefaultAPIKey, Secret: testexchange.DefaultSecret,
				ReadOnly: true}}
		})
		o := sc.submit(sc.resting())
		sc.becomes(o, hft.StatusExpired)
		if sc.said(hft.OrderError, "key not accepted") != 1 || sc.said(hft.CriticalConnectionError, "") == 0 {
			t.Errorf("the bot and the operator were told %v", sc.Errors())
		}
		sc.agrees()
	})
}

// rfc8032Seed is the private key of the first test of RFC 8032.
const rfc8032Seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"

// TestEd25519 trades with such a key, by REST and over the WebSocket API.
func TestEd25519(t *testing.T) {
	seed, err := hex.DecodeString(rfc8032Seed)
	if err != nil {
		t.Fatal(err)
	}
	key := ed25519.NewKeyFromSeed(seed)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	each(t, func(s subject) bool { return s.ed25519 }, func(t *testing.T, s subject) {
		for _, entry := range []string{"rest", "ws"} {
			t.Run(entry, func(t *testing.T) {
				t.Parallel()
				sc := open(t, s, settings{options: options{secret: text("PRIVATE KEY", private), entry: entry}},
					func(c *testexchange.Config) {
						c.Accounts = []testexchange.Account{{APIKey: testexchange.DefaultAPIKey,
							PublicKey: text("PUBLIC KEY", public)}}
					})
				liveOrders(sc)
				sc.agrees()
			})
		}
	})
}
