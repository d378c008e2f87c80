package report

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// sweepView is the table of a sweep.
type sweepView struct {
	Params, Metrics []figureText
	Rows            []sweepRow
}

type sweepRow struct {
	Params  []sweepCell
	Metrics []sweepCell
	Run     string // id of the run's section, empty if there is none
	Name    string
	Failure string
}

type sweepCell struct{ Text, Sort, Sign string }

// sweepData is the map of a sweep: the values of each parameter in order, and for each point which of them it has.
type sweepData struct {
	Params  []string    `json:"params"`
	Values  [][]string  `json:"values"`
	Metrics []string    `json:"metrics"`
	Points  []sweepSpot `json:"points"`
}

type sweepSpot struct {
	At      []int  `json:"p"`
	Metrics floats `json:"m"`
	Run     string `json:"run,omitempty"`
}

// newSweepView sorts the points by the first metric, the best first and those without one last.
func newSweepView(r *Report) (*sweepView, *sweepData) {
	s := r.Sweep
	names := make([]string, len(s.Metrics))
	data := &sweepData{Params: append([]string{}, s.Params...), Values: sweepValues(s), Metrics: names,
		Points: []sweepSpot{}}
	view := &sweepView{}
	for _, name := range s.Params {
		view.Params = append(view.Params, figureText{Label: name, Name: name})
	}
	for i, name := range s.Metrics {
		view.Metrics = append(view.Metrics, figure(name, 0, &Run{}))
		names[i] = strings.TrimSpace(view.Metrics[i].Label + " " + view.Metrics[i].Unit)
	}
	sections := map[string]string{}
	for i := range r.Runs {
		sections[r.Runs[i].Name] = "run-" + strconv.Itoa(i+1)
	}
	points := slices.Clone(s.Points)
	slices.SortStableFunc(points, func(a, b SweepPoint) int { return descending(at(a.Metrics, 0), at(b.Metrics, 0)) })
	for _, p := range points {
		row := sweepRow{Name: p.Name, Failure: p.Failure, Run: sections[p.Run]}
		spot := sweepSpot{Run: row.Run}
		for i := range s.Params {
			text := paramOf(p, i)
			row.Params = append(row.Params, sweepCell{Text: text, Sort: text})
			spot.At = append(spot.At, slices.Index(data.Values[i], text))
		}
		for i, name := range s.Metrics {
			x := at(p.Metrics, i)
			f := figure(name, x, &Run{})
			row.Metrics = append(row.Metrics, sweepCell{f.Value, sortable(x), f.Sign})
			spot.Metrics = append(spot.Metrics, x*f.Scale)
		}
		view.Rows = append(view.Rows, row)
		data.Points = append(data.Points, spot)
	}
	return view, data
}

func at(values []float64, i int) float64 {
	if i < len(values) {
		return values[i]
	}
	return math.NaN()
}

func paramOf(p SweepPoint, i int) string {
	if i < len(p.Params) {
		return p.Params[i]
	}
	return ""
}

// descending puts NaN last.
func descending(a, b float64) int {
	switch {
	case a > b || !math.IsNaN(a) && math.IsNaN(b):
		return -1
	case a < b || math.IsNaN(a) && !math.IsNaN(b):
		return 1
	}
	return 0
}

// sweepValues returns the different values of each parameter, in numerical order if all are numbers, otherwise in the
// order they first appear.
func sweepValues(s *Sweep) [][]string {
	all := make([][]string, len(s.Params))
	for i := range s.Params {
		numbers := true
		for _, p := range s.Points {
			text := paramOf(p, i)
			if !slices.Contains(all[i], text) {
				all[i] = append(all[i], text)
				_, err := strconv.ParseFloat(text, 64)
				numbers = numbers && err == nil
			}
		}
		if numbers {
			slices.SortStableFunc(all[i], func(a, b string) int { return descending(parse(b), parse(a)) })
		}
	}
	return all
}

// parse returns NaN for what is no number.
func parse(text string) float64 {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return x
}
