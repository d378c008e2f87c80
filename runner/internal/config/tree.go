package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/hftrunner/hftrunner/internal/settings"
)

// block is one block of the file with its arguments evaluated.
type block struct {
	typ *settings.Block
	// labels and labelRngs are as in the file.
	labels    []string
	labelRngs []hcl.Range
	// rng is the block's head, which is what messages about the whole block point at.
	rng hcl.Range
	// path is where its arguments are in koanf.
	path []string
	args map[string]*setting
	// blocks are its blocks in the order of the file.
	blocks []*block
	// implied blocks are not in the file.
	implied bool
}

// setting is one argument in the file.
type setting struct {
	settings.Value
	nameRng, valueRng hcl.Range
	// ok is false when the expression could not be evaluated, wrong says that the value is not what is wanted; that has been
	// reported.
	ok, wrong bool
}

// child returns the one block of that type, or nil.
func (b *block) child(name string) *block {
	for _, c := range b.blocks {
		if c.typ.Name == name {
			return c
		}
	}
	return nil
}

// at returns where an argument's value is, or the block's head when it is not in the file.
func (b *block) at(name string) hcl.Range {
	if s := b.args[name]; s != nil {
		return s.valueRng
	}
	return b.rng
}

// reader walks the file.
type reader struct {
	*report
	ctx *hcl.EvalContext
	// only, when not empty, is the one type of top-level block that is of interest.
	only string
}

// read returns the block of a body with everything in it, and reports what the table does not know.
func (r *reader) read(b *block, body *hclsyntax.Body) {
	b.args = map[string]*setting{}
	if r.only == "" || b.typ.Name != "" {
		r.readSettings(b, body)
	}
	for _, c := range body.Blocks {
		if r.only == "" || c.Type == r.only {
			r.readBlock(b, c)
		}
	}
	for _, t := range b.typ.Blocks {
		if t.Implied && b.child(t.Name) == nil {
			r.imply(b, t)
		}
	}
	if t := b.typ.Block("synthetic"); t != nil && b.child("synthetic") == nil && b.child("replay") == nil {
		r.imply(b, t)
	}
}

// readSettings reads the arguments of a block in the order of the file, in which errors are reported.
func (r *reader) readSettings(b *block, body *hclsyntax.Body) {
	attributes := make([]*hclsyntax.Attribute, 0, len(body.Attributes))
	for _, a := range body.Attributes {
		attributes = append(attributes, a)
	}
	slices.SortFunc(attributes, func(x, y *hclsyntax.Attribute) int {
		return cmp.Compare(x.NameRange.Start.Byte, y.NameRange.Start.Byte)
	})
	for _, a := range attributes {
		if !b.typ.Free && b.typ.Setting(a.Name) == nil {
			r.unknown(b.typ, a.Name, a.NameRange, "argument", b.typ.SettingNames(), b.typ.BlockNames())
			continue
		}
		s := &setting{nameRng: a.NameRange, valueRng: a.Expr.Range()}
		s.Value, s.ok = r.evaluate(a.Expr, r.ctx)
		s.Secret = s.Secret || slices.Contains(secretNames(), a.Name)
		b.args[a.Name] = s
	}
}

// imply adds a block that has only defaults.
func (r *reader) imply(parent *block, t *settings.Block) {
	parent.blocks = append(parent.blocks, &block{typ: t, rng: parent.rng, args: map[string]*setting{},
		path: slices.Concat(parent.path, []string{t.Name}), implied: true})
}

func (r *reader) readBlock(parent *block, c *hclsyntax.Block) {
	if parent.typ.Free {
		r.errorf(c.DefRange(), "write it as an argument: "+c.Type+" = { ... }", "parameters cannot be blocks")
		return
	}
	t := parent.typ.Block(c.Type)
	if t == nil {
		r.unknown(parent.typ, c.Type, c.TypeRange, "block", parent.typ.BlockNames(), parent.typ.SettingNames())
		return
	}
	b := &block{typ: t, labels: c.Labels, labelRngs: c.LabelRanges, rng: c.DefRange()}
	if !r.checkLabels(b) {
		return
	}
	if len(t.Kinds) > 0 {
		b.typ = t.OfKind(b.labels[0])
	}
	b.path = slices.Concat(parent.path, []string{t.Name})
	switch t.Name {
	case "connector", "strategy":
		b.path = append(b.path, b.labels[len(b.labels)-1])
	case "instrument", "data":
		b.path = append(b.path, strings.Join(b.labels, "/"))
	}
	if first := r.twin(parent, b); first != nil {
		r.duplicate(b, first)
		b.path[len(b.path)-1] += fmt.Sprintf("#%d", len(parent.blocks)) // checked on its own all the same
	}
	parent.blocks = append(parent.blocks, b)
	r.read(b, c.Body)
}

// twin returns an earlier block with the same path.
func (r *reader) twin(parent, b *block) *block {
	for _, other := range parent.blocks {
		if slices.Equal(other.path, b.path) {
			return other
		}
	}
	return nil
}

func (r *reader) duplicate(b, first *block) {
	at, where := b.rng, fmt.Sprintf("line %d", first.rng.Start.Line)
	switch {
	case b.typ.Single:
		r.errorf(at, "merge the two", "second %s block; the first is on %s", b.typ.Name, where)
	case b.typ.Name == "instrument":
		r.errorf(at, "remove one of them", "instrument %q of connector %q is already on %s", b.labels[1], b.labels[0], where)
	default:
		r.errorf(b.labelRngs[len(b.labelRngs)-1], "names must be unique",
			"%s %q is already on %s", b.typ.Name, b.labels[len(b.labels)-1], where)
	}
}

// checkLabels reports missing, surplus and bad labels. false means that the block cannot be read.
func (r *reader) checkLabels(b *block) bool {
	head := b.typ.Name
	for _, l := range b.typ.Labels {
		head += fmt.Sprintf(" %q", l.Name)
	}
	if len(b.labels) != len(b.typ.Labels) {
		what := "is missing a label"
		if len(b.labels) > len(b.typ.Labels) {
			what = "has a label too many"
		}
		r.errorf(b.rng, "write it as "+head+" { ... }", "%s block %s: it has %d, not %d", b.typ.Name, what, len(b.labels), len(b.typ.Labels))
		return false
	}
	ok := true
	for i, l := range b.typ.Labels {
		text := b.labels[i]
		switch {
		case len(l.Choices) > 0 && !slices.Contains(l.Choices, text):
			r.errorf(b.labelRngs[i], suggest(text, l.Choices, l.Name), "unknown %s of %s %q", l.Name, b.typ.Name, text)
			ok = false
		case settings.CheckFormat(l.Format, text) != "":
			r.errorf(b.labelRngs[i], "", "%s %q %s", l.Name, text, settings.CheckFormat(l.Format, text))
		}
		// koanf's delimiter and other control characters cannot be part of a path.
		if strings.ContainsFunc(text, unicode.IsControl) {
			ok = false
		}
	}
	return ok
}

// unknown reports a name that the table does not have. others are the names of the other sort, which may be meant.
func (r *reader) unknown(t *settings.Block, name string, rng hcl.Range, sort string, known, others []string) {
	where := "at the top of the file"
	if t.Name != "" {
		where = "in " + article(t.Name) + " block"
	}
	hint := suggest(name, slices.Concat(known, others), sort)
	if slices.Contains(others, name) {
		hint = fmt.Sprintf("write it as %s = ...", name)
		if sort == "argument" {
			hint = fmt.Sprintf("write it as a block: %s { ... }", name)
		}
	}
	r.errorf(rng, hint, "unknown %s %q %s", sort, name, where)
}

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}
