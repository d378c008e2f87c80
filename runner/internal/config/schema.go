package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/settings"
)

// fileBlocks are the blocks at the top of the file. What a connector block has depends on its kind.
type fileBlocks struct {
	Runner     Runner           `hcl:"runner,block" doc:"Settings of the host process. Each can also be given as an environment variable 'RUNNER_<NAME>', for example 'RUNNER_STATE_DIR', which overrides the file."`
	Connectors []connectorBlock `hcl:"connector,block" doc:"A market to trade on, of one of several kinds: a simulated exchange, or a real venue. 'runner check NAME' asks a venue whether all is well."`
	Strategies []Strategy       `hcl:"strategy,block" doc:"A strategy: a plugin with its parameters, in its own process."`
}

type connectorBlock struct {
	Kind string `hcl:"kind,label"`
	Name string `hcl:"name,label" format:"identifier"`
}

const paperDoc = "A simulated exchange on a synthetic or recorded feed. Without a feed block it has a synthetic one."

// Kinds are the kinds of connectors besides KindPaper, in the order of the documentation.
type Kinds []connector.Kind

// Names returns their names.
func (k Kinds) Names() []string {
	var names []string
	for i := range k {
		names = append(names, k[i].Name)
	}
	return names
}

// Recorded returns the formats of recorded files, for replays and backtests alike: those of the kinds that have one.
func (k Kinds) Recorded() []string {
	var names []string
	for i := range k {
		if k[i].Format.NewDecoder != nil {
			names = append(names, k[i].Name)
		}
	}
	return names
}

// Formats returns how recorded files are read, by the names of the formats.
func (k Kinds) Formats() map[string]connector.Format {
	formats := map[string]connector.Format{}
	for i := range k {
		if k[i].Format.NewDecoder != nil {
			formats[k[i].Name] = k[i].Format
		}
	}
	return formats
}

// named returns the kind of a name; the schema has refused others.
func (k Kinds) named(name string) connector.Kind {
	return k[slices.IndexFunc(k, func(one connector.Kind) bool { return one.Name == name })]
}

// fileSchema is the one schema of everything the file may hold, read from the tags of the structs that it is decoded
// into: it checks, it gives the defaults, and docs/config.md is printed from it.
func fileSchema(kinds Kinds) (*settings.Block, error) {
	file, err := settings.Of(reflect.TypeFor[fileBlocks]())
	if err != nil {
		return nil, fmt.Errorf("settings of the file: %w", err)
	}
	block := file.Block("connector")
	paper := connector.Kind{Name: KindPaper, Doc: paperDoc, NewSettings: func() any { return new(Connector) }}
	for _, k := range append(Kinds{paper}, kinds...) {
		if k.Name == "" || k.NewSettings == nil || slices.Contains(block.Labels[0].Choices, k.Name) {
			return nil, fmt.Errorf("kind of connectors %q: it needs a name of its own, and settings", k.Name)
		}
		b, err := settings.Of(reflect.TypeOf(k.NewSettings()).Elem())
		if err != nil {
			return nil, fmt.Errorf("settings of a connector of kind %q: %w", k.Name, err)
		}
		if err := addLimits(b, &k); err != nil {
			return nil, err
		}
		b.Name, b.Doc = block.Name, k.Doc
		b.Labels = []settings.Label{{Name: "kind", Choices: []string{k.Name}}, {Name: "name", Format: "identifier"}}
		block.Kinds = append(block.Kinds, b)
		block.Labels[0].Choices = append(block.Labels[0].Choices, k.Name)
	}
	block.OfKind(KindPaper).Block("replay").Setting("format").Choices = kinds.Recorded()
	data := file.Block("strategy").Block("backtest").Block("data")
	data.Setting("format").Choices = kinds.Recorded()
	model := data.Block("exchange").Setting("model")
	model.Choices = append(model.Choices, ModelL3)
	model.Doc += "; '" + ModelL3 + "': data by order, first in first out"
	for _, name := range []string{"maker", "taker"} { // what it is depends on the model
		fee := data.Block("fee").Setting(name)
		fee.Min, fee.Max = nil, nil
	}
	markCode(file)
	return file, nil
}

// code is what a doc has in single quotes that are no apostrophes: a tag cannot have backquotes.
var code = regexp.MustCompile(`(^|[^\pL])'([^']+)'`)

func markCode(b *settings.Block) {
	b.Doc = code.ReplaceAllString(b.Doc, "$1`$2`")
	for i := range b.Settings {
		b.Settings[i].Doc = code.ReplaceAllString(b.Settings[i].Doc, "$1`$2`")
	}
	for _, c := range b.Blocks {
		markCode(c)
	}
	for _, c := range b.Kinds {
		markCode(c)
	}
}

// JSONSchema returns a JSON Schema of what the file says, with the values that its expressions give; it is for
// editors and programs that write or check configurations, and the runner itself reads no JSON.
func JSONSchema(kinds Kinds) ([]byte, error) {
	file, err := fileSchema(kinds)
	if err != nil {
		return nil, err
	}
	schema := file.JSONSchema()
	schema["$schema"], schema["title"] = "https://json-schema.org/draft/2020-12/schema", "Configuration of hftrunner"
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(schema)
	return text.Bytes(), err
}
