package control_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"hftrunner/internal/control"
)

func testSchema() []control.Param {
	lo, hi := 0.5, 10.0
	return []control.Param{
		{Name: "qty", Type: control.ParamFloat, Min: &lo, Max: &hi},
		{Name: "grid_num", Type: control.ParamInt, Default: json.RawMessage("10")},
		{Name: "interval", Type: control.ParamDuration, Default: json.RawMessage(`"1s"`), Min: &lo},
	}
}

func TestDecodeParams(t *testing.T) {
	v, err := control.DecodeParams(testSchema(), json.RawMessage(`{"qty": 2, "interval": "1.5s"}`))
	if err != nil {
		t.Fatal(err)
	}
	if v["qty"] != 2.0 || v["grid_num"] != int64(10) || v["interval"] != 1500*time.Millisecond {
		t.Errorf("values are %#v", v)
	}
}

func TestDecodeParamsErrors(t *testing.T) {
	for given, want := range map[string]string{
		``:                                     `parameter "qty" is missing: give a float`,
		`{"qty": 0.25}`:                        `parameter "qty" is 0.25, below its minimum 0.5`,
		`{"qty": 1e999}`:                       `parameter "qty" is 1e999, which is too large for a float`,
		`{"qty": 1, "qty": 2}`:                 `parameter "qty" is given more than once`,
		`{"qty": {}}`:                          `parameter "qty" is an object, not a float`,
		`{"qty": [1]}`:                         `parameter "qty" is a list, not a float`,
		`{"qty": true}`:                        `parameter "qty" is true, not a float`,
		`{"qty": 1, "grid_num": "3"}`:          `parameter "grid_num" is the string "3", not an int`,
		`{"qty": 1, "grid_num": 1e300}`:        `parameter "grid_num" is 1e300, which is too large for an int`,
		`{"qty": 1, "grid_num": 1e17}`:         `parameter "grid_num" is 1e17, write a number this large without point and exponent`,
		`{"qty": 1, "interval": 5}`:            `parameter "interval" is the number 5, not a duration such as "1.5s"`,
		`{"qty": 1, "interval": "soon"}`:       `parameter "interval" is the string "soon", not a duration such as "1.5s"`,
		`{"qty": 1, "interval": "100ms"}`:      `parameter "interval" is 100ms, below its minimum 500ms`,
		`{"qty": 1, "gird_num": 3, "xyz": ""}`: `parameter "gird_num" is unknown; did you mean "grid_num"?; parameter "xyz" is unknown; known are qty, grid_num, interval`,
	} {
		_, err := control.DecodeParams(testSchema(), json.RawMessage(given))
		var errs control.ParamErrors
		if !errors.As(err, &errs) || err.Error() != want {
			t.Errorf("%s gives\n%v\nwant\n%s", given, err, want)
		}
	}
	for _, given := range []string{`[]`, `{"qty": 1`, `null`, `5`, `{} {}`} {
		_, err := control.DecodeParams(testSchema(), json.RawMessage(given))
		if err == nil || !strings.Contains(err.Error(), "no JSON object") {
			t.Errorf("%s gives %v", given, err)
		}
	}
	if _, err := control.DecodeParams(nil, json.RawMessage(`{"a":1}`)); err == nil || !strings.Contains(err.Error(), "has no parameters") {
		t.Errorf("a parameter too many gives %v", err)
	}
	unknown := []control.Param{{Name: "a", Type: "tensor"}}
	if _, err := control.DecodeParams(unknown, json.RawMessage(`{"a":1}`)); err == nil || !strings.Contains(err.Error(), `the type "tensor"`) {
		t.Errorf("an unknown type gives %v", err)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"gridtrading", "obimm", "grid_num", "qty"}
	for name, want := range map[string]string{
		"gridtradng": "gridtrading", "grid_nmu": "grid_num", "obim": "obimm", "q": "", "zzz": "", "": "", "qt": "qty",
	} {
		if got := control.Nearest(name, known); got != want {
			t.Errorf("nearest to %q is %q, want %q", name, got, want)
		}
	}
}

func FuzzDecodeParams(f *testing.F) {
	f.Add([]byte(`{"qty": 1, "interval": "1s"}`))
	f.Add([]byte(`{"qty": 1e999, "grid_num": 1.0e0}`))
	f.Add([]byte("{\"q\xffty\": []}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := control.DecodeParams(testSchema(), raw)
		if err != nil {
			if v != nil {
				t.Errorf("values %v with the error %v", v, err)
			}
			return
		}
		qty, ok := v["qty"].(float64)
		if !ok || !(qty >= 0.5 && qty <= 10) || len(v) != 3 {
			t.Errorf("%q passed as %v", raw, v)
		}
	})
}
