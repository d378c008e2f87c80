package convert

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// symbols collects the symbols of recordings other than the one that is converted.
type symbols struct {
	others map[string]bool
	// unnamed is the place of the first snapshot that does not say what it is about, empty for none.
	unnamed string
	// named is true once a message was about the symbol that is converted.
	named bool
}

// note takes the symbol of a message about another one.
func (s *symbols) note(p *feed.Problem) {
	other, ok := errors.AsType[*feed.OtherSymbolError](p.Err)
	if !ok {
		return
	}
	if s.others == nil {
		s.others = make(map[string]bool)
	}
	s.others[other.Symbol] = true
}

// take takes a message that is converted.
func (s *symbols) take(l *feed.Lines, m *connector.Message) {
	if len(m.Symbol) > 0 {
		s.named = true
	} else if m.Kind == connector.MessageSnapshot && s.unnamed == "" {
		s.unnamed = fmt.Sprintf("%s:%d", l.File(), l.Line())
	}
}

// maxSymbols is how many symbols an error lists.
const maxSymbols = 50

// check returns an error when nothing says which of several symbols is wanted, or which one a snapshot is about. wanted is
// what the options say, first the symbol of the messages that were converted.
func (s *symbols) check(wanted, first string) error {
	if len(s.others) == 0 {
		return nil
	}
	list := slices.Sorted(maps.Keys(s.others))
	if s.named && !s.others[first] {
		list = append([]string{first}, list...)
	}
	names := strings.Join(list[:min(len(list), maxSymbols)], ", ")
	if more := len(list) - maxSymbols; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	if wanted == "" {
		return fmt.Errorf("convert: the recording has messages of several symbols: %s; choose one with --symbol, and its steps", names)
	}
	if !s.named {
		return fmt.Errorf("convert: no message of the recording is about %s: it has messages of %s; use another recording, "+
			"or the symbol that it has", wanted, names)
	}
	if s.unnamed != "" {
		return fmt.Errorf("convert: %s: this snapshot does not say which symbol it is about, and the recording has several: "+
			"%s; use a recording of %s alone", s.unnamed, names, wanted)
	}
	return nil
}
