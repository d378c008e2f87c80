package control

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
)

// mark tells the processes of a plugin, the plugin's own and all that it starts, from all others on the machine. It has
// two carriers, which processes inherit: a variable of the environment and, on Linux, a limit of resources. From below
// a marker bit, which no limit that people set has, it is made of the family and the number of the plugin's process
// within it.
type mark uint64

const (
	markerBit  mark = 1 << 62
	numberMask mark = 1<<22 - 1 // the 40 bits between are the family
)

// newFamily returns the family of that name; without a name it is one that nobody else has.
func newFamily(name string) mark {
	if name == "" {
		name = rand.Text()
	}
	sum := sha256.Sum256([]byte(name))
	return (markerBit | mark(binary.BigEndian.Uint64(sum[:]))&(markerBit-1)) &^ numberMask
}

// family is the part of a mark shared by those of the same host.
func (m mark) family() mark { return m &^ numberMask }

// variable carries the mark in the environment.
func (m mark) variable() string { return markVariable + "=" + strconv.FormatUint(uint64(m), 10) }

// markIn finds the mark in an environment as the kernel shows it, 0 for none.
func markIn(environment []byte) mark {
	for variable := range bytes.SplitSeq(environment, []byte{0}) {
		if text, ok := bytes.CutPrefix(variable, []byte(markVariable+"=")); ok {
			m, err := strconv.ParseUint(string(text), 10, 64)
			if err != nil {
				return 0
			}
			return mark(m)
		}
	}
	return 0
}

// unmarkedError reports that a process could not be given its mark but in its environment.
func unmarkedError(err error) error {
	return fmt.Errorf("what it starts with an empty environment in another session will not be found when it ends: %w",
		err)
}
