package binance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// Params are the parameters of a request as text.
type Params map[string]string

// Request is a request with its parameters and what they were signed as.
type Request struct {
	Params Params
	// Signed is the signed string, as it was sent; Plain the same with its escapes undone.
	Signed, Plain string
	APIKey        string
	IP            string
}

// ReadForm reads parameters from a query string and a body in form encoding. The signature is of both, one directly
// after the other, without the signature itself. Of a parameter in both the query's counts.
func ReadForm(query, body string) (Params, string, error) {
	p := Params{}
	for _, text := range []string{body, query} {
		values, err := url.ParseQuery(text)
		if err != nil {
			return nil, "", fmt.Errorf("binance: parameters: %w", err)
		}
		for name, list := range values {
			p[name] = list[0]
		}
	}
	return p, withoutSignature(query) + withoutSignature(body), nil
}

// withoutSignature removes the signature from a form.
func withoutSignature(form string) string {
	if !strings.Contains(form, "signature=") {
		return form
	}
	parts := strings.Split(form, "&")
	parts = slices.DeleteFunc(parts, func(s string) bool { return strings.HasPrefix(s, "signature=") })
	return strings.Join(parts, "&")
}

// ReadObject reads parameters from a JSON object; the signature is of all of them but itself, sorted by name.
func ReadObject(raw json.RawMessage) (Params, string, error) {
	p := Params{}
	if len(raw) == 0 || string(raw) == "null" {
		return p, "", nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, "", fmt.Errorf("binance: parameters: %w", err)
	}
	names := make([]string, 0, len(fields))
	for name, value := range fields {
		text := string(bytes.TrimSpace(value))
		if len(text) > 0 && text[0] == '"' {
			if err := json.Unmarshal(value, &text); err != nil {
				return nil, "", fmt.Errorf("binance: parameter %s: %w", name, err)
			}
		}
		p[name] = text
		if name != "signature" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for i, name := range names {
		names[i] = name + "=" + p[name]
	}
	return p, strings.Join(names, "&"), nil
}

// Int returns an integer parameter, 0 when there is none.
func (p Params) Int(name string) (int64, *Error) {
	text := p[name]
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, errMandatory(name)
	}
	return n, nil
}

// Need returns parameters that have to be there, in the order of names.
func (p Params) Need(names ...string) *Error {
	for _, name := range names {
		if p[name] == "" {
			return errMandatory(name)
		}
	}
	return nil
}

// Rules configure a venue's check of signed requests.
type Rules struct {
	// Encoded refuses a signature of parameters with their escapes undone.
	Encoded bool
	// MaxWindowMs bounds recvWindow, 0 for no bound.
	MaxWindowMs int64
}

const defaultWindowMs = 5000

// Authenticate returns the key of a request, which needs a signature when signed.
func Authenticate(keys func(apiKey string) *wire.Key, rules Rules, nowMs int64, r *Request,
	signed bool) (*wire.Key, *Error) {
	if r.APIKey == "" {
		return nil, &Error{Status: 401, Code: -2014, Msg: "API-key format invalid."}
	}
	key := keys(r.APIKey)
	if key == nil {
		return nil, &Error{Status: 401, Code: -2015, Msg: "Invalid API-key, IP, or permissions for action."}
	}
	if !signed {
		return key, nil
	}
	if err := r.Params.Need("timestamp", "signature"); err != nil {
		return nil, err
	}
	if err := CheckTime(r.Params, rules, nowMs); err != nil {
		return nil, err
	}
	signature := r.Params["signature"]
	if !key.Signed(r.Signed, signature) && (rules.Encoded || !key.Signed(r.Plain, signature)) {
		return nil, &Error{Code: -1022, Msg: "Signature for this request is not valid."}
	}
	return key, nil
}

// CheckTime compares the time of a request, in milliseconds or microseconds, with the venue's.
func CheckTime(p Params, rules Rules, nowMs int64) *Error {
	timestamp, err := p.Int("timestamp")
	if err != nil {
		return err
	}
	if timestamp > 1e15 {
		timestamp /= 1000
	}
	window := int64(defaultWindowMs)
	if text := p["recvWindow"]; text != "" {
		f, parseErr := strconv.ParseFloat(text, 64)
		if parseErr != nil || !(f >= 0 && f <= 1e9) {
			return errMandatory("recvWindow")
		}
		window = int64(f)
	}
	if rules.MaxWindowMs > 0 && window > rules.MaxWindowMs {
		return &Error{Code: -1131, Msg: fmt.Sprintf("recvWindow must be less than %d", rules.MaxWindowMs)}
	}
	switch {
	case wire.InWindow(nowMs, timestamp, window, 1000):
		return nil
	case timestamp > nowMs:
		return &Error{Code: -1021, Msg: "Timestamp for this request was 1000ms ahead of the server's time."}
	}
	return &Error{Code: -1021, Msg: "Timestamp for this request is outside of the recvWindow."}
}
