package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"github.com/hftrunner/hftrunner/internal/journal"
)

// errOther: the tables were not made of this journal as it is now.
var errOther = errors.New("the journal is another one than the tables were made of")

// commitEvery is the number of records in a transaction: what was done until then stays when the process is killed.
const commitEvery = 200_000

// update brings the tables up to the end of the journal. The lock is held.
func (d *DB) update(ctx context.Context, dir string) error {
	if err := d.connect(ctx); err != nil {
		return err
	}
	for tries := 0; ; tries++ {
		err := d.project(ctx, dir, tries > 0)
		if !errors.Is(err, errOther) || tries == 3 {
			return err
		}
	}
}

// projector makes rows of records.
type projector struct {
	ctx  context.Context
	conn *sql.Conn
	// prepared are statements by their text.
	prepared map[string]*sql.Stmt
	err      error // the first

	journal  string
	last     uint64
	checksum uint32
	timeNs   int64
	first    uint64
	firstNs  int64
	pending  int // records since the last commit

	orders   orderCache
	holdings map[holdingKey]*holdingRow
}

// project reads what the tables do not have yet. again makes them from nothing.
func (d *DB) project(ctx context.Context, dir string, again bool) (err error) {
	conn, err := d.sql.Conn(ctx)
	if err != nil {
		return err
	}
	p := &projector{ctx: ctx, conn: conn, prepared: make(map[string]*sql.Stmt)}
	defer func() { err = errors.Join(err, p.close()) }()
	if err := p.load(again); err != nil {
		return err
	}
	r, err := journal.OpenReader(dir, journal.ReadFrom{Sequence: p.last})
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	if err := p.begin(); err != nil {
		return err
	}
	if err := p.catchUp(dir, r); err != nil {
		return err
	}
	p.journal = r.Journal()
	if err := p.read(r); err != nil {
		return err
	}
	if len(r.Damage()) > 0 && removed(dir, r.Oldest()) {
		return errOther // what is missing has gone to the money directory meanwhile
	}
	return p.commit(r.Damage())
}

// removed reports whether segments were removed since a reader was opened that began at oldest.
func removed(dir string, oldest uint64) bool {
	r, err := journal.OpenReader(dir, journal.ReadFrom{})
	if err != nil {
		return false
	}
	defer func() { _ = r.Close() }()
	return r.Oldest() > oldest
}

// catchUp takes from the money directory what the segments no longer have, and makes sure that the tables are of this
// journal.
func (p *projector) catchUp(dir string, r *journal.Reader) error {
	if r.Oldest() > p.last {
		if p.last > 0 && p.journal != r.Journal() {
			return errOther
		}
		damage, err := journal.ReadMoney(p.ctx, dir, p.last, func(rec *journal.Record) error {
			if rec.Sequence < r.Oldest() {
				return p.take(rec)
			}
			return nil
		})
		p.first = 0
		p.damage(damage)
		return err
	}
	rec, err := r.Next(p.ctx)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err != nil || rec.Sequence != p.last || rec.Checksum != p.checksum {
		return errOther
	}
	return nil
}

// read takes the records of the segments.
func (p *projector) read(r *journal.Reader) error {
	for {
		rec, err := r.Next(p.ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if p.first == 0 {
			p.first, p.firstNs = rec.Sequence, rec.TimeNs
		}
		if err := p.take(rec); err != nil {
			return err
		}
	}
}

// take takes one record.
func (p *projector) take(r *journal.Record) error {
	p.last, p.checksum, p.timeNs = r.Sequence, r.Checksum, r.TimeNs
	switch r.Kind {
	case journal.KindInstrument:
		b := bodyOf[journal.Instrument](r)
		p.replace("instruments", r.Instrument, r.Text(0), r.Text(1), currencyOf(r.Text(1)), number(b.TickSize),
			number(b.LotSize))
	case journal.KindRequest, journal.KindSent, journal.KindAnswered, journal.KindOrder:
		p.order(r)
	case journal.KindExecution:
		p.order(r)
		p.execution(r, "")
	case journal.KindReconciled:
		p.event(r)
		if b := bodyOf[journal.Execution](r); b.Order.ExecQty != 0 {
			p.order(r)
			p.execution(r, r.Text(0))
		}
	case journal.KindRefused:
		p.refusal(r)
		p.event(r)
	case journal.KindStarted:
		p.replace("strategies", int64(r.Bot), r.Text(0), r.Text(1), r.Text(2))
		p.event(r)
	case journal.KindReset:
		p.reset(r)
		p.event(r)
	case journal.KindExecutionsRead: // each ten minutes, of interest to the host alone
	case journal.KindVenuePosition, journal.KindBalance, journal.KindFunding, journal.KindMark:
		p.money(r)
	default:
		p.event(r)
	}
	if p.pending++; p.pending >= commitEvery && p.err == nil {
		if err := p.commit(nil); err != nil {
			return err
		}
		return p.begin()
	}
	return p.err
}

func (p *projector) money(r *journal.Record) {
	switch r.Kind {
	case journal.KindVenuePosition:
		b := bodyOf[journal.VenuePosition](r)
		p.put("venue_positions", r.Sequence, r.TimeNs, r.Instrument, number(b.Qty), number(b.EntryPrice), b.VenueNs)
	case journal.KindBalance:
		b := bodyOf[journal.Balance](r)
		p.put("balances", r.Sequence, r.TimeNs, r.Text(0), r.Text(1), number(b.Total), number(b.Free),
			number(b.Locked), b.VenueNs)
	case journal.KindFunding:
		b := bodyOf[journal.Funding](r)
		p.put("funding", r.Sequence, r.TimeNs, int64(r.Bot), r.Instrument, number(b.Amount), r.Text(0),
			number(b.Rate), number(b.Price),
			number(b.Position), r.Text(1), b.VenueNs)
		if key := (holdingKey{r.Bot, r.Instrument}); b.Holding.NumFills > 0 {
			p.holdings[key] = &holdingRow{r.Sequence, r.TimeNs, b.Holding, true}
		}
	case journal.KindMark:
		b := bodyOf[journal.Mark](r)
		h := &b.Holding
		p.put("marks", r.Sequence, r.TimeNs, int64(r.Bot), r.Instrument, b.DayEnd, number(b.Mid), number(b.Equity),
			number(h.OwnPosition),
			number(h.EntryPrice), number(h.Realised), number(h.State.Fee), h.NumFills)
	}
}

// put writes a row that is new, replace one that may be there: for that SQLite keeps what it may have to take back.
func (p *projector) put(table string, row ...any) {
	p.exec("INSERT INTO "+table+" VALUES ("+marksOf(len(row))+")", row...)
}

func (p *projector) replace(table string, row ...any) {
	p.exec("INSERT OR REPLACE INTO "+table+" VALUES ("+marksOf(len(row))+")", row...)
}

func (p *projector) exec(text string, args ...any) {
	if p.err != nil {
		return
	}
	var s *sql.Stmt
	if s, p.err = p.prepare(text); p.err == nil {
		_, p.err = s.ExecContext(p.ctx, args...)
	}
}

func (p *projector) prepare(text string) (*sql.Stmt, error) {
	s := p.prepared[text]
	if s == nil {
		var err error
		if s, err = p.conn.PrepareContext(p.ctx, text); err != nil {
			return nil, err
		}
		p.prepared[text] = s
	}
	return s, nil
}

func (p *projector) begin() error {
	p.pending = 0
	_, err := p.conn.ExecContext(p.ctx, "BEGIN IMMEDIATE")
	return err
}

// commit makes what was taken durable.
func (p *projector) commit(damage []journal.Damage) error {
	p.orders.flush(p)
	p.flushHoldings()
	p.damage(damage)
	p.exec("DELETE FROM projection")
	p.put("projection", formatOfDB, p.journal, p.last, int64(p.checksum), p.timeNs, p.first, p.firstNs)
	p.exec("COMMIT")
	return p.err
}

func (p *projector) damage(all []journal.Damage) {
	for _, d := range all {
		p.replace("damage", d.Path, d.Offset, d.From, d.To, d.Reason)
	}
}

// close ends the use of the connection. What was not committed is gone.
func (p *projector) close() error {
	var errs []error
	for _, s := range p.prepared {
		errs = append(errs, s.Close())
	}
	_, _ = p.conn.ExecContext(context.WithoutCancel(p.ctx), "ROLLBACK") // fails where nothing was begun
	return errors.Join(append(errs, p.conn.Close())...)
}

// load reads how far the tables are, and makes them where there are none, or those of another format.
func (p *projector) load(again bool) error {
	var format, n int64
	if err := p.conn.QueryRowContext(p.ctx,
		"SELECT count(*) FROM sqlite_master WHERE name = 'projection'").Scan(&n); err != nil {
		return err
	}
	if n > 0 && !again {
		err := p.conn.QueryRowContext(p.ctx,
			"SELECT format, journal, sequence, checksum, time_ns, first_sequence, first_ns FROM projection").
			Scan(&format, &p.journal, (*signed)(&p.last), &p.checksum, &p.timeNs, (*signed)(&p.first), &p.firstNs)
		if err != nil && format == formatOfDB {
			return err
		}
	}
	if format != formatOfDB {
		p.last = 0
		if err := p.make(); err != nil {
			return err
		}
	}
	return errors.Join(p.orders.load(p), p.loadHoldings())
}

// make makes the tables of nothing.
func (p *projector) make() error {
	text := "BEGIN IMMEDIATE; DROP VIEW IF EXISTS commands;\n"
	for _, t := range tables() {
		text += "DROP TABLE IF EXISTS " + t + ";\n"
	}
	text += schema + fmt.Sprintf("INSERT INTO projection VALUES (%d, '', 0, 0, 0, 0, 0); COMMIT", formatOfDB)
	p.journal = ""
	_, err := p.conn.ExecContext(p.ctx, text)
	return err
}

// number returns x as SQLite takes it: NaN is null.
func number(x float64) any { return finite(x) }
