package bybit

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// call is one request, whichever way it came.
type call struct {
	// what describes it for faults and counters: "POST /v5/order/create", "order.create".
	what string
	http *http.Request
	// key is whose request it is, nil for one that needs none.
	key *wire.Key
	// query and body are the parameters: of GET the one, of POST and the trade connection the other.
	query url.Values
	body  []byte
}

// route is one request that the venue knows.
type route struct {
	// signed requests need a key, trading ones a key that may trade.
	signed, trading bool
	// order is true for requests about an order, to which some faults are restricted.
	order bool
	// unit is its rate limit of the account, "" for none.
	unit string
	// count describes how much it counts; nil for 1.
	count func(*call) int
	// do carries it out and returns the result and its extra information, or the refusal.
	do func(*call) (result, extra any, bad *refusal)
}

// usage is the rate limit usage in an answer.
type usage struct {
	limit, left int
	resetMs     int64
}

// values are the fields of a usage; each is absent when there is no limit.
func (u *usage) values() map[string]string {
	if u.limit == 0 {
		return nil
	}
	return map[string]string{"X-Bapi-Limit": strconv.Itoa(u.limit), "X-Bapi-Limit-Status": strconv.Itoa(u.left),
		"X-Bapi-Limit-Reset-Timestamp": strconv.FormatInt(u.resetMs, 10)}
}

const (
	maxBody          = 1 << 20
	defaultRecvMs    = 5000
	headerKey        = "X-BAPI-API-KEY"
	headerTime       = "X-BAPI-TIMESTAMP"
	headerWindow     = "X-BAPI-RECV-WINDOW"
	headerSign       = "X-BAPI-SIGN"
	forbiddenSeconds = 600
)

type envelope struct {
	Code   int    `json:"retCode"`
	Msg    string `json:"retMsg"`
	Result any    `json:"result"`
	Extra  any    `json:"retExtInfo"`
	Time   int64  `json:"time"`
}

// serveREST answers one request.
func (v *Venue) serveREST(w http.ResponseWriter, r *http.Request) {
	if v.tooMany(wire.RemoteIP(r)) {
		forbid(w)
		return
	}
	what := r.Method + " " + r.URL.Path
	route, known := v.routes[what]
	if !known {
		v.write(w, http.StatusNotFound, envelope{Code: 10017, Msg: "Route not found."})
		return
	}
	v.core.Counters.Request(what)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		v.write(w, http.StatusBadRequest, envelope{Code: 10001, Msg: "Request parameter error."})
		return
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		v.write(w, http.StatusOK, envelope{Code: 10001, Msg: "Request parameter error."})
		return
	}
	c := &call{what: what, http: r, query: query, body: body}
	var used usage
	result, extra, bad := v.carry(c, &route, &used, func() (*wire.Key, *refusal) { return v.authenticate(r, body) })
	for name, value := range used.values() {
		w.Header().Set(name, value)
	}
	switch {
	case bad == nil:
		v.write(w, http.StatusOK, envelope{Msg: "OK", Result: result, Extra: extra})
	case bad.abort:
		wire.Abort(r)
	case bad.html != "":
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(bad.status)
		_, _ = io.WriteString(w, bad.html) // a client that is gone does not matter
	default:
		v.write(w, max(bad.status, http.StatusOK), envelope{Code: bad.code, Msg: bad.msg})
	}
}

func (v *Venue) write(w http.ResponseWriter, status int, e envelope) {
	e.Time = milliseconds(v.core.NowNs())
	if e.Result == nil {
		e.Result = struct{}{}
	}
	if e.Extra == nil {
		e.Extra = struct{}{}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(encode(e)) // a client that is gone does not matter
}

const forbiddenPage = "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>\r\n" +
	"access too frequent\r\n</body>\r\n</html>\r\n"

// forbid answers who is not served.
func forbid(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusForbidden)
	_, _ = io.WriteString(w, forbiddenPage) // a client that is gone does not matter
}

// tooMany counts a request and reports whether the address is not served: when it asks too often, for the next 10
// minutes.
func (v *Venue) tooMany(ip string) bool {
	nowNs := v.core.NowNs()
	v.blockMu.Lock()
	defer v.blockMu.Unlock()
	if nowNs < v.forbidden[ip] {
		return true
	}
	_, ok, _ := v.addresses.Use(nowNs, ip, 1)
	if !ok {
		v.forbidden[ip] = nowNs + forbiddenSeconds*int64(time.Second)
	}
	return !ok
}

// authenticate returns the key of a signed request. What is signed is the query as it stands in the URL, or the bytes
// of the body.
func (v *Venue) authenticate(r *http.Request, body []byte) (*wire.Key, *refusal) {
	name, timestamp, window, sign := r.Header.Get(headerKey), r.Header.Get(headerTime), r.Header.Get(headerWindow),
		r.Header.Get(headerSign)
	if name == "" || timestamp == "" || sign == "" {
		return nil, &refusal{status: http.StatusUnauthorized, code: 10003, msg: "API key is invalid."}
	}
	payload := r.URL.RawQuery
	if r.Method == http.MethodPost {
		payload = string(body)
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			return nil, refuse(10001, "Request parameter error.")
		}
	}
	key := v.core.Key(name)
	if key == nil {
		return nil, refuse(10003, "API key is invalid.")
	}
	signed := timestamp + name + window + payload
	if !key.SignedHMAC(signed, sign) {
		return nil, refuse(10004, "error sign! origin_string["+signed+"]")
	}
	return key, v.checkTime(timestamp, window)
}

// checkTime compares the time of a request with the venue's: less than a second in the future, not older than the
// window.
func (v *Venue) checkTime(timestamp, window string) *refusal {
	windowMs := int64(defaultRecvMs)
	ms, err := strconv.ParseInt(timestamp, 10, 64)
	if window != "" && err == nil {
		windowMs, err = strconv.ParseInt(window, 10, 64)
	}
	if err != nil || windowMs <= 0 || ms < 0 {
		return refuse(10001, "Request parameter error.")
	}
	nowMs := milliseconds(v.core.NowNs())
	if !wire.InWindow(nowMs, ms, windowMs, 1000) {
		return refuse(10002, "invalid request, please check your server timestamp or recv_window param. req_timestamp["+timestamp+
			"],server_timestamp["+strconv.FormatInt(nowMs, 10)+"],recv_window["+strconv.FormatInt(windowMs, 10)+"]")
	}
	return nil
}

// carry checks a call and carries it out, with the faults that hit it.
func (v *Venue) carry(c *call, r *route, used *usage, authenticate func() (*wire.Key,
	*refusal)) (result, extra any, bad *refusal) {
	interruption, hit := v.core.Interrupt(c.what, r.order)
	if hit && !interruption.CarryOut {
		return nil, nil, v.interrupted(c, interruption, r.unit, used)
	}
	if r.signed {
		if c.key, bad = authenticate(); bad != nil {
			return nil, nil, bad
		}
	}
	if r.trading && c.key.ReadOnly {
		return nil, nil, refuse(10005, "Permission denied, please check your API key permissions.")
	}
	if limit := v.limits[r.unit]; limit != nil {
		count := 1
		if r.count != nil {
			count = r.count(c)
		}
		nowNs := v.core.NowNs()
		n, ok, retry := limit.Use(nowNs, c.key.Account, count)
		*used = usage{limit.Limit, max(limit.Limit-n, 0), milliseconds(nowNs)}
		if !ok {
			used.resetMs = milliseconds(nowNs+int64(retry)) + 1
			return nil, nil, errTooMany()
		}
	}
	result, extra, bad = r.do(c)
	if hit {
		return nil, nil, v.interrupted(c, interruption, r.unit, used)
	}
	if slow := v.delay(c, r); slow != nil {
		return nil, nil, slow
	}
	return result, extra, bad
}

// restarting is the message of a trade connection that is about to be closed.
const restarting = "ws trade service is restarting, do not accept new request. You can build new connection to be routed to normal service"

func errTooMany() *refusal { return refuse(10006, "Too many visits. Exceeded the API Rate Limit.") }

// delay waits before the answer if a fault says so.
func (v *Venue) delay(c *call, r *route) *refusal {
	names := []fault.Name{fault.ReplyDelay}
	if r.order {
		names = append(names, fault.AckDelay)
	}
	for _, name := range names {
		f, hit := v.core.Faults.Hit(name, c.what)
		if hit && v.core.Wait(c.http.Context(), f.DurationOr(100*time.Millisecond)) != nil {
			return &refusal{abort: true}
		}
	}
	return nil
}

// interrupted is the answer of a request that a fault has hit.
func (v *Venue) interrupted(c *call, i venue.Interruption, unit string, used *usage) *refusal {
	switch i.Name {
	case fault.RateLimited:
		if limit := v.limits[unit]; limit != nil {
			*used = usage{limit.Limit, 0, milliseconds(v.core.NowNs()) + int64(i.ValueOr(1))*1000}
		}
		return errTooMany()
	case fault.Banned:
		return refuse(10009, "IP has been banned.")
	case fault.Forbidden:
		return &refusal{status: http.StatusForbidden, html: forbiddenPage, code: 10403, msg: "IP rate limit."}
	case fault.UnavailableUnknown:
		return refuse(10016, "Internal server error.")
	case fault.UnavailableFailed:
		return &refusal{status: http.StatusServiceUnavailable,
			html: "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>", code: 10019,
			msg: restarting}
	case fault.BackendTimeout:
		return refuse(10000, "Server Timeout")
	case fault.Overload:
		return refuse(10429, "System level frequency protection.")
	case fault.AckLost:
		// The wait ends early when the client goes, which comes to the same.
		_ = v.core.Wait(c.http.Context(), i.DurationOr(time.Millisecond))
	}
	return &refusal{abort: true}
}

// errOutOfBounds reports that a parameter is out of bounds.
var errOutOfBounds = errors.New("out of bounds")

// whole reads a whole number of a query from least to most, otherwise when it is absent.
func whole(q url.Values, name string, otherwise, least, most int64) (int64, error) {
	text := q.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil && (n < least || n > most) {
		err = errOutOfBounds
	}
	return n, err
}
