package sim_test

import (
	"bytes"
	"encoding/csv"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/sim"
)

// vectors reads a file of unit vectors that the reference engine wrote.
func vectors(t *testing.T, name string) [][]string {
	t.Helper()
	reader := csv.NewReader(bytes.NewReader(datatest.Golden(t, "vectors/"+name)))
	reader.FieldsPerRecord = -1
	rows, err := reader.ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return rows
}

func parse(t *testing.T, s string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// near compares within 1e-9 relative, and takes the last bits of a difference near 0 for 0: the reference's power and
// logarithm differ from Go's in the last bits.
func near(a, b float64) bool {
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.IsNaN(a) && math.IsNaN(b)
	}
	return a == b || math.Abs(a-b) <= max(1e-15, 1e-9*max(math.Abs(a), math.Abs(b)))
}

func TestProbabilitiesEqualReference(t *testing.T) {
	rows := vectors(t, "prob.csv")
	functions := []sim.Probability{sim.PowerProbability(0.7), sim.PowerProbability(3), sim.PowerProbability2(3),
		sim.PowerProbability3(3), sim.LogProbability, sim.LogProbability2}
	if want := "front,back,pow0.7,pow3,pow2_3,pow3_3,log,log2"; strings.Join(rows[0], ",") != want || len(rows) != 82 {
		t.Fatalf("%d rows of %v, want 82 of %s", len(rows), rows[0], want)
	}
	for _, row := range rows[1:] {
		front, back := parse(t, row[0]), parse(t, row[1])
		for i, f := range functions {
			if got, want := f(front, back), parse(t, row[i+2]); !near(got, want) {
				t.Errorf("%s(%v, %v) = %v, want %v", rows[0][i+2], front, back, got, want)
			}
		}
	}
}

func TestQueueModelsEqualReference(t *testing.T) {
	models := map[string]sim.QueueModel{"risk": sim.RiskAdverseQueue(),
		"pow0.7": sim.ProbabilityQueue(sim.PowerProbability(0.7)),
		"pow3":   sim.ProbabilityQueue(sim.PowerProbability(3)), "pow2_3": sim.ProbabilityQueue(sim.PowerProbability2(3)),
		"pow3_3": sim.ProbabilityQueue(sim.PowerProbability3(3)), "log": sim.ProbabilityQueue(sim.LogProbability),
		"log2": sim.ProbabilityQueue(sim.LogProbability2)}
	rows := vectors(t, "queue.csv")
	if len(rows) != 8401 {
		t.Fatalf("%d rows, want 8401", len(rows))
	}
	const lotSize = 0.001
	var p sim.QueuePosition
	// Each operation starts from the trace's own position: a front of 0 or of the last bit below 0 are worlds apart for
	// a power that is no whole number.
	check := func(line int, row []string) {
		front, cum := parse(t, row[7]), 0.0
		if row[8] != "" {
			cum = parse(t, row[8])
		}
		if !near(p.FrontQty, front) || !near(p.CumTradeQty, cum) {
			t.Errorf("line %d: %v: front %v, traded %v", line+2, row, p.FrontQty, p.CumTradeQty)
		}
		p = sim.QueuePosition{FrontQty: front, CumTradeQty: cum}
	}
	for line, row := range rows[1:] {
		model, ok := models[row[0]]
		if !ok {
			t.Fatalf("line %d: no model %q", line+2, row[0])
		}
		switch row[3] {
		case "new":
			model.Join(&p, parse(t, row[4]))
			check(line, row)
		case "trade":
			model.Trade(&p, parse(t, row[4]))
			check(line, row) // the trace has the position before the filled quantity is taken
			if got := model.TakeFilled(&p, lotSize); row[6] != "" && got != parse(t, row[6]) {
				t.Errorf("line %d: filled %v, want %s", line+2, got, row[6])
			}
		case "depth":
			model.Depth(&p, parse(t, row[4]), parse(t, row[5]))
			check(line, row)
		default:
			t.Fatalf("line %d: no operation %q", line+2, row[3])
		}
	}
}

func TestAssetsEqualReference(t *testing.T) {
	rows := vectors(t, "asset_fee.csv")
	got := map[string]float64{
		"lin amount 100.5*3":                  sim.LinearAsset(1).Amount(100.5, 3),
		"lin equity(100,-50,2,0.1)":           sim.LinearAsset(1).Equity(100, -50, 2, 0.1),
		"inv amount(50000 12)":                sim.InverseAsset(100).Amount(50000, 12),
		"inv equity(50000 -0.024 12 0.00001)": sim.InverseAsset(100).Equity(50000, -0.024, 12, 0.00001),
	}
	if len(rows) != 5 {
		t.Fatalf("%d rows, want 5", len(rows))
	}
	for _, row := range rows[1:] {
		name, want := strings.Join(row[:len(row)-1], ","), parse(t, row[len(row)-1])
		if value, ok := got[name]; !ok || !near(value, want) {
			t.Errorf("%s = %v (known %v), want %v", name, value, ok, want)
		}
	}
}
