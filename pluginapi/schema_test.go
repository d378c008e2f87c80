package pluginapi

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/settings"
)

type level string

type everyType struct {
	Name     string        `hcl:"name" default:"say \"hi\"" doc:"a name"`
	Level    level         `hcl:"level" default:"low"`
	Count    int           `hcl:"count" default:"10" min:"1" max:"100"`
	Small    int8          `hcl:"small" default:"-1"`
	Unsigned uint16        `hcl:"unsigned" default:"7"`
	Large    uint64        `hcl:"large" default:"9007199254740993"`
	Ratio    float64       `hcl:"ratio" default:"0.5" min:"0"`
	Single   float32       `hcl:"single" default:"0.25"`
	On       bool          `hcl:"on" default:"true"`
	Interval time.Duration `hcl:"interval" default:"1.5s" min:"1ms" max:"1m"`
	Names    []string      `hcl:"names" default:"[]"`
	Ints     []int64       `hcl:"ints" default:"[1,2]" max:"5"`
	Floats   []float64     `hcl:"floats" default:"[0.5]"`
	Needed   int           `hcl:"needed"`
	Other    map[string]int
	hidden   int
}

func TestParamsOfEveryType(t *testing.T) {
	got, err := Params[everyType](json.RawMessage(`{"needed": 3, "count": 2e1, "interval": "20ms", "names": ["a","b"], "level": "high"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := everyType{
		Name: `say "hi"`, Level: "high", Count: 20, Small: -1, Unsigned: 7, Large: 9007199254740993, Ratio: 0.5,
		Single: 0.25, On: true, Interval: 20 * time.Millisecond, Names: []string{"a", "b"}, Ints: []int64{1, 2},
		Floats: []float64{0.5}, Needed: 3, hidden: 0,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("parameters are\n%+v\nwant\n%+v", got, want)
	}
}

func TestParamsReportsEverythingWrongAtOnce(t *testing.T) {
	_, err := Params[everyType](json.RawMessage(`{"cuont": 1, "count": 101, "small": 128, "unsigned": -1, "ratio": "much",
		"interval": "1ns", "on": 1, "names": ["a", 2], "ints": [5, 6], "large": 1.5, "zzzzzzzzz": 0, "level": null, "zzzzzzzzz": 1, "name": "a", "name": "b", "name": "c"}`))
	var errs control.ParamErrors
	if !errors.As(err, &errs) {
		t.Fatalf("error is a %T: %v", err, err)
	}
	want := []control.ParamError{
		{Name: "cuont", Problem: `is unknown; did you mean "count"?`},
		{Name: "zzzzzzzzz", Problem: "is unknown; known: count, floats, interval, ints, large, level, name, names, needed, on, ratio, single, small, unsigned"},
		{Name: "name", Problem: "is given more than once"},
		{Name: "level", Problem: "is null, not a string: write a string"},
		{Name: "count", Problem: "is 101, out of range: write a whole number from 1 to 100"},
		{Name: "small", Problem: "is 128, out of range: write a whole number from -128 to 127"},
		{Name: "unsigned", Problem: "is -1, out of range: write a whole number from 0 to 65535"},
		{Name: "large", Problem: "is 1.5, not a whole number: write a whole number"},
		{Name: "ratio", Problem: `is "much", not a number: write a number`},
		{Name: "on", Problem: "is 1, not true or false: write true or false"},
		{Name: "interval", Problem: `is "1ns", out of range: write a duration from "1ms" to "1m0s"`},
		{Name: "names[1]", Problem: "is 2, not a string: write a string"},
		{Name: "ints[1]", Problem: "is 6, out of range: write a whole number of at most 5"},
		{Name: "needed", Problem: "is missing: add needed = ... (a whole number)"},
	}
	if !reflect.DeepEqual([]control.ParamError(errs), want) {
		t.Errorf("errors are\n%s", strings.ReplaceAll(errs.Error(), "; ", "\n"))
	}
}

type embedded struct {
	X int `hcl:"x" default:"1"`
}

// R is a block within itself.
type R struct {
	C []R `hcl:"c,block"`
}

// The fields of an embedded struct are parameters, too.
func TestEmbeddedParams(t *testing.T) {
	type whole struct {
		embedded
		Y int `hcl:"y" default:"2"`
	}
	if got, err := Params[whole](json.RawMessage(`{"x": 5}`)); err != nil || got.X != 5 || got.Y != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// After an error there are no parameters, rather than half of them.
func TestParamsAfterAnError(t *testing.T) {
	if got, err := Params[everyType](json.RawMessage(`{"count": 20, "needed": "x"}`)); err == nil ||
		!reflect.DeepEqual(got, everyType{}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Host and plugin say the same of a value, also where the field can hold more than the host is told.
func TestHostAndPluginAgree(t *testing.T) {
	type params struct {
		A uint64 `hcl:"a" default:"1"`
		B int    `hcl:"b" default:"1"`
		C uint8  `hcl:"c" default:"1"`
	}
	d, err := Describe(Plugin[params]{Name: "x", New: func(params) (Strategy, error) { return nil, nil }})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, value, want string }{
		{"a", "9223372036854775807", ""},
		{"a", "9223372036854775808",
			"a is 9223372036854775808, which is too large for an int of 64 bits: write a whole number of at least 0"},
		{"a", "18446744073709551615",
			"a is 18446744073709551615, which is too large for an int of 64 bits: write a whole number of at least 0"},
		{"a", "-1", "a is -1, out of range: write a whole number of at least 0"},
		{"b", "9223372036854775808",
			"b is 9223372036854775808, which is too large for an int of 64 bits: write a whole number"},
		{"b", "3.5e38", "b is 3.5e+38, which is too large for an int of 64 bits: write a whole number"},
		{"b", "1e-400", ""},
		{"b", "1.5", "b is 1.5, not a whole number: write a whole number"},
		{"c", "256", "c is 256, out of range: write a whole number from 0 to 255"},
	} {
		plugin, host := "", ""
		if _, err := Params[params](json.RawMessage(`{"` + c.name + `": ` + c.value + `}`)); err != nil {
			plugin = strings.Replace(strings.TrimPrefix(err.Error(), "parameter "), `"`+c.name+`"`, c.name, 1)
		}
		v, err := settings.FromJSON([]byte(c.value))
		if err != nil {
			t.Fatal(err)
		}
		for i := range d.Params {
			if p := d.Params[i]; p.Name == c.name {
				if _, problem := p.Convert(settings.Value{Go: v}); problem != nil {
					host = problem.String() + ": " + problem.Hint
				}
			}
		}
		if plugin != c.want || host != c.want {
			t.Errorf("%s = %s:\nthe plugin says %q\nthe host says   %q\nwant            %q", c.name, c.value, plugin,
				host, c.want)
		}
	}
}

func TestDescribeSchema(t *testing.T) {
	d, err := Describe(Plugin[everyType]{
		Name: "every-type", Version: "1", Doc: "Has all.",
		New: func(everyType) (Strategy, error) { return nil, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(d.Params[2:6])
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"name":"count","type":"int","default":10,"min":1,"max":100},` +
		`{"name":"small","type":"int","default":-1,"min":-128,"max":127},` +
		`{"name":"unsigned","type":"int","default":7,"min":0,"max":65535},` +
		`{"name":"large","type":"int","default":9007199254740993,"min":0}]`
	if string(text) != want {
		t.Errorf("schema is\n%s\nwant\n%s", text, want)
	}
	if p := d.Params[9]; string(p.DefaultJSON()) != `"1.5s"` || *p.Min != 0.001 || *p.Max != 60 {
		t.Errorf("duration is %+v", p)
	}
}

func TestAuthorMistakes(t *testing.T) {
	check := func(t *testing.T, err error, says ...string) {
		t.Helper()
		if err == nil {
			t.Fatal("the mistake was not seen")
		}
		for _, want := range says {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error does not say %q: %v", want, err)
			}
		}
	}
	read := func(v any) error {
		_, err := readParameters(reflect.TypeOf(v))
		return err
	}
	t.Run("two of one name", func(t *testing.T) {
		check(t, read(struct {
			A int `hcl:"n"`
			B int `hcl:"n"`
		}{}), `B has the name "n", and so has A`)
	})
	t.Run("unexported", func(t *testing.T) {
		check(t, read(struct {
			a int `hcl:"n"`
		}{}), "a has a tag hcl but is not exported")
	})
	t.Run("all at once", func(t *testing.T) {
		check(t, read(struct {
			Name    int        `hcl:"Upper"`
			Type    complex128 `hcl:"type"`
			Default int        `hcl:"a" default:"x"`
			Range   int        `hcl:"b" default:"5" max:"4"`
			Bound   string     `hcl:"c" min:"1"`
			Number  float64    `hcl:"d" min:"low"`
			Span    int        `hcl:"e" min:"5" max:"1"`
			Fits    int8       `hcl:"f" max:"1000"`
			Time    int        `default:"5"`
			List    []string   `hcl:"g" default:"a,b"`
		}{}), `Name has the name "Upper"`, "Type has the type complex128", `Default has default:"x", which is no int`,
			`has a min above its max`, `Bound has min:"1", which a string cannot have`,
			`min:"low", which is not a number`, "min above its max", `max:"1000", which a int8 cannot hold`,
			"no tag hcl", "List has default")
	})
	t.Run("malformed tag", func(t *testing.T) {
		_, err := readParameters(reflect.StructOf([]reflect.StructField{{Name: "A", Type: reflect.TypeFor[int](),
			Tag: "hcl:noquotes"}}))
		check(t, err, "malformed tag")
	})
	t.Run("what the host is not told", func(t *testing.T) {
		check(t, read(struct {
			A        string   `hcl:"a" choices:"x,y"`
			B        float64  `hcl:"b" above:"0"`
			C        float64  `hcl:"c" format:"speed"`
			D        struct{} `hcl:"d,block"`
			E        string   `hcl:"e,label"`
			F        struct{} `hcl:"f,free"`
			G        R        `hcl:"g,block"`
			H        []string `hcl:"h" format:"paths"`
			embedded `otherwise:"the host's"`
		}{}), ".A has a tag above, choices", ".B has a tag above", ".C has a tag above",
			`.D has the option "block": a plugin has parameters only`, `.E has the option "label"`,
			`.F has the option "free"`, `.G has the option "block"`, ".H has a tag above", ".X has a tag above")
		check(t, read(struct {
			A time.Time           `hcl:"a"`
			B map[string][]string `hcl:"b"`
		}{}), ".A has the type time.Time: use", ".B has the type map[string][]string: use")
	})
	t.Run("whole sentences", func(t *testing.T) {
		type PA struct {
			A string `hcl:"a,block"`
			B int8   `hcl:"b" max:"1000"`
		}
		_, err := Describe(Plugin[PA]{Name: "x", New: func(PA) (Strategy, error) { return nil, nil }})
		const want = `plugin x: the parameters cannot be used: mistakes in the tags: pluginapi.PA.A has the option "block": a plugin has parameters only, no blocks and labels; ` +
			`pluginapi.PA.B has max:"1000", which a int8 cannot hold`
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	})
	t.Run("unsigned", func(t *testing.T) {
		check(t, read(struct {
			A uint64 `hcl:"a" default:"1" min:"-5"`
			B uint   `hcl:"b" default:"18446744073709551615"`
			C uint64 `hcl:"c" default:"-1"`
		}{}), `A has min:"-5", which a uint64 cannot hold`, `B has default:"18446744073709551615"`,
			"which is too large for an int", "c is -1, out of range")
	})
	t.Run("no struct", func(t *testing.T) {
		check(t, read(5), "the parameters cannot be used: settings have to be a struct, and int is none")
	})
	newOK := func(struct{}) (Strategy, error) { return nil, nil }
	t.Run("bad plugin name", func(t *testing.T) {
		_, err := Describe(Plugin[struct{}]{Name: "Grid Trading", New: newOK})
		check(t, err, `"Grid Trading"`)
	})
	t.Run("no New", func(t *testing.T) {
		_, err := Describe(Plugin[struct{}]{Name: "grid"})
		check(t, err, "has no New")
	})
}

func FuzzParams(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"needed": 1}`, `{"needed": 1e400}`, `{"needed": 1, "ints": [1, null]}`,
		`[]`, `{"needed":1,"needed":2}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := Params[everyType](raw)
		if err != nil {
			return
		}
		if p.Count < 1 || p.Count > 100 || p.Ratio < 0 || p.Interval < time.Millisecond || p.Interval > time.Minute {
			t.Errorf("%s passed as %+v", raw, p)
		}
		for _, i := range p.Ints {
			if i > 5 {
				t.Errorf("%s passed as %+v", raw, p)
			}
		}
	})
}
