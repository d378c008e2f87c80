package stats

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/sim"
)

const second = int64(time.Second)

func value(t *testing.T, r Row, name string) float64 {
	t.Helper()
	v, ok := r.Value(name)
	if !ok {
		t.Fatalf("no figure %q in %+v", name, r)
	}
	return v
}

// near allows for another order of additions.
func near(a, b float64) bool {
	if a == b || math.IsNaN(a) && math.IsNaN(b) {
		return true
	}
	return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b))
}

// handRows is a position bought, held and sold over 50 s; what follows from it was computed on paper.
func handRows() []backtest.Record {
	return []backtest.Record{
		{TimestampNs: 0, Price: 100},
		{TimestampNs: 3 * second, Price: 100, Position: 2, Balance: -200, Fee: 1, NumTrades: 1, TradingVolume: 2,
			TradingValue: 200},
		{TimestampNs: 10 * second, Price: 103, Position: 2, Balance: -200, Fee: 1, NumTrades: 1, TradingVolume: 2,
			TradingValue: 200},
		{TimestampNs: 20 * second, Price: 101, Position: 2, Balance: -200, Fee: 1, NumTrades: 1, TradingVolume: 2,
			TradingValue: 200},
		{TimestampNs: 29 * second, Price: 102, Position: 2, Balance: -200, Fee: 1, NumTrades: 1, TradingVolume: 2,
			TradingValue: 200},
		{TimestampNs: 50 * second, Price: 106, Balance: 10, Fee: 2, NumTrades: 3, TradingVolume: 4, TradingValue: 410},
	}
}

func TestHandComputed(t *testing.T) {
	// Windows 0, 10, 20, 50 s; equity after fee -1, 5, 3, 8; changes 6, -2, 5 (mean 3, squares 9+25+4, so std sqrt 19).
	s, err := New(handRows(), Options{Metrics: All()})
	if err != nil {
		t.Fatal(err)
	}
	annual := math.Sqrt(8640 * 252)
	days := 50.0 / 86400
	want := map[string]float64{
		"SR": 3 / math.Sqrt(19) * annual, "Sortino": 3 / math.Sqrt(4.0/3) * annual,
		"Return": 9, "MaxDrawdown": 2, "AnnualReturn": 9 / days * 252,
		"NumberOfTrades": 3, "TradingVolume": 4, "TradingValue": 410,
		"DailyNumberOfTrades": 3 / days, "DailyTradingVolume": 4 / days, "DailyTradingValue": 410 / days,
		"ReturnOverMDD": 4.5, "ReturnOverTrade": 9.0 / 410,
		"MaxPositionValue": 206, "MeanPositionValue": (200 + 206 + 204 + 0) / 4.0, "MedianPositionValue": 202,
		"MaxLeverage": math.Inf(1),
	}
	row := s.Whole()
	if row.StartNs != 0 || row.EndNs != 50*second || len(row.Figures) != len(want) {
		t.Errorf("row %+v", row)
	}
	for name, w := range want {
		if got := value(t, row, name); !near(got, w) {
			t.Errorf("%s = %v, want %v", name, got, w)
		}
	}
}

func TestUneven(t *testing.T) {
	for n, want := range map[int]bool{0: false, 1: false, 2: false, 3: false, 4: true} { // windows 0, 10, 20, 50 s
		rows := handRows()
		if n < 4 {
			rows = rows[:min(n+1, 5)]
		}
		if n == 0 {
			rows = nil
		}
		s, err := New(rows, Options{})
		if err != nil || len(s.Samples()) != n || s.Whole().Uneven != want {
			t.Errorf("%d samples: %+v, %v", len(s.Samples()), s.Whole(), err)
		}
	}
}

func TestDefaultOrderAndNames(t *testing.T) {
	names := func(r Row) (n []string) {
		for _, f := range r.Figures {
			n = append(n, f.Name)
		}
		return n
	}
	s, err := New(handRows(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields("SR Sortino Return MaxDrawdown DailyNumberOfTrades DailyTradingValue ReturnOverMDD ReturnOverTrade MaxPositionValue")
	if got := names(s.Whole()); !slices.Equal(got, want) {
		t.Errorf("columns %v, want %v", got, want)
	}
	if s, err = New(handRows(), Options{BookSize: 100, TradingDaysPerYear: 365}); err != nil {
		t.Fatal(err)
	}
	want[5] = "DailyTurnover"
	if got := names(s.Whole()); !slices.Equal(got, want) {
		t.Errorf("columns with a book %v, want %v", got, want)
	}
	for name, w := range map[string]float64{"Return": 0.09, "MaxDrawdown": 0.02, "ReturnOverMDD": 4.5,
		"ReturnOverTrade": 9.0 / 410, "DailyTurnover": 4.1 / 50 * 86400, "SR": 3 / math.Sqrt(19) * math.Sqrt(8640*365),
		"MaxPositionValue": 206} {
		if got := value(t, s.Whole(), name); !near(got, w) {
			t.Errorf("%s of a book of 100 = %v, want %v", name, got, w)
		}
	}
}

func TestNoResamplingAndSplit(t *testing.T) {
	day := 24 * int64(time.Hour)
	var rows []backtest.Record
	for i, at := range []int64{day - 2, day - 1, day, day + 1, 31 * day} {
		rows = append(rows, backtest.Record{TimestampNs: at, Price: 10, Balance: float64(i * i), NumTrades: int64(i)})
	}
	for split, want := range map[Split][][2]int64{
		SplitNone:  {{day - 2, 31 * day}},
		SplitHour:  {{day - 2, day - 1}, {day, day + 1}, {31 * day, 31 * day}, {day - 2, 31 * day}},
		SplitDay:   {{day - 2, day - 1}, {day, day + 1}, {31 * day, 31 * day}, {day - 2, 31 * day}},
		SplitMonth: {{day - 2, day + 1}, {31 * day, 31 * day}, {day - 2, 31 * day}},
	} {
		s, err := New(rows, Options{Window: NoResampling, Split: split})
		if err != nil {
			t.Fatal(err)
		}
		var got [][2]int64
		for _, r := range s.Rows() {
			got = append(got, [2]int64{r.StartNs, r.EndNs})
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("split %d gives %v, want %v", split, got, want)
		}
	}
	s, _ := New(rows, Options{Window: NoResampling, Split: SplitDay})
	if got := value(t, s.Rows()[1], "Return"); got != 5 { // 9 - 4: the part alone
		t.Errorf("return of the second day %v", got)
	}
}

func TestFewRowsAndNoPrice(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, c := range map[string]struct {
		rows []backtest.Record
		want map[string]float64
	}{
		"none": {nil, map[string]float64{"SR": nan, "Sortino": nan, "Return": nan, "MaxDrawdown": nan,
			"NumberOfTrades": 0, "DailyNumberOfTrades": nan, "MaxPositionValue": nan, "MedianPositionValue": nan,
			"MeanPositionValue": nan, "ReturnOverMDD": nan}},
		"one": {[]backtest.Record{{TimestampNs: 5, Price: 7, Position: -3, Balance: 21, NumTrades: 4}},
			map[string]float64{
				"SR": nan, "Return": 0, "MaxDrawdown": 0, "NumberOfTrades": 0, "DailyNumberOfTrades": nan,
				"ReturnOverMDD":    nan,
				"MaxPositionValue": 21, "MeanPositionValue": 21, "MedianPositionValue": 21}},
		"two": {[]backtest.Record{{Price: 7}, {TimestampNs: 10 * second, Price: 7, Balance: 3, NumTrades: 1}},
			map[string]float64{
				"SR": nan, "Sortino": inf, "Return": 3, "MaxDrawdown": 0, "ReturnOverMDD": inf, "ReturnOverTrade": inf,
				"NumberOfTrades": 1}},
		"a price is missing": {[]backtest.Record{
			{Price: nan}, {TimestampNs: 10 * second, Price: 10, Position: 1, Balance: -10},
			{TimestampNs: 20 * second, Price: nan, Position: 1, Balance: -10},
			{TimestampNs: 30 * second, Price: 8, Position: 1, Balance: -10},
			{TimestampNs: 40 * second, Price: nan, Position: 1, Balance: -10},
		}, map[string]float64{"Return": -2, "MaxDrawdown": 2, "SR": nan, "MaxPositionValue": 10,
			"MeanPositionValue": nan, "MedianPositionValue": nan}},
		"no price at all": {[]backtest.Record{{Price: nan}, {TimestampNs: 10 * second, Price: nan}}, map[string]float64{
			"Return": nan, "MaxDrawdown": nan, "MaxPositionValue": nan}},
	} {
		s, err := New(c.rows, Options{Metrics: All()})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for metric, want := range c.want {
			if got := value(t, s.Whole(), metric); !near(got, want) {
				t.Errorf("%s: %s = %v, want %v", name, metric, got, want)
			}
		}
	}
}

func TestInverse(t *testing.T) {
	rows := []backtest.Record{
		{Price: 50}, {TimestampNs: 10 * second, Price: 50, Position: 10, Balance: -20},
		{TimestampNs: 20 * second, Price: 100, Position: 10, Balance: -20},
	}
	s, err := New(rows, Options{Asset: sim.InverseAsset(100)})
	if err != nil {
		t.Fatal(err)
	}
	if e := s.Samples()[2].Equity(); e != 20-10.0/100*100 { // bought 1000 at 50, worth 20 coins; now worth 10
		t.Errorf("equity %v", e)
	}
}

func TestRefusals(t *testing.T) {
	unsorted := []backtest.Record{{TimestampNs: 2}, {TimestampNs: 1}}
	for text, try := range map[string]func() error{
		"older than row 0": func() error { _, err := New(unsorted, Options{}); return err },
		"join days":        func() error { _, err := Join(nil, unsorted[:1], unsorted[1:]); return err },
		"window -5ns":      func() error { _, err := New(nil, Options{Window: -5}); return err },
		"split 9":          func() error { _, err := New(nil, Options{Split: 9}); return err },
		"book size":        func() error { _, err := Sum(Options{BookSize: math.NaN()}); return err },
		"trading days":     func() error { _, err := New(nil, Options{TradingDaysPerYear: -1}); return err },
		"computes nothing": func() error { _, err := New(nil, Options{Metrics: []Metric{{Name: "x"}}}); return err },
		"no metric \"SSR\"": func() error {
			_, err := ByName("SR", "SSR")
			return err
		},
	} {
		if err := try(); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestMetricsByNameAndOwn(t *testing.T) {
	metrics, err := ByName("Turnover", "SR")
	if err != nil {
		t.Fatal(err)
	}
	metrics = append(metrics, metrics[1].Named("SR365").PerYear(365),
		Metric{Name: "samples", Compute: func(p Period) float64 { return float64(len(p.Samples)) }})
	s, err := New(handRows(), Options{Metrics: metrics, BookSize: 10})
	if err != nil {
		t.Fatal(err)
	}
	r := s.Whole()
	if value(t, r, "Turnover") != 41 || value(t, r, "samples") != 4 ||
		!near(value(t, r, "SR365"), value(t, r, "SR")*math.Sqrt(365.0/252)) {
		t.Errorf("row %+v", r)
	}
}

func TestJSON(t *testing.T) {
	r := Row{StartNs: 1, EndNs: 1e9, Figures: []Figure{{"a", 1.5}, {"b", Number(math.NaN())},
		{"c", Number(math.Inf(1))}, {"d", Number(math.Inf(-1))}}}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"start":"1970-01-01T00:00:00.000000001Z","end":"1970-01-01T00:00:01Z","start_ns":1,"end_ns":1000000000,"figures":[` +
		`{"name":"a","value":1.5},{"name":"b","value":null},{"name":"c","value":"Infinity"},{"name":"d","value":"-Infinity"}]}`
	if string(text) != want {
		t.Errorf("JSON %s\nwant %s", text, want)
	}
	var back Row
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(back); string(again) != want {
		t.Errorf("read back %s", again)
	}
	if err := json.Unmarshal([]byte(`{"figures":[{"value":"x"}]}`), &back); err == nil {
		t.Error("a figure that is a word was taken")
	}
}

func TestJoin(t *testing.T) {
	for _, asset := range []sim.AssetType{nil, sim.LinearAsset(3), sim.InverseAsset(100)} {
		random := rand.New(rand.NewPCG(1, 2))
		days := [][]backtest.Record{randomRows(random, 40, 0), nil, randomRows(random, 1, 5000*second),
			randomRows(random, 40, 6000*second)}
		rows, err := Join(asset, days...)
		if err != nil {
			t.Fatal(err)
		}
		var end float64
		var trades int64
		next := 0
		for _, day := range days {
			alone, err := New(day, Options{Asset: asset, Window: NoResampling})
			if err != nil {
				t.Fatal(err)
			}
			joined, err := New(rows[next:next+len(day)], Options{Asset: asset, Window: NoResampling})
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range joined.Samples() {
				if want := end + alone.Samples()[i].Equity(); math.Abs(s.Equity()-want) > 1e-6 {
					t.Fatalf("%v: equity %v, want %v", asset, s.Equity(), want)
				}
				if s.Position != day[i].Position || rows[next+i].NumTrades != trades+day[i].NumTrades {
					t.Fatalf("%v: row %+v of %+v", asset, rows[next+i], day[i])
				}
			}
			if next += len(day); len(day) > 0 {
				end, trades = joined.Samples()[len(day)-1].Equity(), rows[next-1].NumTrades
			}
		}
		if next != len(rows) {
			t.Errorf("%d rows of %d", len(rows), next)
		}
	}
}

func TestJoinValuesAtTheLastKnownPrice(t *testing.T) {
	rows, err := Join(nil, []backtest.Record{{Price: 10}, {TimestampNs: 1, Price: math.NaN(), Position: 2,
		Balance: -15}}, []backtest.Record{{TimestampNs: 2, Price: 11}})
	if err != nil || rows[2].Balance != 5 {
		t.Errorf("%+v, %v", rows, err)
	}
	rows, err = Join(nil, []backtest.Record{{Price: math.NaN(), Position: 2, Balance: -15}},
		[]backtest.Record{{TimestampNs: 2, Price: 11}})
	if err != nil || rows[1].Balance != -15 {
		t.Errorf("without a price: %+v, %v", rows, err)
	}
}

func TestSum(t *testing.T) {
	a := []backtest.Record{{Price: 10}, {TimestampNs: 10 * second, Price: 11, Position: 1, Balance: -10, NumTrades: 1},
		{TimestampNs: 30 * second, Price: 9, Position: 1, Balance: -10, NumTrades: 1}}
	b := []backtest.Record{{TimestampNs: 10 * second, Price: 5, Fee: 1},
		{TimestampNs: 20 * second, Price: 5, Position: -2, Balance: 12, Fee: 1, NumTrades: 2}}
	sa, err := New(a, Options{})
	if err != nil {
		t.Fatal(err)
	}
	sb, err := New(b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := Sum(Options{Metrics: All()}, sa, sb)
	if err != nil {
		t.Fatal(err)
	}
	var equity, exposure []float64
	for _, s := range sum.Samples() {
		equity, exposure = append(equity, s.Equity()), append(exposure, s.PositionValue)
	}
	if !slices.Equal(equity, []float64{0, 0, 2, 0}) || !slices.Equal(exposure, []float64{0, 11, 21, 19}) {
		t.Errorf("equity %v, exposure %v", equity, exposure)
	}
	if r := sum.Whole(); value(t, r, "NumberOfTrades") != 3 || value(t, r, "MaxDrawdown") != 2 ||
		value(t, r, "MaxPositionValue") != 21 {
		t.Errorf("%+v", r)
	}
	c := sum.Curves(100)
	if c.Price != nil || c.Position != nil || len(c.Drawdown) != 4 || c.Drawdown[3].Value != -2 {
		t.Errorf("curves %+v", c)
	}
	if empty, err := Sum(Options{}); err != nil || len(empty.Samples()) != 0 || len(empty.Rows()) != 1 {
		t.Errorf("sum of nothing %+v, %v", empty, err)
	}
}

func randomRows(random *rand.Rand, n int, startNs int64) []backtest.Record {
	rows := make([]backtest.Record, n)
	r := backtest.Record{TimestampNs: startNs, Price: 100}
	for i := range rows {
		r.TimestampNs += random.Int64N(7 * second)
		r.Price += float64(random.IntN(21)-10) / 10
		if k := random.IntN(5); k < 2 {
			qty := float64(1-2*k) * float64(1+random.IntN(4))
			r.Position += qty
			r.Balance -= qty * r.Price
			r.Fee += 0.01 * math.Abs(qty)
			r.NumTrades++
			r.TradingVolume += math.Abs(qty)
			r.TradingValue += math.Abs(qty) * r.Price
		}
		rows[i] = r
	}
	return rows
}
