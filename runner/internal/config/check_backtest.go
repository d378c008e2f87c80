package config

import (
	"slices"
	"strings"

	"github.com/hftrunner/hftrunner/internal/settings"
)

// backtests checks what a backtest block needs from outside of it: files that are there, as many of each instrument.
func (c *checker) backtests() {
	for i := range c.file.Strategies {
		t := c.file.Strategies[i].Backtest
		if t == nil {
			continue
		}
		for n := range t.Data {
			c.data(t, &t.Data[n])
		}
		c.counts(t)
	}
}

// data checks the files of one data block, with the names that stand for several replaced.
func (c *checker) data(t *Backtest, x *Data) {
	if len(x.Asset.Files) == 0 && x.block.args["files"] != nil && x.block.args["files"].ok {
		c.errorf(x.fileRange("files"), "write "+settings.Paths.Wants(), "there is no file of %s", x.Label)
	}
	x.Asset.Files = c.expand(x, x.Asset.Files)
	for _, path := range x.Asset.Files {
		c.fileExists(x.fileRange("files"), path, x.Label)
	}
	c.recordedFormat(x)
	for _, path := range x.Snapshots {
		c.eventFileExists(x, x.block, "snapshot", path)
	}
	c.latencyFiles(x)
	if len(x.Snapshots) > 0 && !fitSnapshots(t.Split, len(x.Snapshots), len(x.Asset.Files)) {
		c.errorf(x.fileRange("snapshot"), `list one snapshot per file, or with split = "none" one for all`,
			"%s has %d snapshots for %d files", x.Label, len(x.Snapshots), len(x.Asset.Files))
	}
}

// recordedFormat: recorded messages need a format, and what is said of them has no effect on event files.
func (c *checker) recordedFormat(x *Data) {
	recorded := slices.ContainsFunc(x.Asset.Files, func(p string) bool { return !EventFile(p) })
	switch b := x.block; {
	case recorded && x.Format == "":
		c.errorf(b.rng, "add format = ... (one of "+strings.Join(c.options.Kinds.Recorded(), ", ")+")",
			"the recorded files of %s need a format", x.Label)
	case !recorded && len(x.Asset.Files) > 0:
		for _, name := range []string{"format", "recorded_symbol", "base_latency", "book_ticker"} {
			if a := b.args[name]; a != nil {
				c.warnf(a.nameRng, "remove it", "%s has no effect on event files", name)
			}
		}
	}
}

// latencyFiles looks for the files of recorded latencies.
func (c *checker) latencyFiles(x *Data) {
	exchange := x.block.child("exchange")
	for _, path := range x.Asset.Exchange.Latency.Files {
		c.eventFileExists(x, exchange, "latency_files", path)
	}
	for _, b := range exchange.blocks {
		l := x.Asset.Exchange.ModifyLatency
		if b.typ.Name == "cancel_latency" {
			l = x.Asset.Exchange.CancelLatency
		}
		for _, path := range l.Files {
			c.eventFileExists(x, b, "latency_files", path)
		}
	}
}

// fitSnapshots reports whether there are as many snapshots as a split into jobs needs.
func fitSnapshots(split string, snapshots, files int) bool {
	switch split {
	case SplitFile:
		return snapshots == max(1, files)
	case SplitNone:
		return snapshots <= 1
	}
	return true
}

// eventFileExists checks a file that is never converted.
func (c *checker) eventFileExists(x *Data, b *block, name, path string) {
	if !EventFile(path) {
		c.errorf(b.at(name), "'runner convert' makes one", "%s %q of %s is not a .npz or .npy file", name, path, x.Label)
		return
	}
	c.fileExists(b.at(name), path, x.Label)
}

// expand replaces names with * ? or [ by the files that are like it, sorted by name.
func (c *checker) expand(x *Data, paths []string) []string {
	if c.options.Glob == nil {
		return paths
	}
	out := make([]string, 0, len(paths))
	for _, path := range paths {
		if !strings.ContainsAny(path, "*?[") {
			out = append(out, path)
			continue
		}
		found, err := c.options.Glob(path)
		switch {
		case err != nil:
			c.errorf(x.fileRange("files"), "a [ begins a set of characters and needs its ]", "%q is not a valid file name pattern", path)
		case len(found) == 0:
			c.errorf(x.fileRange("files"), absentAdvice, "no file matches %q", path)
		}
		slices.Sort(found)
		out = append(out, found...)
	}
	return out
}

// counts: runs that are split by files need the same number of each instrument.
func (c *checker) counts(t *Backtest) {
	if t.Split != SplitFile || len(t.Data) == 0 {
		return
	}
	first := &t.Data[0]
	for i := range t.Data[1:] {
		x := &t.Data[i+1]
		if n, m := len(first.Asset.Files), len(x.Asset.Files); n != m && n > 0 && m > 0 {
			c.errorf(x.fileRange("files"), `list as many of each, or write split = "none" to run them as one`,
				"%s has %d files here and %s %d on line %d, and each is a separate run", x.Label, m, first.Label, n, first.block.at("files").Start.Line)
		}
	}
}
