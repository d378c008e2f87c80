package binance

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// Call is one request of an account, whichever way it came.
type Call struct {
	*Request
	// Key is nil for a request that needs none.
	Key *wire.Key
	// What describes it for faults and counters: "POST /fapi/v1/order", "order.place".
	What string
	// HTTP is the request, or the handshake of the connection that it came over.
	HTTP *http.Request
}

// Security is the authentication that a request needs.
type Security uint8

// Securities.
const (
	// Public needs nothing, KeyOnly a known key, Signed a signature, Trade a signature of a key that may trade.
	Public Security = iota
	KeyOnly
	Signed
	Trade
)

// Route is one request that a venue knows.
type Route struct {
	Security Security
	// Weight is its request weight against the limit of the IP address; WeightOf, when set, tells by the parameters.
	Weight   int
	WeightOf func(Params) int
	// Orders is its count against the order limits of the account.
	Orders int
	// Order is true for requests about an order, to which some faults are restricted.
	Order bool
	// Do carries it out and returns what is sent as JSON, or the refusal.
	Do func(*Call) (any, *Error)
}

// Limits are a venue's limits and their usage.
type Limits struct {
	Weight wire.Limiter
	// Orders are checked for each new order, the shortest interval first.
	Orders []*OrderLimit
}

// OrderLimit is one limit of new orders.
type OrderLimit struct {
	wire.Limiter
	// Header ends the name of the header: "10S". Text is the interval in the refusal: "TEN_SECONDS".
	Header, Text string
}

// REST serves a venue's requests.
type REST struct {
	Core   *venue.Core
	Rules  Rules
	Limits *Limits
	Routes map[string]Route
}

const maxBody = 1 << 20

// ServeHTTP answers one request.
func (s *REST) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	what := r.Method + " " + r.URL.Path
	route, known := s.Routes[what]
	if !known {
		http.Error(w, "<html><body><h2>404 Not found</h2></body></html>", http.StatusNotFound)
		return
	}
	s.Core.Counters.Request(what)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		writeError(w, &Error{Code: -1100, Msg: "Illegal characters found in a parameter."})
		return
	}
	result, refusal := s.answer(w, r, what, &route, string(body))
	if refusal != nil && refusal.Abort {
		wire.Abort(r)
	}
	if refusal != nil {
		writeError(w, refusal)
		return
	}
	writeJSON(w, http.StatusOK, result)
}

func (s *REST) answer(w http.ResponseWriter, r *http.Request, what string, route *Route, body string) (any, *Error) {
	ip := wire.RemoteIP(r)
	params, payload, err := ReadForm(r.URL.RawQuery, body)
	if err != nil {
		return nil, &Error{Code: -1100, Msg: "Illegal characters found in a parameter."}
	}
	weight := route.Weight
	if route.WeightOf != nil {
		weight = route.WeightOf(params)
	}
	nowNs := s.Core.NowNs()
	used, ok, retry := s.Limits.Weight.Use(nowNs, ip, weight)
	w.Header().Set("X-MBX-USED-WEIGHT-1M", strconv.Itoa(used))
	if !ok {
		return nil, errTooManyRequests(statusOfWeight(used, s.Limits.Weight.Limit), ip, s.Limits.Weight.Limit, retry)
	}
	plain, err := url.QueryUnescape(payload)
	if err != nil {
		plain = payload
	}
	call := &Call{Request: &Request{Params: params, Signed: payload, Plain: plain, APIKey: r.Header.Get("X-MBX-APIKEY"),
		IP: ip}, What: what, HTTP: r}
	return s.Carry(call, route, func(name string, count int) { w.Header().Set(name, strconv.Itoa(count)) })
}

// statusOfWeight is 429 over the limit, and 418 for who does not stop at that.
func statusOfWeight(used, limit int) int {
	if used > 2*limit {
		return http.StatusTeapot
	}
	return http.StatusTooManyRequests
}

// Carry checks a call and carries it out, with the faults that hit it. header is called with the order counts.
func (s *REST) Carry(call *Call, route *Route, header func(name string, count int)) (any, *Error) {
	interruption, hit := s.Core.Interrupt(call.What, route.Order)
	if hit && !interruption.CarryOut {
		return nil, s.interrupted(call, interruption)
	}
	nowNs := s.Core.NowNs()
	if route.Security != Public && call.Key == nil {
		key, refusal := Authenticate(s.Core.Key, s.Rules, nowNs/int64(time.Millisecond), call.Request,
			route.Security >= Signed)
		if refusal != nil {
			return nil, refusal
		}
		call.Key = key
	}
	if route.Security == Trade && call.Key.ReadOnly {
		return nil, &Error{Status: http.StatusUnauthorized, Code: -2015,
			Msg: "Invalid API-key, IP, or permissions for action."}
	}
	if route.Orders > 0 {
		for _, limit := range s.Limits.Orders {
			count, ok, retry := limit.Use(nowNs, call.Key.Account, route.Orders)
			header("X-MBX-ORDER-COUNT-"+limit.Header, count)
			if !ok {
				return nil, errTooManyOrders(limit.Limit, limit.Text, retry)
			}
		}
	}
	result, refusal := route.Do(call)
	if hit {
		return nil, s.interrupted(call, interruption)
	}
	return result, firstRefusal(refusal, s.delay(call, route))
}

// firstRefusal returns the first refusal there is.
func firstRefusal(list ...*Error) *Error {
	for _, e := range list {
		if e != nil {
			return e
		}
	}
	return nil
}

// delay waits before the answer if a fault says so.
func (s *REST) delay(call *Call, route *Route) *Error {
	names := []fault.Name{fault.ReplyDelay}
	if route.Order {
		names = append(names, fault.AckDelay)
	}
	for _, name := range names {
		f, hit := s.Core.Faults.Hit(name, call.What)
		if !hit {
			continue
		}
		if err := s.Core.Wait(call.HTTP.Context(), f.DurationOr(100*time.Millisecond)); err != nil {
			return &Error{Abort: true}
		}
	}
	return nil
}

// interrupted is the answer of a request that a fault has hit.
func (s *REST) interrupted(call *Call, i venue.Interruption) *Error {
	seconds := func(otherwise int) time.Duration { return time.Duration(i.ValueOr(otherwise)) * time.Second }
	switch i.Name {
	case fault.RateLimited:
		return errTooManyRequests(http.StatusTooManyRequests, call.IP, s.Limits.Weight.Limit, seconds(1))
	case fault.Banned:
		return errTooManyRequests(http.StatusTeapot, call.IP, s.Limits.Weight.Limit, seconds(120))
	case fault.Forbidden:
		return &Error{Status: http.StatusForbidden,
			Body: "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>\r\n</body>\r\n</html>\r\n"}
	case fault.UnavailableUnknown:
		return &Error{Status: http.StatusServiceUnavailable, Code: -1000,
			Msg: "Unknown error, please check your request or try again later."}
	case fault.UnavailableFailed:
		return &Error{Status: http.StatusServiceUnavailable, Code: -1000, Msg: "Service Unavailable."}
	case fault.BackendTimeout:
		return &Error{Status: http.StatusServiceUnavailable, Code: -1007,
			Msg: "Timeout waiting for response from backend server. Send status unknown; execution status unknown."}
	case fault.Overload:
		return &Error{Status: http.StatusServiceUnavailable, Code: -1008,
			Msg: "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."}
	case fault.AckLost:
		// The wait ends early when the client goes, which comes to the same.
		_ = s.Core.Wait(call.HTTP.Context(), i.DurationOr(time.Millisecond))
	}
	return &Error{Abort: true}
}

func writeError(w http.ResponseWriter, e *Error) {
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
	if e.Body != "" {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(e.status())
		_, _ = io.WriteString(w, e.Body) // a client that is gone does not matter
		return
	}
	writeJSON(w, e.status(), e)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := Marshal(value)
	if err != nil {
		status, body = http.StatusInternalServerError,
			[]byte(`{"code":-1000,"msg":"An unknown error occurred while processing the request."}`)
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone does not matter
}

// ErrEncoding reports that a value cannot be sent as JSON.
var ErrEncoding = errors.New("binance: value has no JSON")

// Marshal writes JSON as the venues do, without escapes for HTML.
func Marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, errors.Join(ErrEncoding, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
