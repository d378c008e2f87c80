// Command fills checks the summary of a run: it fails unless every strategy made fills, lost nothing and had books.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
)

// summary is the part of a run's summary that is checked.
type summary struct {
	Exit       string `json:"exit"`
	Strategies []struct {
		Name        string `json:"name"`
		Events      uint64 `json:"events"`
		LostEvents  uint64 `json:"lost_events"`
		Fills       uint64 `json:"fills"`
		Instruments []struct {
			Symbol  string  `json:"symbol"`
			BestBid float64 `json:"best_bid"`
			BestAsk float64 `json:"best_ask"`
		} `json:"instruments"`
	} `json:"strategies"`
}

func main() {
	exit := flag.String("exit", "duration", "how the run has to have ended")
	flag.Parse()
	if err := check(flag.Arg(0), *exit); err != nil {
		fmt.Fprintln(os.Stderr, "summary:", err)
		os.Exit(1)
	}
}

func check(path, exit string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var s summary
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if s.Exit != exit {
		return fmt.Errorf("the run ended with %q, want %q", s.Exit, exit)
	}
	if len(s.Strategies) == 0 {
		return fmt.Errorf("no strategy ran")
	}
	for _, st := range s.Strategies {
		fmt.Printf("%s: %d events, %d lost, %d fills\n", st.Name, st.Events, st.LostEvents, st.Fills)
		if st.Events == 0 || st.Fills == 0 || st.LostEvents != 0 {
			return fmt.Errorf("strategy %s: %d events, %d lost, %d fills", st.Name, st.Events, st.LostEvents, st.Fills)
		}
		for _, i := range st.Instruments {
			if !(i.BestBid > 0 && i.BestAsk > i.BestBid) {
				return fmt.Errorf("strategy %s: book of %s ended at %v / %v", st.Name, i.Symbol, i.BestBid, i.BestAsk)
			}
		}
	}
	return nil
}
