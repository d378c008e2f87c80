package binanceapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hftrunner/hftrunner/connector"
)

// KeyAddress is the address at which the real venue manages the keys of all its markets.
const KeyAddress = "https://api.binance.com"

// keyTimeout bounds the question about a key: at futures it goes to another server than trading does, whose silence is not
// to delay a start.
const keyTimeout = 1500 * time.Millisecond

// expirySoon is the time before the end of a permission when it is reported.
const expirySoon = 7 * 24 * time.Hour

// KeyFindings asks what the venue's management of keys says of the key; permission is its name of what trading needs
// here. What
// is not answered, as test networks do not have it, keeps nobody from trading.
func (c *Client) KeyFindings(ctx context.Context, permission string) []connector.Finding {
	var findings []connector.Finding
	ctx, cancel := context.WithTimeout(ctx, keyTimeout)
	defer cancel()
	err := c.Do(ctx, Request{Method: http.MethodGet, Path: "/sapi/v1/account/apiRestrictions", Security: Signed,
		Cost: Cost{Weight: 1}}, func(v Value) error {
		if !v.Has(permission) {
			return errors.New("the reply has no " + permission)
		}
		findings = keyFindings(v, permission, c.config.Signer.NowNs())
		return nil
	})
	if err != nil {
		return []connector.Finding{{What: "key: permissions", Value: "unknown: " + err.Error()}}
	}
	return findings
}

func keyFindings(v Value, permission string, nowNs int64) []connector.Finding {
	trade := connector.Finding{What: "key: trading", Value: "allowed"}
	if !v.Bool(permission) {
		trade.Value = "not allowed"
		trade.Problem = "the key may not trade: it lacks " + permission
		trade.Advice = "enable it for the key in the API management"
	}
	withdraw := connector.Finding{What: "key: withdrawals", Value: "not allowed"}
	if v.Bool("enableWithdrawals") {
		withdraw.Value, withdraw.Minor = "allowed", true
		withdraw.Problem, withdraw.Advice = "the key may withdraw, which a strategy never needs",
			"disable withdrawals for the key"
	}
	bound := connector.Finding{What: "key: addresses", Value: "bound"}
	if !v.Bool("ipRestrict") {
		bound.Value, bound.Minor = "any", true
		bound.Problem, bound.Advice = "the key may be used from any address", "bind it to this machine's address"
	}
	expiry := connector.Finding{What: "key: trading expires", Value: "never"}
	if at := v.TimeNs("tradingAuthorityExpirationTime"); at > 0 {
		left := time.Duration(at - nowNs)
		expiry.Value = time.Unix(0, at).UTC().Format(time.DateTime) + " UTC"
		if left < expirySoon {
			expiry.Minor = left > 0
			expiry.Problem = fmt.Sprintf("the key may trade for %.1f more days", max(left, 0).Hours()/24)
			expiry.Advice = "bind it to this machine's address in the API management, which ends the expiry, or make a new key"
		}
	}
	return []connector.Finding{trade, withdraw, bound, expiry}
}
