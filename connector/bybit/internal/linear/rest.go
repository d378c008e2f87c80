package linear

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// maxBody bounds an answer. The longest is the list of all instruments, which is not asked for.
const maxBody = 8 << 20

// request is one REST request: GET with query, POST with body.
type request struct {
	path   string
	query  string
	body   []byte
	action action
	// count is how many orders the request is about, 0 for one.
	count int
	// whole says that who takes the answer wants all of it, not its result alone.
	whole bool
	// open requests are not signed.
	open bool
}

var errNoKey = errors.New("there is no key: set Key and Secret")

// call sends a request and hands the answer's result to take, which may be nil; it is valid during the call. An error
// that take returns is a failure to read the answer.
func (p *Protocol) call(ctx context.Context, r request, take func(result *fastjson.Value) error) error {
	if err := p.do(ctx, r, take); err != nil {
		return fmt.Errorf("bybit: %s: %w", r.path, err)
	}
	return nil
}

func (p *Protocol) do(ctx context.Context, r request, take func(result *fastjson.Value) error) error {
	req, err := p.httpRequest(ctx, r)
	if err != nil {
		return err
	}
	spent, err := p.spend(r.path, r.action, r.count, true)
	if err != nil {
		return err
	}
	err = p.exchange(req, r, &spent, take)
	spent.over(err)
	return err
}

// exchange sends a request and reads the answer.
func (p *Protocol) exchange(req *http.Request, r request, spent *spending,
	take func(result *fastjson.Value) error) error {
	answer, err := p.client.Do(req)
	if err != nil {
		spent.counted(nil)
		return transportFailure(withoutURL(err))
	}
	spent.counted(answer.Header.Get)
	defer answer.Body.Close() //nolint:errcheck // what was read is whole or not, closing says nothing more
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = fmt.Errorf("the answer is longer than %d bytes", maxBody)
	}
	if err != nil && answer.StatusCode == http.StatusOK {
		return &protocol.Failure{Cause: protocol.Unknown, Msg: "the answer broke off", Err: err}
	}
	parser := p.parsers.pool.Get()
	defer p.parsers.pool.Put(parser)
	v, err := parse(parser, body)
	if err != nil || v.Type() != fastjson.TypeObject || v.Get("retCode") == nil {
		if answer.StatusCode == http.StatusOK {
			return &protocol.Failure{Cause: protocol.Unknown,
				Msg: p.clean("the answer is not in the venue's form: " + excerpt(body)), Err: err}
		}
		return p.stop(p.statusFailure(answer.StatusCode, answer.Header, body), r.action)
	}
	envelope := row{v: v}
	code := int(envelope.whole("retCode"))
	switch {
	case envelope.err != nil:
		return &protocol.Failure{Cause: protocol.Unknown, Msg: "the answer is not in the venue's form",
			Err: envelope.err}
	case code != 0:
		return p.stop(p.refusal(code, envelope.str("retMsg"), r.action, p.resetNs(answer.Header.Get)), r.action)
	case answer.StatusCode != http.StatusOK:
		return p.stop(p.statusFailure(answer.StatusCode, answer.Header, body), r.action)
	case take == nil:
		return nil
	}
	if !r.whole {
		v = v.Get("result")
	}
	return taken(take(v))
}

// taken is the failure of an answer whose reading returned err.
func taken(err error) error {
	var failure *protocol.Failure
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failure):
		return failure
	}
	return &protocol.Failure{Unreadable: true, Msg: "the answer is not in the venue's form", Err: err}
}

// withoutURL drops the URL from an error of the HTTP client: what is wrong is said without it.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func (p *Protocol) httpRequest(ctx context.Context, r request) (*http.Request, error) {
	method, target, payload := http.MethodGet, strings.TrimSuffix(p.config.APIURL, "/")+r.path, r.query
	if r.body != nil {
		method, payload = http.MethodPost, string(r.body)
	} else if r.query != "" {
		target += "?" + r.query
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(r.body))
	if err != nil {
		return nil, &protocol.Failure{Cause: protocol.Refused, Msg: "the request cannot be made", Err: err}
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.open {
		return req, nil
	}
	if p.config.APIKey == "" {
		return nil, &protocol.Failure{Cause: protocol.Key, Err: errNoKey}
	}
	timestampMs := strconv.FormatInt(p.venueMs(), 10)
	signature, err := p.signREST(timestampMs, payload)
	if err != nil {
		return nil, &protocol.Failure{Cause: protocol.Key, Msg: "the request cannot be signed", Err: err}
	}
	for name, value := range map[string]string{"X-BAPI-API-KEY": p.config.APIKey, "X-BAPI-TIMESTAMP": timestampMs,
		"X-BAPI-RECV-WINDOW": p.recvWindow, "X-BAPI-SIGN": signature} {
		req.Header.Set(name, value)
	}
	return req, nil
}

// maxMs is the last millisecond that fits in nanoseconds.
const maxMs = int64(1<<63-1) / int64(time.Millisecond)

// maxPages bounds a list that has no end.
const maxPages = 200

// errEndless: a list has more than maxPages pages.
var errEndless = errors.New("the list has no end")

// patient sends one of many questions. This side's own limit, by the second, is waited for: who begins anew with the
// first of them never gets to the last.
func (p *Protocol) patient(ctx context.Context, r request, take func(result *fastjson.Value) error) error {
	const longest, tries = 5 * time.Second, 5
	for try := 1; ; try++ {
		err := p.call(ctx, r, take)
		var f *protocol.Failure
		if try == tries || !errors.As(err, &f) || f.Cause != protocol.Weight || f.Code != 0 || f.Status != 0 ||
			f.RetryAt.IsZero() {
			return err
		}
		wait := time.Duration(f.RetryAt.UnixNano() - p.config.NowNs())
		if deadline, ok := ctx.Deadline(); wait > longest || ok && time.Until(deadline) < wait {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// pages asks for a list page by page and hands each row to take. The last page has no cursor, or the one that it was
// asked for with, or no rows; that a page is not full says nothing.
func (p *Protocol) pages(ctx context.Context, path, query string, limit int, take func(r *row) error) error {
	return p.pagesOf(ctx, path, query, limit, func(v *fastjson.Value) error { return takeRow(v, take) })
}

// pagesOf is pages of rows whatever they are.
func (p *Protocol) pagesOf(ctx context.Context, path, query string, limit int,
	take func(v *fastjson.Value) error) error {
	query += "&limit=" + strconv.Itoa(limit)
	cursor := ""
	for range maxPages {
		q := query
		if cursor != "" {
			q += "&cursor=" + cursor
		}
		next, rows := "", 0
		err := p.patient(ctx, request{path: path, query: q}, func(result *fastjson.Value) error {
			if result == nil || result.Get("list") == nil {
				return errors.New("there is no list")
			}
			for _, v := range result.GetArray("list") {
				rows++
				if err := take(v); err != nil {
					return err
				}
			}
			next = cursorText(string(result.GetStringBytes("nextPageCursor")))
			return nil
		})
		if err != nil || next == "" || next == cursor || rows == 0 {
			return err
		}
		cursor = next
	}
	return fmt.Errorf("bybit: %s: %w", path, &protocol.Failure{Cause: protocol.Unknown, Err: errEndless})
}

func takeRow(v *fastjson.Value, take func(r *row) error) error {
	if v.Type() != fastjson.TypeObject {
		return errors.New("a row is not an object")
	}
	r := row{v: v}
	if err := take(&r); err != nil {
		return err
	}
	return r.err
}

// cursorText makes a cursor fit for a query. The venue sends it escaped already.
func cursorText(cursor string) string {
	for _, c := range []byte(cursor) {
		plain := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' ||
			strings.IndexByte("-_.~%", c) >= 0
		if !plain {
			return url.QueryEscape(cursor)
		}
	}
	return cursor
}
