//go:build !linux

package journal

import "os"

// allocate does nothing: a full disk is noticed by a write.
func allocate(*os.File, int64) error { return nil }

// populate does nothing: the pages of a mapping are made when they are first used.
const populate = 0
