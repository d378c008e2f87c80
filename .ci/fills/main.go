// Command fills checks the summary of a run: it fails unless every strategy made fills, lost nothing and had books. With
// -backtest it checks that of a backtest: every run finished with fills, and both sides' accounts agree.
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
	live := flag.Bool("live", false, "books may be gone at the end, as they are when a live connector ends")
	backtest := flag.Bool("backtest", false, "the summary is a backtest's")
	flag.Parse()
	if *backtest {
		if err := checkBacktest(flag.Arg(0)); err != nil {
			fmt.Fprintln(os.Stderr, "summary:", err)
			os.Exit(1)
		}
		return
	}
	if err := check(flag.Arg(0), *exit, !*live); err != nil {
		fmt.Fprintln(os.Stderr, "summary:", err)
		os.Exit(1)
	}
}

func check(path, exit string, books bool) error {
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
			if books && !(i.BestBid > 0 && i.BestAsk > i.BestBid) {
				return fmt.Errorf("strategy %s: book of %s ended at %v / %v", st.Name, i.Symbol, i.BestBid, i.BestAsk)
			}
		}
	}
	return nil
}

// results is the part of a backtest's summary that is checked.
type results struct {
	Jobs struct {
		Total    int `json:"total"`
		Finished int `json:"finished"`
	} `json:"jobs"`
	Results []struct {
		Strategy string `json:"strategy"`
		Counts   struct {
			Fills int64 `json:"fills"`
		} `json:"counts"`
		Jobs []struct {
			Result struct {
				End    string `json:"end"`
				Assets []struct {
					Symbol          string
					Local, Exchange account
				} `json:"assets"`
			} `json:"result"`
		} `json:"jobs"`
	} `json:"results"`
}

type account struct {
	NumTrades int64   `json:"num_trades"`
	Position  float64 `json:"position"`
}

func checkBacktest(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var r results
	if err := json.Unmarshal(b, &r); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if r.Jobs.Total == 0 || r.Jobs.Finished != r.Jobs.Total {
		return fmt.Errorf("%d of %d runs finished", r.Jobs.Finished, r.Jobs.Total)
	}
	for _, s := range r.Results {
		fmt.Printf("%s: %d fills\n", s.Strategy, s.Counts.Fills)
		if s.Counts.Fills == 0 {
			return fmt.Errorf("strategy %s made no fills", s.Strategy)
		}
		for _, j := range s.Jobs {
			if j.Result.End != "end_of_data" {
				return fmt.Errorf("strategy %s ended with %q", s.Strategy, j.Result.End)
			}
			for _, a := range j.Result.Assets {
				if a.Local.NumTrades == 0 || a.Local.NumTrades < a.Exchange.NumTrades-5 {
					return fmt.Errorf("strategy %s on %s: the bot's account is %+v, the exchange's %+v", s.Strategy, a.Symbol, a.Local, a.Exchange)
				}
			}
		}
	}
	return nil
}
