package settings_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/internal/settings"
)

type common struct {
	Key   string `hcl:"key" default:"" doc:"the key"`
	Limit int    `hcl:"limit" default:"5" min:"1" max:"10"`
}

type inner struct {
	Symbol string   `hcl:"symbol,label" format:"symbol"`
	Files  []string `hcl:"files" format:"paths"`
}

type every struct {
	common
	URL    string              `hcl:"url" otherwise:"the network's" format:"ws" doc:"where"`
	Mode   string              `hcl:"mode" default:"slow" choices:"slow,fast"`
	Quiet  time.Duration       `hcl:"quiet" default:"30s" min:"1s" max:"1h"`
	Rate   float64             `hcl:"rate" default:"1" above:"0" format:"speed"`
	Seed   uint64              `hcl:"seed" default:"1"`
	Small  uint8               `hcl:"small" default:"7"`
	From   time.Time           `hcl:"from" default:""`
	Data   map[string][]string `hcl:"data" otherwise:"none"`
	On     bool                `hcl:"on" default:"true"`
	Sizes  []float64           `hcl:"sizes" default:"[]" above:"0"`
	Need   int                 `hcl:"need" doc:"it is needed"`
	One    *inner              `hcl:"one,block" doc:"one"`
	Some   []inner             `hcl:"some,block" doc:"some"`
	Params json.RawMessage     `hcl:"params,free" doc:"free"`
	Other  chan int
}

func schema(t *testing.T) *settings.Block {
	t.Helper()
	b, err := settings.Of(reflect.TypeFor[every]())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDecode(t *testing.T) {
	b := schema(t)
	e := every{URL: "as it was"}
	problems := b.Decode(map[string]settings.Value{
		"key": {Go: "k"}, "mode": {Go: "fast"}, "quiet": {Go: "1m"}, "rate": {Go: "max"},
		"seed":  {Go: uint64(math.MaxUint64)},
		"small": {Go: " 8 ", Text: true}, "from": {Go: "2024-08-08"}, "on": {Go: "false",
			Text: true}, "need": {Go: int64(3)},
		"data": {Go: map[string]any{"BTC": "a", "ETH": []any{"b", "c"}}}, "sizes": {Go: []any{int64(1), 0.5}},
	}, nil, &e)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := every{common: common{Key: "k", Limit: 5}, URL: "as it was", Mode: "fast", Quiet: time.Minute,
		Seed: math.MaxUint64, Small: 8,
		From: time.Date(2024, 8, 8, 0, 0, 0, 0, time.UTC), Data: map[string][]string{"BTC": {"a"},
			"ETH": {"b", "c"}}, Sizes: []float64{1, 0.5}, Need: 3}
	if !reflect.DeepEqual(e, want) {
		t.Errorf("got  %+v\nwant %+v", e, want)
	}
}

func TestBlocksWithin(t *testing.T) {
	b := schema(t)
	var e every
	for _, name := range []string{"one", "some", "some"} {
		c := b.Block(name)
		if problems := c.Decode(map[string]settings.Value{"files": {Go: "f"}}, []string{"BTC"},
			c.Within(&e)); len(problems) > 0 {
			t.Fatal(problems)
		}
	}
	want := inner{Symbol: "BTC", Files: []string{"f"}}
	if !reflect.DeepEqual(*e.One, want) || len(e.Some) != 2 || !reflect.DeepEqual(e.Some[1], want) {
		t.Errorf("got %+v and %+v", e.One, e.Some)
	}
	if p := b.Block("params"); !p.Free || !p.Single || !p.Implied {
		t.Errorf("the free block is %+v", p)
	}
	if one, some := b.Block("one"), b.Block("some"); !one.Single || one.Implied || some.Single {
		t.Errorf("one is %+v, some are %+v", one, some)
	}
}

// Everything that is wrong is told at once, with what to do.
func TestProblems(t *testing.T) {
	for _, c := range []struct {
		name  string
		given settings.Value
		want  string
	}{
		{"key", settings.Value{Go: int64(5)}, "key is 5, not a string | write a string"},
		{"key", settings.Value{Go: int64(5), Secret: true}, "key is (hidden), not a string | write a string"},
		{"limit", settings.Value{Go: int64(11)}, "limit is 11, out of range | write a whole number from 1 to 10"},
		{"limit", settings.Value{Go: "ten", Text: true}, `limit is "ten", not a whole number | write a whole number`},
		{"url", settings.Value{Go: "http://x"}, `url "http://x" is not a URL: must be like wss://host/path | `},
		{"url", settings.Value{Go: ""}, `url "" is not a URL: must be like wss://host/path | `},
		{"mode", settings.Value{Go: "fastt"}, `mode is "fastt" | did you mean "fast"? (one of slow, fast)`},
		{"quiet", settings.Value{Go: "1ms"}, `quiet is "1ms", out of range | write a duration from "1s" to "1h0m0s"`},
		{"quiet", settings.Value{Go: nil},
			`quiet is null, not a duration | write a duration such as "250ms" or "1m30s"`},
		{"rate", settings.Value{Go: int64(0)}, `rate is 0, out of range | write a number above 0, or "max"`},
		{"rate", settings.Value{Go: math.Inf(1)}, "rate is +Inf, which is not finite | write a finite number"},
		{"seed", settings.Value{Go: int64(-1)},
			"seed is -1, not a whole number of at least 0 | write a whole number of at least 0"},
		{"limit", settings.Value{Go: uint64(1 << 63)},
			"limit is 9223372036854775808, which is too large for an int of 64 bits | write a whole number from 1 to 10"},
		{"limit", settings.Value{Go: 3.5e38},
			"limit is 3.5e+38, which is too large for an int of 64 bits | write a whole number from 1 to 10"},
		{"limit", settings.Value{Go: "-3.5e38", Text: true},
			"limit is -3.5e+38, which is too small for an int of 64 bits | write a whole number from 1 to 10"},
		{"limit", settings.Value{Go: "1.1e1", Text: true},
			"limit is 11, out of range | write a whole number from 1 to 10"},
		{"seed", settings.Value{Go: 3.5e38},
			"seed is 3.5e+38, which is too large for a uint of 64 bits | write a whole number of at least 0"},
		{"small", settings.Value{Go: int64(256)}, "small is 256, out of range | write a whole number from 0 to 255"},
		{"from", settings.Value{Go: "1960-01-01"},
			`from is "1960-01-01", not a time or date | write a time such as "2024-08-08T12:00:00Z" or a date such as "2024-08-08"`},
		{"data", settings.Value{Go: map[string]any{}},
			`data is an object, not an object of symbol to path | write an object of symbol to path, such as { BTCUSDT = "day1.gz" } or { BTCUSDT = ["day1.gz", "day2.gz"] }`},
		{"on", settings.Value{Go: int64(1)}, "on is 1, not true or false | write true or false"},
		{"sizes", settings.Value{Go: int64(1)}, "sizes is 1, which is not a list of float | write [..., ...]"},
		{"sizes", settings.Value{Go: []any{1.0, int64(0)}}, "sizes[1] is 0, out of range | write a number above 0"},
	} {
		problems := schema(t).Decode(map[string]settings.Value{c.name: c.given}, nil, new(every))
		if len(problems) != 2 || problems[0].String()+" | "+problems[0].Hint != c.want {
			t.Errorf("%s = %v gives %+v\nwant %s", c.name, c.given, problems, c.want)
		}
		if problems[0].Name != c.name {
			t.Errorf("%s = %v gives a problem of %q", c.name, c.given, problems[0].Name)
		}
		if last := problems[len(problems)-1]; !last.Missing || last.String() != "need is missing" ||
			last.Hint != "add need = ... (a whole number): it is needed" {
			t.Errorf("the missing one gives %+v", last)
		}
	}
	unknown := settings.Setting{Name: "a", Type: "tensor"}
	if _, problem := unknown.Convert(settings.Value{}); problem == nil || !strings.Contains(problem.What,
		`the type "tensor"`) {
		t.Errorf("an unknown type gives %v", problem)
	}
}

func TestMistakesInTags(t *testing.T) {
	type embedded struct {
		X int `hcl:"x" default:"1"`
	}
	_, err := settings.Of(reflect.TypeFor[struct {
		embedded `otherwise:"another's"`
		A        int           `hcl:"x"`
		B        complex128    `hcl:"b"`
		C        string        `hcl:"c" format:"tensor"`
		D        int           `hcl:"d" format:"ws"`
		E        string        `hcl:"e" default:"x" otherwise:"y"`
		F        int           `hcl:"f,blok"`
		G        int           `choices:"a"`
		H        time.Duration `hcl:"h" default:"5"`
		I        string        `hcl:"i" default:"z" choices:"x,y"`
		J        []struct {
			K int `hcl:"K"`
		} `hcl:"j,block"`
		l int `hcl:"l"`
	}]())
	for _, want := range []string{`A has the name "x", and so has X`, "B has the type complex128",
		`C has format:"tensor"`, `D has format:"ws"`,
		"E has a tag default and a tag otherwise", `F has the option "blok"`, "G has a tag choices but no tag hcl",
		`H has default:"5"`,
		`I has default:"z"`, `K has the name "K"`, "l has a tag hcl but is not exported"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	b, err := settings.Of(reflect.TypeFor[struct {
		embedded `otherwise:"another's"`
	}]())
	if err != nil || b.Settings[0].Otherwise != "another's" || b.Settings[0].Default != nil {
		t.Errorf("an embedded struct with otherwise gives %+v, %v", b, err)
	}
}

type recursive struct {
	Inner []recursive `hcl:"c,block"`
}

type mutual struct {
	One *struct {
		Two mutual `hcl:"two,block"`
	} `hcl:"one,block"`
}

// A mistake is told as a whole sentence about a field, however deep it is.
func TestMistakesInBlocks(t *testing.T) {
	type inner struct {
		K int `hcl:"K"`
	}
	for _, c := range []struct {
		of   any
		want string
	}{
		{recursive{},
			"mistakes in the tags: settings_test.recursive.Inner has the type []settings_test.recursive: the block would be within itself, without an end"},
		{mutual{}, ".Two has the type settings_test.mutual: the block would be within itself, without an end"},
		{struct{ recursive }{}, "Inner has the type []settings_test.recursive: the block would be within itself"},
		{struct {
			A inner `hcl:"a,block"`
		}{}, `mistakes in the tags: settings_test.inner.K has the name "K": use lower case`},
		{struct {
			A string `hcl:"a,block"`
		}{}, ".A has the type string: a block is a struct, a pointer to one or a slice of them"},
		{5, "settings have to be a struct, and int is none"},
	} {
		if _, err := settings.Of(reflect.TypeOf(c.of)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("the error of %T does not say %q: %v", c.of, c.want, err)
		}
	}
	type right struct {
		A int `hcl:"a" default:"1"`
	}
	if _, err := settings.Of(reflect.TypeFor[struct {
		C right `hcl:"c,block"`
		D right `hcl:"d,block"`
	}]()); err != nil {
		t.Errorf("two blocks of one type give %v", err)
	}
}

func TestMembers(t *testing.T) {
	members,
		err := settings.Members([]byte(`{"a": 1, "b": [1e2, 1.5, {"c": 18446744073709551615}], "a": 1e999, "d": 9007199254740993.0, "e": 1e17, "f": 1e-400}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []any{int64(1), []any{int64(100), 1.5, map[string]any{"c": uint64(math.MaxUint64)}}, nil,
		int64(9007199254740993), int64(1e17), int64(0)}
	for i, m := range members {
		if !reflect.DeepEqual(m.Value.Go, want[i]) || (m.Err != nil) != (i == 2) {
			t.Errorf("%s is %v, %v; want %v", m.Name, m.Value.Go, m.Err, want[i])
		}
	}
	for _, given := range []string{`[]`, `{"qty": 1`, `null`, `5`, `{} {}`} {
		if _, err := settings.Members([]byte(given)); err == nil || !strings.Contains(err.Error(), "no JSON object") {
			t.Errorf("%s gives %v", given, err)
		}
	}
	if members, err := settings.Members(nil); members != nil || err != nil {
		t.Errorf("nothing gives %v, %v", members, err)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"gridtrading", "obimm", "grid_num", "qty"}
	for name, want := range map[string]string{
		"gridtradng": "gridtrading", "grid_nmu": "grid_num", "obim": "obimm", "q": "", "zzz": "", "": "", "qt": "qty",
		"QTY": "qty",
	} {
		if got := settings.Nearest(name, known); got != want {
			t.Errorf("nearest to %q is %q, want %q", name, got, want)
		}
	}
}

// FuzzDecode: whatever is given, what passes is within its bounds, and what does not is named.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"need": 1, "quiet": "1s", "sizes": [1]}`), true)
	f.Add([]byte(`{"need": 1e999, "limit": 1.0e0}`), false)
	f.Add([]byte("{\"n\xffeed\": [], \"data\": {\"a\": []}}"), false)
	b, err := settings.Of(reflect.TypeFor[every]())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte, text bool) {
		members, err := settings.Members(raw)
		if err != nil {
			return
		}
		values := map[string]settings.Value{}
		for _, m := range members {
			m.Value.Text = text
			values[m.Name] = m.Value
		}
		var e every
		problems := b.Decode(values, nil, &e)
		for _, p := range problems {
			if p.Name == "" || p.What == "" {
				t.Errorf("problem without a name or text: %+v", p)
			}
		}
		if len(problems) > 0 {
			return
		}
		if e.Limit < 1 || e.Limit > 10 || e.Mode != "slow" && e.Mode != "fast" || e.Quiet < time.Second ||
			e.Quiet > time.Hour || !(e.Rate >= 0) || math.IsInf(e.Rate, 0) {
			t.Errorf("%s passed as %+v", raw, e)
		}
		for _, size := range e.Sizes {
			if !(size > 0) {
				t.Errorf("%s passed as %+v", raw, e)
			}
		}
	})
}
