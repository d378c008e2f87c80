package venue

import (
	"fmt"
	"strings"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// unread is what is known of the rows of a list of open orders that cannot be read. trade's mutex guards it.
type unread struct {
	// own is how many are this runner's, or may be, and are not known otherwise.
	own int
	// said is what was last said of them.
	said string
}

// passOver takes the rows of a list that cannot be read and tells of them when they are not those of before. known says of an
// order of this runner that it is looked after without the list. The error is about those that are this runner's or may be: the
// list has to be asked for again. The lock is held.
func (t *trade) passOver(u *unread, list string, rows []protocol.UnreadRow, known func(row *protocol.UnreadRow) bool) error {
	var err error
	own, shown := 0, make([]string, 0, strayLine)
	for i := range rows {
		row := &rows[i]
		text := fmt.Sprintf("%q on %q: %v", row.ClientID, row.Symbol, row.Err)
		if _, _, ours := t.codec.Decode(row.ClientID); row.Nameless || ours && !known(row) {
			if own++; own == 1 {
				err = fmt.Errorf("the list of %s has rows that cannot be decoded and are or may be this runner's, the first is %s", list, text)
			}
		}
		if len(shown) < strayLine {
			shown = append(shown, text)
		}
	}
	u.own = own
	text := strings.Join(shown, ", ")
	if text == u.said {
		return err
	}
	u.said = text
	if len(rows) == 0 {
		return nil
	}
	t.c.sink.Count(connector.BadMessages, uint64(len(rows)))
	t.c.group.Go(func() { // when the lock is free
		if own == 0 {
			t.c.log.Warn("rows in the list of "+list+" cannot be decoded and are skipped, they are other clients' or known otherwise", "rows", len(rows), "orders", text)
			return
		}
		t.c.log.Error("rows in the list of "+list+" cannot be decoded and are or may be this runner's: check at the venue, fetching the list again",
			"rows", len(rows), "own", own, "orders", text)
	})
	return err
}
