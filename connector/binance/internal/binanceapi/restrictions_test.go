package binanceapi

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// TestKeyFindings: what the venue says of a key, and what it does not.
func TestKeyFindings(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	day := func(n int) int64 { return now.Add(time.Duration(n) * 24 * time.Hour).UnixMilli() }
	for name, c := range map[string]struct {
		status int
		body   string
		want   string // the values, with "~" where it warns, "!" where it blocks
	}{
		"good": {200, `{"ipRestrict":true,"enableFutures":true,"enableWithdrawals":false}`,
			"[allowed not allowed bound never]"},
		"no futures": {200, `{"ipRestrict":true,"enableFutures":false}`, "[not allowed! not allowed bound never]"},
		"withdrawals": {200, `{"ipRestrict":true,"enableFutures":true,"enableWithdrawals":true}`,
			"[allowed allowed~ bound never]"},
		"unbound": {200, fmt.Sprintf(`{"ipRestrict":false,"enableFutures":true,"tradingAuthorityExpirationTime":%d}`,
			day(30)), "[allowed not allowed any~ 2026-02-01 03:04:05 UTC]"},
		"ends soon": {200, fmt.Sprintf(`{"ipRestrict":true,"enableFutures":true,"tradingAuthorityExpirationTime":%d}`,
			day(2)), "[allowed not allowed bound 2026-01-04 03:04:05 UTC~]"},
		"ended": {200, fmt.Sprintf(`{"ipRestrict":true,"enableFutures":true,"tradingAuthorityExpirationTime":%d}`,
			day(-2)), "[allowed not allowed bound 2025-12-31 03:04:05 UTC!]"},
		"not there":    {404, `not found`, "[unknown]"},
		"another form": {200, `{"code":0}`, "[unknown]"},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/sapi/v1/account/apiRestrictions" || r.URL.Query().Get("signature") == "" {
				t.Errorf("%s: asked for %s", name, r.URL)
			}
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		key, err := NewKey("key", "secret")
		if err != nil {
			t.Fatal(err)
		}
		budget, err := NewBudget(nil)
		if err != nil {
			t.Fatal(err)
		}
		client, err := NewClient(ClientConfig{URL: s.URL, Budget: budget, Signer: NewSigner(key, 0, now.UnixNano),
			Causes: func(int, string) (cause protocol.Cause, ok bool) { return 0, false }})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range client.KeyFindings(t.Context(), "enableFutures") {
			value := f.Value
			if f.What == "key: permissions" {
				value = value[:len("unknown")]
			}
			switch {
			case f.Minor:
				value += "~"
			case f.Problem != "":
				value += "!"
			}
			if (f.Problem == "") != (f.Advice == "") {
				t.Errorf("%s: %+v", name, f)
			}
			got = append(got, value)
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		client.Close()
		s.Close()
	}
}

// TestSilentKeyManagement: the server that manages keys takes the question and says nothing. That keeps nobody waiting: the
// permissions are unknown long before a request of this client would be given up.
func TestSilentKeyManagement(t *testing.T) {
	gone := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(gone)
	}))
	defer s.Close()
	key, err := NewKey("key", "secret")
	if err != nil {
		t.Fatal(err)
	}
	budget, err := NewBudget(nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := NewClient(ClientConfig{URL: s.URL, Budget: budget, Signer: NewSigner(key, 0, time.Now().UnixNano),
		Timeout: time.Hour, Causes: func(int, string) (cause protocol.Cause, ok bool) { return 0, false }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	list := client.KeyFindings(ctx, "enableFutures")
	if ctx.Err() != nil || len(list) != 1 || list[0].Problem != "" || list[0].What != "key: permissions" {
		t.Errorf("%v, %+v", ctx.Err(), list)
	}
	<-gone
}
