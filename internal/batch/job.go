package batch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/hftrunner/hftrunner/backtest"
)

// Job is one backtest.
type Job struct {
	// Strategy is the name of the strategy block, Part that of the part of the data (a day), empty when there is one.
	Strategy string
	Part     string
	// Set are the parameters that this job has of a sweep, in the order of the sweep.
	Set []Setting
	// Plugin is the strategy's binary.
	Plugin Plugin
	// Params are all parameters as a JSON object; ShownParams the same without secrets.
	Params, ShownParams json.RawMessage
	// Spec is the simulation, with the files as the configuration names them: they may be recordings.
	Spec backtest.Spec
	// Recordings say how recorded files of each asset are converted.
	Recordings []Recording
	// Before are the files of each asset that are before those of the job: where both are recordings, the book goes
	// on from one to the other. Nil for none.
	Before [][]string
	// DataCheck is the action on findings about the data.
	DataCheck DataCheck
	// Figures configures the statistics.
	Figures Figures
}

// Setting is a parameter's value as it was written.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Plugin is a strategy's binary.
type Plugin struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
	// Path is its path.
	Path string `json:"path"`
}

// Recording configures the conversion of recorded files.
type Recording struct {
	// Format is that of the messages, empty when the files hold events.
	Format string `json:"format,omitempty"`
	// Symbol is that of the messages, empty for that of the asset.
	Symbol      string        `json:"symbol,omitempty"`
	BookTicker  bool          `json:"book_ticker,omitempty"`
	BaseLatency time.Duration `json:"base_latency_ns,omitempty"`
}

// DataCheck is the action on findings about the data.
type DataCheck string

// Kinds of DataCheck: a warning, the failure of the job, and no look at the data.
const (
	CheckWarn DataCheck = "warn"
	CheckFail DataCheck = "fail"
	CheckOff  DataCheck = "off"
)

// Figures configures the statistics.
type Figures struct {
	// BookSize is 0 for none.
	BookSize    float64 `json:"book_size"`
	TradingDays float64 `json:"trading_days"`
	// Window is the sampling interval, 0 for none.
	Window time.Duration `json:"window_ns"`
}

// Name is the displayed name of the job: strategy, set and part.
func (j *Job) Name() string {
	name := j.Strategy
	if set := j.SetName(); set != "" {
		name += " " + set
	}
	if j.Part != "" {
		name += " " + j.Part
	}
	return name
}

// SetName is the set as name=value, with commas between; empty without a sweep.
func (j *Job) SetName() string {
	parts := make([]string, len(j.Set))
	for i, s := range j.Set {
		parts[i] = s.Name + "=" + s.Value
	}
	return strings.Join(parts, ",")
}

// Folder is the directory of the job's files within the run directory.
func (j *Job) Folder() string {
	return filepath.Join(fileName(j.Strategy), fileName(j.SetName()), fileName(j.Part))
}

// maxFileNameBytes leaves room for endings.
const maxFileNameBytes = 120

// fileName makes a file name of any text. Texts that are changed get a hash, so that different ones stay different.
func fileName(text string) string {
	clean := strings.Map(func(c rune) rune {
		if strings.ContainsRune("._-+=,", c) || c < unicode.MaxASCII && (unicode.IsLetter(c) || unicode.IsDigit(c)) {
			return c
		}
		return '_'
	}, text)
	if len(clean) > maxFileNameBytes {
		clean = clean[:maxFileNameBytes]
	}
	if clean == text && !strings.HasPrefix(text, ".") {
		return clean
	}
	sum := sha256.Sum256([]byte(text))
	return strings.TrimLeft(clean, ".") + "-" + hex.EncodeToString(sum[:4])
}

// before are the recordings that the n-th file of an asset follows on.
func (j *Job) before(asset, n int) []string {
	// Within a job they are one file with it, or there is an event file between them.
	if n > 0 || asset >= len(j.Before) || j.Spec.Assets[asset].Snapshot != "" { // which begins a feed of its own
		return nil
	}
	files := j.Before[asset]
	begin := len(files)
	for begin > 0 && !eventFile(files[begin-1]) {
		begin--
	}
	return files[begin:]
}

// Symbols are those of the job's assets.
func (j *Job) Symbols() []string {
	symbols := make([]string, len(j.Spec.Assets))
	for i := range j.Spec.Assets {
		symbols[i] = j.Spec.Assets[i].Symbol
	}
	return symbols
}

// Period is the period of backtest.Spec in readable form; empty where it is open.
func period(ns int64) string {
	if ns == 0 {
		return ""
	}
	return time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
}

// PartNames names the parts of the data by the files that begin them: by the date in their names if all have one and
// no two the same, otherwise by the names. One part has no name.
func PartNames(files []string) []string {
	names := make([]string, len(files))
	if len(files) < 2 {
		return names
	}
	for _, name := range []func(string) string{dateIn, baseName} {
		seen := map[string]bool{"": true}
		for i, f := range files {
			names[i] = name(f)
			if seen[names[i]] {
				names[i] = ""
				break
			}
			seen[names[i]] = true
		}
		if len(seen) == len(files)+1 {
			return names
		}
	}
	for i, f := range files {
		names[i] = fmt.Sprintf("%d-%s", i+1, baseName(f))
	}
	return names
}

// dateIn finds a date such as 20240808 or 2024-08-08 in a file's name; empty when there is none.
func dateIn(path string) string {
	name := filepath.Base(path)
	for begin := range name {
		if begin > 0 && unicode.IsDigit(rune(name[begin-1])) {
			continue
		}
		for _, layout := range []string{time.DateOnly, "20060102"} {
			end := begin + len(layout)
			if end > len(name) || end < len(name) && unicode.IsDigit(rune(name[end])) {
				continue
			}
			if t, err := time.Parse(layout, name[begin:end]); err == nil {
				return t.Format(time.DateOnly)
			}
		}
	}
	return ""
}

// baseName is a file's name without its endings.
func baseName(path string) string {
	name := filepath.Base(path)
	if at := strings.IndexByte(name, '.'); at > 0 {
		return name[:at]
	}
	return name
}
