package config

import (
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/hftrunner/hftrunner/internal/settings"
)

// decoder turns the merged settings into a File.
type decoder struct {
	*report
	kinds  Kinds
	schema *settings.Block
	layers *layers
	// partial: the file has syntax errors, so what seems to be missing may just be unreadable.
	partial bool
}

// decoded is implemented by what has something to do when its block has been read.
type decoded interface{ decoded(*decoder, *block) }

// into puts a block and all within it, but for what is left to later, into a pointer to its struct. What is wrong is reported and
// stays as it was.
func (d *decoder) into(b *block, to any) {
	values, places := d.values(b)
	for _, p := range b.typ.Decode(values, b.labels, to) {
		d.refuse(b, &p, places[p.Name])
	}
	for _, c := range b.blocks {
		again := c.typ.Single && b.child(c.typ.Name) != c // reported
		if !c.typ.Later && !c.typ.Free && !again {
			d.into(c, c.typ.Within(to))
		}
	}
	if x, ok := to.(decoded); ok {
		x.decoded(d, b)
	}
}

// values returns what the layers set in a block, and where each value was written.
func (d *decoder) values(b *block) (map[string]settings.Value, map[string]hcl.Range) {
	values, places := map[string]settings.Value{}, map[string]hcl.Range{}
	for _, name := range b.typ.SettingNames() {
		raw, override := d.layers.get(b, name)
		if raw == nil {
			continue
		}
		v, place := settings.Value{Go: raw}, b.rng
		if set := b.args[name]; override != "" {
			v.Text, place = true, hcl.Range{Filename: override}
		} else if set != nil {
			v.Text, v.Secret, place = set.Text, set.Secret, set.valueRng
		}
		values[name], places[name] = v, place
	}
	return values, places
}

// refuse tells what is wrong with a value that was written at place, or that is missing in the block.
func (d *decoder) refuse(b *block, p *settings.Problem, place hcl.Range) {
	set := b.args[p.Name]
	switch {
	case !p.Missing:
		d.errorf(place, p.Hint, "%s", p)
	case (set == nil || set.ok) && !d.partial:
		d.errorf(b.rng, p.Hint, "%s in this %s block", p, b.typ.Name)
	}
	if set != nil {
		set.wrong = true
	}
}

// file decodes the whole tree.
func (d *decoder) file(path string, root *block) *File {
	f := &File{Path: path, Connectors: []Connector{}, Strategies: []Strategy{}}
	for _, b := range root.blocks {
		switch b.typ.Name {
		case "runner":
			d.into(b, &f.Runner)
		case "connector":
			c := Connector{Kind: b.labels[0], Name: b.labels[1], Pos: position(b.rng), rng: b.rng}
			if c.Kind == KindPaper {
				d.into(b, &c)
			} else {
				d.live(b, &c)
			}
			d.limitsOf(b, &c)
			f.Connectors = append(f.Connectors, c)
		case "strategy":
			st := Strategy{Instruments: []Instrument{}}
			d.into(b, &st)
			f.Strategies = append(f.Strategies, st)
		}
	}
	for i := range f.Strategies {
		d.needSteps(f, &f.Strategies[i])
		if f.Strategies[i].Backtest != nil {
			d.inherit(f, &f.Strategies[i])
		}
	}
	return f
}

func (r *Runner) decoded(d *decoder, b *block) {
	if r.BackoffMin > 0 && r.BackoffMax > 0 && r.BackoffMin > r.BackoffMax {
		d.errorf(b.at("backoff_max"), "make it at least backoff_min", "backoff_max %v is below backoff_min %v", r.BackoffMax, r.BackoffMin)
	}
}

func (c *Connector) decoded(d *decoder, b *block) {
	if n := b.child("exchange").args["queue_n"]; n != nil && !isPowerQueue(c.Exchange.Queue) {
		d.warnf(n.nameRng, "remove it, or use power_prob, power_prob2 or power_prob3", "queue_n has no effect with queue %q", c.Exchange.Queue)
	}
	replay := b.child("replay")
	if replay == nil {
		return
	}
	if b.child("synthetic") != nil {
		d.errorf(replay.rng, "remove one of them", "connector %q has a replay block and a synthetic block; it has one feed", c.Name)
	}
	if speed := b.args["speed"]; speed != nil {
		d.errorf(speed.nameRng, "move it into the replay block", "the speed of a replay belongs in its block")
	}
	c.Speed, c.filesRng = c.Replay.Speed, replay.at("files")
}

func isPowerQueue(queue string) bool {
	return queue == "power_prob" || queue == "power_prob2" || queue == "power_prob3"
}

func (st *Strategy) decoded(d *decoder, b *block) {
	st.Pos, st.block, st.params = position(b.rng), b, b.child("params")
	st.Params = d.params(st.params)
	for name, set := range st.params.args {
		if set.Secret {
			st.SecretParams = append(st.SecretParams, name)
		}
	}
	slices.Sort(st.SecretParams)
	if len(st.Instruments) == 0 && !d.partial {
		d.errorf(b.rng, `add instrument "connector" "SYMBOL" { tick_size = ..., lot_size = ... }, one argument a line`,
			"strategy %q has no instrument block", st.Name)
	}
}

func (in *Instrument) decoded(d *decoder, b *block) {
	in.block = b
	low := b.args["roi_low"]
	switch {
	case in.Depth == DepthROI && (low == nil || !low.wrong) && in.ROIHigh <= in.ROILow:
		d.errorf(b.at("roi_high"), "set roi_low and roi_high, the price range of the book",
			"a roi book needs roi_low below roi_high; they are %v and %v", in.ROILow, in.ROIHigh)
	case in.Depth != DepthROI && in.Depth != "" && (low != nil || b.args["roi_high"] != nil):
		d.warnf(b.rng, `remove them, or write depth = "roi"`, "roi_low and roi_high have no effect with depth %q", in.Depth)
	}
}

func position(rng hcl.Range) Position {
	return Position{File: rng.Filename, Line: rng.Start.Line, Column: rng.Start.Column}
}
