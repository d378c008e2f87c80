package scan

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
)

func Example() {
	var p Payload
	raw := []byte(`{"stream":"btcusdt@depth","data":{"e":"depthUpdate","s":"BTCUSDT","u":157,"b":[["0.0024","10"]],"a":[]}}`)
	if err := p.Scan(raw, nil); err != nil {
		fmt.Println(err)
	}
	rows, numBids, _ := p.Rows(Bids, Asks)
	lastID, _ := p.Int(LastID)
	fmt.Printf("%s %d: %d bid at %v\n", p.String(Symbol), lastID, numBids, rows[0].Px)
	// Output: BTCUSDT 157: 1 bid at 0.0024
}

// decimals gives numbers of every length around the limits of the fast ways.
func decimals(rng *rand.Rand) string {
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = '0' + byte(rng.IntN(10))
			if rng.IntN(3) == 0 {
				b[i] = '0' + 9*byte(rng.IntN(2))
			}
		}
		return string(b)
	}
	text := digits(1 + rng.IntN(22))
	if rng.IntN(4) > 0 {
		text += "." + digits(1+rng.IntN(24))
	}
	if rng.IntN(4) == 0 {
		text += [...]string{"e", "E", "e+", "e-", "E-"}[rng.IntN(5)] + digits(1+rng.IntN(3))
	}
	if rng.IntN(8) == 0 {
		text = "-" + text
	}
	return text
}

func TestDecimalsEqualStrconvBitForBit(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	texts := []string{"0", "0.0", "000", "9007199254740992", "9007199254740993", "9007199254740993.5", "0.1",
		"61800.20", "12345678.87654321", "99999999.99999999", "9999999999999999999", "18446744073709551615",
		"0.000000000000000000001", "1e22", "1e23", "8.5e-22", "1e308", "1e309", "5e-324", "1e-400", "-0", "-0.0",
		"1234567890.00000000", "36028797018963969", "0.30000000000000004", "179769313486231580793e289"}
	for range 100_000 {
		texts = append(texts, decimals(rng))
	}
	for _, text := range texts {
		want, err := strconv.ParseFloat(text, 64)
		got, ok := parseDecimal([]byte(text))
		if ok != (err == nil) || ok && math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%s gives %v %t, want %v %v", text, got, ok, want, err)
		}
		if fast, quote := quotedDecimal([]byte(text+`"],["1","2"]]`), 0); quote >= 0 {
			if math.Float64bits(fast) != math.Float64bits(want) || quote != len(text) {
				t.Fatalf("%s gives %v to %d, want %v", text, fast, quote, want)
			}
		}
	}
}

func TestRowsEqualStrconvBitForBit(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var p Payload
	for range 8_000 {
		var text strings.Builder
		var want []hft.Event
		usual := rng.IntN(2) == 0
		for range 1 + rng.IntN(12) {
			var numbers [2]string
			for i := range numbers {
				for n := decimals(rng); ; n = decimals(rng) {
					if usual {
						n = strconv.FormatFloat(rng.Float64()*math.Pow(10, float64(rng.IntN(9))), 'f', rng.IntN(9), 64)
					}
					if value, err := strconv.ParseFloat(n, 64); err == nil && value >= 0 {
						numbers[i] = n
						break
					}
				}
			}
			px, _ := strconv.ParseFloat(numbers[0], 64)
			qty, _ := strconv.ParseFloat(numbers[1], 64)
			want = append(want, hft.Event{Px: px, Qty: qty})
			if text.Len() > 0 {
				text.WriteByte(',')
			}
			fmt.Fprintf(&text, `["%s","%s"]`, numbers[0], numbers[1])
		}
		raw := []byte(`{"e":"depthUpdate","b":[` + text.String() + `],"a":[]}`)
		if err := p.Scan(raw, make([]hft.Event, 0, rng.IntN(16))); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		rows, _, err := p.Rows(Bids, Asks)
		if err != nil || len(rows) != len(want) {
			t.Fatalf("%s: %d rows, %v", raw, len(rows), err)
		}
		for i := range rows {
			if rows[i] != want[i] {
				t.Fatalf("%s: row %d is %+v, want %+v", raw, i, rows[i], want[i])
			}
		}
	}
}

func TestInts(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		ok   bool
	}{
		{"0", 0, true}, {"7", 7, true}, {"1723161256322", 1723161256322, true}, {"12345678", 12345678, true},
		{"9223372036854775807", math.MaxInt64, true}, {"9223372036854775808", 0, false},
		{"-9223372036854775808", math.MinInt64, true},
		{"-9223372036854775809", 0, false}, {"1234567890123456", 1234567890123456, true},
		{"12345678901234567", 12345678901234567, true},
		{`"5123107839020"`, 5123107839020, true}, {`"007"`, 7, true}, {"1e3", 1000, true}, {"1.5e1", 15, true},
		{"1.5", 0, false},
		{"5.000", 5, true}, {"1e19", 0, false}, {"10e-1", 1, true}, {"1e-1", 0, false}, {"0e99999", 0, true},
		{"1e99999", 0, false},
		{`""`, 0, false}, {`"x"`, 0, false}, {"null", 0, false}, {"[1]", 0, false}, {`"1 "`, 0, false},
		{`"\u0031"`, 1, true},
		{"123456789012345678901234567890", 0, false},
	} {
		for _, tail := range []string{"", `,"x":"12345678901234567890"`} {
			var p Payload
			raw := []byte(`{"u":` + c.text + tail + `}`)
			if err := p.Scan(raw, nil); err != nil {
				t.Fatalf("%s: %v", raw, err)
			}
			got, err := p.Int(LastID)
			if got != c.want || (err == nil) != c.ok {
				t.Errorf("%s gives %d, %v", raw, got, err)
			}
		}
	}
}

func TestTimesByMagnitude(t *testing.T) {
	for text, want := range map[string]int64{
		"1723161256322": 1723161256322000000, "1723161256322123": 1723161256322123000, "0": 0,
		"9223372036854": 9223372036854000000, "9223372036854775": 9223372036854775000,
		"1723161256":          1723161256000000000,
		"1723161256322123456": 1723161256322123456,
	} {
		var p Payload
		if err := p.Scan([]byte(`{"T":`+text+`}`), nil); err != nil {
			t.Fatal(err)
		}
		if got, err := p.TimeNs(TransactionTime); got != want || err != nil {
			t.Errorf("%s gives %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"-1", "9223372036855", `"soon"`} {
		var p Payload
		if err := p.Scan([]byte(`{"T":`+text+`}`), nil); err != nil {
			t.Fatal(err)
		}
		if got, err := p.TimeNs(TransactionTime); err == nil {
			t.Errorf("%s gives %d and no error", text, got)
		}
	}
}

func TestErrorsSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "byte 0: the message ends where a value is expected",
		`{"e":"tr`:                              "byte 8: the message ends inside a string",
		`{"e":1,}`:                              "byte 7: a name in quotes is expected",
		`{"e" 1}`:                               "byte 5: a colon is expected",
		`{"e":01}`:                              "byte 5: a number has a leading zero",
		`{"e":1.}`:                              "byte 7: digits are expected after the decimal point",
		`{"e":1e}`:                              "byte 7: digits are expected in the exponent",
		`{"e":1} x`:                             "byte 8: something follows the message",
		`{"e":tru}`:                             "byte 5: a value is expected",
		`{"e":"\x"}`:                            "byte 6: a string has an escape that is not of JSON",
		"{\"e\":\"a\nb\"}":                      "byte 7: a control character stands inside a string",
		`{"e":1`:                                "byte 6: the message ends inside an object or array",
		strings.Repeat("[", 600):                "byte 512: the message is nested too deeply",
		`{"e":"depthUpdate","b":[["1","2"]["3"`: "byte 33: a comma or closing bracket is expected",
	} {
		var p Payload
		err := p.Scan([]byte(text), nil)
		var located *Error
		if !errors.As(err, &located) || err.Error() != want {
			t.Errorf("%q gives %v, want %s", text, err, want)
		}
	}
}

// FuzzScan: what is accepted is what encoding/json takes for JSON, and nothing panics afterwards.
func FuzzScan(f *testing.F) {
	for _, text := range []string{`{}`, `{"data":{"e":"x"},"data":1}`, `[1,2.5e-7,"\ud83d\ude00",null,true,false]`, `{"a":[["1","2"],["3","4"]]}`,
		`{"e":"depthUpdate","b":[["61800.20","0.014"],["61800.10","1.5"],["61800.00","0.5"],["61799.20","1.4"]],"a":[["1","2"]]} `,
		`{"lastUpdateId":1,"bids":[["1.50","2.5"]["1.50","2.5"]],"asks":[]}`, "{\"\u00e9\":\"\\u00e9\"}"} {
		f.Add([]byte(text))
	}
	var p Payload
	f.Fuzz(func(t *testing.T, raw []byte) {
		err := p.Scan(raw, p.Memory())
		if err != nil && strings.Contains(err.Error(), "nested too deeply") {
			return
		}
		if (err == nil) != json.Valid(raw) {
			t.Fatalf("%q: %v, json.Valid says %t", raw, err, json.Valid(raw))
		}
		if err != nil {
			return
		}
		for key := NoKey + 1; key < numKeys; key++ {
			_, _ = p.Int(key)
			_, _ = p.Decimal(key)
			_, _ = p.Text(key)
			_, _ = p.Bool(key)
			_, _ = p.TimeNs(key)
			_, _, _ = p.Rows(key, key)
		}
	})
}

func BenchmarkParseDecimal(b *testing.B) {
	text := []byte("61737.63000000")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := parseDecimal(text); !ok {
			b.Fatal("not a number")
		}
	}
}
