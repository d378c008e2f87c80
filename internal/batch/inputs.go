package batch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/hftrunner/hftrunner/backtest"
)

// Inputs is all that a job's result depends on. Two equal ones give the same result.
type Inputs struct {
	PluginSHA256 string `json:"plugin_sha256"`
	// ParamsSHA256 stands for the parameters, which may hold secrets.
	ParamsSHA256 string        `json:"params_sha256"`
	Spec         backtest.Spec `json:"spec"`
	Recordings   []Recording   `json:"recordings"`
	Files        []File        `json:"files"`
	// BeforeSHA256 stands for the recordings that those of each asset follow on, empty for none.
	BeforeSHA256 []string  `json:"before_sha256,omitempty"`
	DataCheck    DataCheck `json:"data_check"`
}

// File is a data file as it was found.
type File struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
	// ModifiedNs is the file's time, in nanoseconds since 1970.
	ModifiedNs int64 `json:"modified_ns"`
}

// statFile looks at a file.
func statFile(path string) (File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return File{}, fmt.Errorf("data file: %w", err)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return File{}, fmt.Errorf("data file %s: %w", path, err)
	}
	return File{Path: absolute, Size: info.Size(), ModifiedNs: info.ModTime().UnixNano()}, nil
}

// inputs looks at everything that a job is made of.
func (j *Job) inputs() (Inputs, error) {
	sum := sha256.Sum256(j.Params)
	in := Inputs{PluginSHA256: j.Plugin.SHA256, ParamsSHA256: hex.EncodeToString(sum[:]), Spec: j.Spec, Recordings: j.Recordings,
		DataCheck: j.DataCheck}
	var err error
	if in.Files, err = j.Files(); err != nil {
		return in, err
	}
	in.BeforeSHA256, err = j.beforeSums()
	return in, err
}

// beforeSums returns Inputs.BeforeSHA256.
func (j *Job) beforeSums() ([]string, error) {
	var sums []string
	for i := range j.Before {
		if i >= len(j.Recordings) || j.Recordings[i].Format == "" || len(j.before(i, 0)) == 0 ||
			eventFile(j.Spec.Assets[i].Files[0]) {
			continue
		}
		sum := sha256.New()
		for _, path := range j.before(i, 0) {
			f, err := statFile(path)
			if err != nil {
				return nil, err
			}
			fmt.Fprintln(sum, f.Path, f.Size, f.ModifiedNs)
		}
		sums = append(sums, hex.EncodeToString(sum.Sum(nil)))
	}
	return sums, nil
}

// Files looks at all files that the job reads, as they are now.
func (j *Job) Files() ([]File, error) {
	var files []File
	for _, path := range specFiles(&j.Spec) {
		f, err := statFile(*path)
		if err != nil {
			return files, err
		}
		files = append(files, f)
	}
	return files, nil
}

// specFiles are the files of a spec, each once for every place where it is named.
func specFiles(spec *backtest.Spec) []*string {
	var list []*string
	add := func(paths []string) {
		for i := range paths {
			list = append(list, &paths[i])
		}
	}
	for i := range spec.Assets {
		a := &spec.Assets[i]
		add(a.Files)
		if a.Snapshot != "" {
			list = append(list, &a.Snapshot)
		}
		add(a.Exchange.Latency.Files)
		for _, l := range []*backtest.LatencySpec{a.Exchange.ModifyLatency, a.Exchange.CancelLatency} {
			if l != nil {
				add(l.Files)
			}
		}
	}
	return list
}

// changes says in words what differs between a finished job's inputs and those of now; nothing when it need not be run
// again.
func changes(before, now *Inputs) []string {
	var list []string
	if before.PluginSHA256 != now.PluginSHA256 {
		list = append(list, "the plugin")
	}
	if before.ParamsSHA256 != now.ParamsSHA256 {
		list = append(list, "the parameters")
	}
	if !sameJSON(before.Spec, now.Spec) || !slices.Equal(before.Recordings, now.Recordings) {
		list = append(list, "the backtest block or its instruments")
	}
	if before.DataCheck != now.DataCheck {
		list = append(list, "how its data is looked over (data_check)")
	}
	if !slices.Equal(before.BeforeSHA256, now.BeforeSHA256) {
		list = append(list, "the recordings before its own, from which the book goes on")
	}
	for _, f := range now.Files {
		if !slices.Contains(before.Files, f) {
			list = append(list, f.Path)
		}
	}
	return slices.Compact(list)
}

func sameJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// cloneSpec returns a copy whose files can be changed.
func cloneSpec(spec *backtest.Spec) backtest.Spec {
	out := *spec
	out.Assets = slices.Clone(spec.Assets)
	for i := range out.Assets {
		a := &out.Assets[i]
		a.Files = slices.Clone(a.Files)
		x := &a.Exchange
		x.Latency.Files = slices.Clone(x.Latency.Files)
		for _, l := range []**backtest.LatencySpec{&x.ModifyLatency, &x.CancelLatency} {
			if *l != nil {
				c := **l
				c.Files = slices.Clone(c.Files)
				*l = &c
			}
		}
	}
	return out
}
