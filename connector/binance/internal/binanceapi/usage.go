package binanceapi

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Limit is what a venue counts.
type Limit uint8

// Limits.
const (
	// RequestWeight is counted for each address.
	RequestWeight Limit = iota
	// Orders are counted for each account.
	Orders
)

// Usage is what a reply says about one rate limit.
type Usage struct {
	Limit    Limit
	Interval time.Duration
	// Used is how much of the limit is used in the current interval, Max the limit, 0 when the reply does not say.
	Used, Max int
}

// Cost is what a request counts against the limits.
type Cost struct {
	// Weight is counted for the address, Orders for the account.
	Weight, Orders int
	// Cancel says that the request takes orders away: it goes first.
	Cancel bool
	// Amend says that it changes an order without counting as one.
	Amend bool
	// Trading says that the request is about orders: placing, amending, canceling or asking for one.
	Trading bool
}

// readUsage hands fn what the headers of a reply say: X-Mbx-Used-Weight-1m, X-Mbx-Order-Count-10s and the like.
func readUsage(header http.Header, fn func(u Usage)) {
	for name, values := range header {
		if len(values) != 1 || !strings.HasPrefix(name, "X-Mbx-") {
			continue
		}
		u := Usage{Limit: RequestWeight}
		interval, ok := strings.CutPrefix(name, "X-Mbx-Used-Weight-")
		if !ok {
			u.Limit = Orders
			if interval, ok = strings.CutPrefix(name, "X-Mbx-Order-Count-"); !ok {
				continue
			}
		}
		used, err := strconv.Atoi(values[0])
		if u.Interval = parseInterval(interval); err == nil && u.Interval > 0 && used >= 0 {
			u.Used = used
			fn(u)
		}
	}
}

// parseInterval reads intervals such as 10s and 1M, 0 when it is none.
func parseInterval(text string) time.Duration {
	if len(text) < 2 {
		return 0
	}
	n, err := strconv.Atoi(text[:len(text)-1])
	if err != nil || n <= 0 || n > 100_000 {
		return 0
	}
	switch text[len(text)-1] | 0x20 {
	case 's':
		return time.Duration(n) * time.Second
	case 'm':
		return time.Duration(n) * time.Minute
	case 'h':
		return time.Duration(n) * time.Hour
	case 'd':
		return time.Duration(n) * 24 * time.Hour
	}
	return 0
}

// ReadLimits hands fn the rows of a rateLimits array, as in replies of the WebSocket API and in exchangeInfo. Limits
// that are neither of the two kinds are left out.
func ReadLimits(limits Value, fn func(u Usage)) {
	var wrong error // about the limits, which is no reason to refuse what they come with
	limits.err = &wrong
	_ = limits.Each(func(row Value) error {
		u := Usage{Used: int(row.Int("count")), Max: int(row.Int("limit"))}
		switch string(row.Bytes("rateLimitType")) {
		case "REQUEST_WEIGHT":
			u.Limit = RequestWeight
		case "ORDERS":
			u.Limit = Orders
		default:
			return nil
		}
		interval := row.Bytes("interval")
		if len(interval) == 0 {
			return nil
		}
		u.Interval = parseInterval(strconv.FormatInt(row.Int("intervalNum"), 10) + string(interval[:1]))
		if u.Interval > 0 && wrong == nil {
			fn(u)
		}
		return nil
	})
}
