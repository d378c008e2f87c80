package venue

import (
	"fmt"
	"sync"
)

// symbolTable holds the registered instruments. It is read for every message and written hardly ever.
type symbolTable struct {
	mu       sync.RWMutex
	bySymbol map[string]*instrument
	ordered  []*instrument
}

func (t *symbolTable) add(inst *instrument) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bySymbol == nil {
		t.bySymbol = make(map[string]*instrument)
	}
	if t.bySymbol[inst.Symbol] != nil {
		return fmt.Errorf("symbol %s is already registered", inst.Symbol)
	}
	t.bySymbol[inst.Symbol] = inst
	t.ordered = append(t.ordered, inst)
	return nil
}

// get returns the instrument of a symbol as it stands in a message, nil when there is none.
func (t *symbolTable) get(symbol []byte) *instrument {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.bySymbol[string(symbol)]
}

func (t *symbolTable) named(symbol string) *instrument {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.bySymbol[symbol]
}

// numbered returns the instrument that the host knows by a number, nil when there is none.
func (t *symbolTable) numbered(no int) *instrument {
	for _, inst := range t.all() {
		if inst.No == no {
			return inst
		}
	}
	return nil
}

// all returns the instruments in the order of their registration. The caller must not change the slice.
func (t *symbolTable) all() []*instrument {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.ordered[:len(t.ordered):len(t.ordered)]
}

func (t *symbolTable) names() []string {
	var names []string
	for _, inst := range t.all() {
		names = append(names, inst.Symbol)
	}
	return names
}
