package history

import (
	"github.com/hftrunner/hftrunner/internal/journal"
	"github.com/hftrunner/hftrunner/internal/rowfile"
)

// Names map ids to what the numbers of strategies and instruments stand for in a journal.
type Names struct {
	strategies  map[uint64]string
	instruments map[uint32][2]string
}

// LoadNames returns the names that a journal has by now.
func LoadNames(dir string) (*Names, error) {
	n := &Names{make(map[uint64]string), make(map[uint32][2]string)}
	state, _, err := journal.Load(dir)
	if err != nil {
		return nil, err
	}
	for bot, s := range state.Strategies {
		n.strategies[bot] = s.Name
	}
	for number, i := range state.Instruments {
		n.instruments[number] = [2]string{i.Connector, i.Symbol}
	}
	return n, nil
}

// Learn takes the names that a record gives.
func (n *Names) Learn(r *journal.Record) {
	switch r.Kind {
	case journal.KindInstrument:
		n.instruments[r.Instrument] = [2]string{r.Text(0), r.Text(1)}
	case journal.KindStarted, journal.KindReplaced, journal.KindStopped, journal.KindFailed:
		if name := r.Text(0); name != "" {
			n.strategies[r.Bot] = name
		}
	}
}

// Strategy returns the name of a bot, empty where it has none.
func (n *Names) Strategy(bot uint64) string { return n.strategies[bot] }

// Instrument returns connector and symbol of an instrument's number, empty where it has none.
func (n *Names) Instrument(number uint32) (connector, symbol string) {
	i := n.instruments[number]
	return i[0], i[1]
}

// Strategies returns the names of all strategies.
func (n *Names) Strategies() []string {
	seen := make(map[string]bool)
	var names []string
	for _, name := range n.strategies {
		if name != "" && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

// Head returns what each record says before its Fields.
func (n *Names) Head(r *journal.Record) []Field {
	f := &fields{r: r}
	f.add("sequence", rowfile.ID, r.Sequence)
	f.add("time", rowfile.Time, r.TimeNs)
	f.text("kind", r.Kind.String())
	connector, symbol := n.Instrument(r.Instrument)
	f.text("strategy", n.Strategy(r.Bot))
	f.add("bot", rowfile.ID, r.Bot)
	f.whole("incarnation", int64(r.Incarnation))
	f.text("connector", connector)
	f.text("symbol", symbol)
	return f.all
}
