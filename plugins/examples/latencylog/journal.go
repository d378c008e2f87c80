package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// journalLine is one answered request in the journal, in the bot's time. `runner convert latency --from-journal` makes
// the latency model of a backtest of it, which reads the three times only.
type journalLine struct {
	ReqTimestampNs int64 `json:"req_ts"`
	// ExchTimestampNs is 0 for a request that was refused on its way: no exchange has said when.
	ExchTimestampNs int64 `json:"exch_ts"`
	RespTimestampNs int64 `json:"resp_ts"`
	// Asset is the number of the instrument, Request is new or cancel.
	Asset   int    `json:"asset"`
	Request string `json:"request"`
}

// journal is a file of lines of JSON that grows from run to run. A nil one takes nothing.
type journal struct{ file *os.File }

func openJournal(path string) (*journal, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the journal, set the parameter journal to another file: %w", err)
	}
	return &journal{file}, nil
}

// add appends a line. It is written at once and in one piece: the process may be killed, and strategies side by side
// may share the file.
func (j *journal) add(line journalLine) error {
	if j == nil {
		return nil
	}
	text, err := json.Marshal(line)
	if err == nil {
		_, err = j.file.Write(append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

func (j *journal) close() error {
	if j == nil {
		return nil
	}
	if err := j.file.Close(); err != nil {
		return fmt.Errorf("close the journal: %w", err)
	}
	return nil
}
