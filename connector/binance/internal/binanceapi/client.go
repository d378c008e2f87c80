package binanceapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// MaxReply is how many bytes of a reply are read at most; the largest there is, exchangeInfo, has a few MiB.
const MaxReply = 32 << 20

// DefaultTimeout is how long a request may take when the configuration does not say.
const DefaultTimeout = 10 * time.Second

// ClientConfig is what a Client needs.
type ClientConfig struct {
	// URL is the base of the venue's REST interface, such as https://host.
	URL    string
	Signer *Signer
	Causes Causes
	// Details may be nil.
	Details Details
	// HTTPClient is used for the requests, a client of its own when nil. Its redirects are not followed.
	HTTPClient *http.Client
	// Timeout is how long a request may take, 0 for DefaultTimeout.
	Timeout time.Duration
	// Budget is asked before each request.
	Budget Budget
}

// Client speaks to a REST interface over connections that it keeps. Any number of goroutines use it.
type Client struct {
	config ClientConfig
	base   url.URL
	http   http.Client
	parser Parser
}

// NewClient returns a client; a URL that is none is an error.
func NewClient(config ClientConfig) (*Client, error) {
	base, err := url.Parse(config.URL)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.RawQuery != "" ||
		base.User != nil {
		return nil, fmt.Errorf("binanceapi: the REST URL %q must be like https://host", config.URL)
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	if config.Timeout == 0 {
		config.Timeout = DefaultTimeout
	}
	c := &Client{config: config, base: *base}
	if config.HTTPClient != nil {
		c.http = *config.HTTPClient
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t = t.Clone()
		t.MaxIdleConnsPerHost = 16 // all requests go to one host; the default of 2 would reconnect all the time
		c.http.Transport = t
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

// Close ends the connections that nobody uses.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Parser returns the client's parser.
func (c *Client) Parser() *Parser { return &c.parser }

// Security is what a request has to show.
type Security uint8

// Securities.
const (
	// Public requests show nothing.
	Public Security = iota
	// KeyOnly requests show the key.
	KeyOnly
	// Signed requests show the key and are signed.
	Signed
)

// Request is one request. Everything goes in the query, also of POST, PUT and DELETE: one text, signed as it is sent.
type Request struct {
	Method, Path string
	// Params are given away.
	Params   []Param
	Security Security
	Cost     Cost
}

// Do sends a request and hands the reply's JSON to read, nil when there is nothing to read. It returns a
// *protocol.Failure.
func (c *Client) Do(ctx context.Context, r Request, read func(v Value) error) error {
	body, err := c.Bytes(ctx, r)
	if err != nil || read == nil {
		return err
	}
	if err := c.parser.Parse(body, read); err != nil {
		return asFailure(err)
	}
	return nil
}

// asFailure returns err, which is the outcome of a reply that could not be read unless it is a failure already.
func asFailure(err error) error {
	var f *protocol.Failure
	if errors.As(err, &f) {
		return err
	}
	return &protocol.Failure{Unreadable: true, Err: fmt.Errorf("the reply cannot be read: %w", err)}
}

// Bytes sends a request and returns the reply's body, which belongs to the caller.
func (c *Client) Bytes(ctx context.Context, r Request) ([]byte, error) {
	signer := c.config.Signer
	if r.Security != Public && signer.Key() == nil {
		return nil, errNoKey()
	}
	spent, failure := c.config.Budget.spend(signer, r.Cost, true)
	if failure != nil {
		return nil, failure
	}
	body, err := c.exchange(ctx, &r, &spent)
	return body, spent.answered(err)
}

// exchange sends a request and reads the reply.
func (c *Client) exchange(ctx context.Context, r *Request, spent *spending) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx,
		&httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})

	response, err := c.http.Do(c.request(ctx, r))
	if err != nil {
		// The client's own error shows the URL, with the signature.
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err
		}
		err = fmt.Errorf("%s %s: %w", r.Method, r.Path, err)
		if connected.Load() {
			return nil, lost(err)
		}
		return nil, unsent(err)
	}
	defer func() { _ = response.Body.Close() }()
	readUsage(response.Header, spent.used)
	body, err := readBody(response)
	ok := response.StatusCode >= 200 && response.StatusCode < 300
	if err != nil && ok {
		return nil, lost(fmt.Errorf("%s %s: the reply broke off: %w", r.Method, r.Path, err))
	}
	if !ok {
		f := c.refusal(response, body)
		f.Status = response.StatusCode
		return nil, f
	}
	return body, nil
}

// request builds the HTTP request. The query is sent as it was signed.
func (c *Client) request(ctx context.Context, r *Request) *http.Request {
	u := c.base
	u.Path += r.Path
	var memory [512]byte
	query := memory[:0]
	if r.Security == Signed {
		query = c.config.Signer.AppendQuery(query, r.Params)
	} else {
		query = AppendQuery(query, r.Params)
	}
	u.RawQuery = string(query)
	header := http.Header{"Accept": {"application/json"}, "User-Agent": {"hftrunner"}}
	if r.Security != Public {
		header["X-Mbx-Apikey"] = []string{c.config.Signer.Key().ID()}
	}
	request := &http.Request{Method: r.Method, URL: &u, Host: u.Host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1,
		ProtoMinor: 1}
	if r.Method == http.MethodPost || r.Method == http.MethodPut {
		request.Body = http.NoBody // so that Content-Length: 0 is sent, which some proxies insist on
	}
	return request.WithContext(ctx)
}

// readBody reads a bounded body.
func readBody(response *http.Response) ([]byte, error) {
	var body bytes.Buffer
	if n := response.ContentLength; n > 0 && n <= MaxReply {
		body.Grow(int(n) + bytes.MinRead)
	}
	n, err := body.ReadFrom(io.LimitReader(response.Body, MaxReply+1))
	if err == nil && n > MaxReply {
		err = fmt.Errorf("more than %d bytes", MaxReply)
	}
	return body.Bytes(), err
}

// refusal makes a failure of a reply that is no success. Its body is the venue's {"code":...,"msg":...}, a text, or a
// page of something in front of the venue.
func (c *Client) refusal(response *http.Response, body []byte) *protocol.Failure {
	retryAt := c.retryAt(response)
	var f *protocol.Failure
	err := c.parser.Parse(body, func(v Value) error {
		if !v.IsObject() {
			return errors.ErrUnsupported
		}
		f = c.config.Signer.refusal(response.StatusCode, int(v.Int("code")), v.Text("msg"), c.config.Causes, retryAt)
		if data := v.Field("data"); c.config.Details != nil && data.IsObject() {
			c.config.Details(f, data)
		}
		return nil
	})
	if err == nil {
		return f
	}
	msg := strings.TrimSpace(string(body))
	if msg == "" || msg[0] == '<' || len(msg) > maxMsg {
		msg = fmt.Sprintf("HTTP %d %s", response.StatusCode, http.StatusText(response.StatusCode))
	}
	return c.config.Signer.refusal(response.StatusCode, 0, msg, c.config.Causes, retryAt)
}

// Paused reports whether nothing is sent by REST for a while, because it was forbidden.
func (c *Client) Paused() bool { return c.config.Budget.forbidden(c.config.Signer.NowNs()) }

// retryAt is when the venue wants to hear again, zero when it does not say.
func (c *Client) retryAt(response *http.Response) time.Time {
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err != nil || seconds <= 0 {
		return time.Time{}
	}
	return time.Unix(0, c.config.Signer.nowNs()).Add(time.Duration(min(seconds, 7*24*3600)) * time.Second)
}
