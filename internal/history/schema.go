package history

// formatOfDB goes up whenever the tables change: a file of another format is made again.
const formatOfDB = 4

// schema defines the tables of history.db. Times are ns since the epoch, UTC. Ids are unsigned and stand here as
// SQLite's signed numbers: those from 2^63 on are negative.
//
// What is derived from records that are kept forever is the same whether or not segments were dropped before the file
// was made: the tables executions, positions, funding, balances, venue_positions, and the rows of marks with day_end.
// Of orders, events and the other marks there is then only what the remaining segments have;
// projection.first_sequence says where they begin.
const schema = `
CREATE TABLE projection (
	format INTEGER NOT NULL, journal TEXT NOT NULL,
	sequence INTEGER NOT NULL, checksum INTEGER NOT NULL, time_ns INTEGER NOT NULL, -- of the last record
	first_sequence INTEGER NOT NULL, first_ns INTEGER NOT NULL); -- from which on every record was seen
CREATE TABLE damage (path TEXT, offset INTEGER, first INTEGER, last INTEGER, reason TEXT, PRIMARY KEY (path,
	offset, first, last, reason));
CREATE TABLE strategies (bot INTEGER PRIMARY KEY, strategy TEXT, plugin TEXT, version TEXT);
CREATE TABLE instruments (instrument INTEGER PRIMARY KEY, connector TEXT, symbol TEXT, currency TEXT,
	tick_size REAL, lot_size REAL);
CREATE TABLE orders (sequence INTEGER PRIMARY KEY, last_sequence INTEGER, bot INTEGER, incarnation INTEGER,
	instrument INTEGER, order_id INTEGER, origin TEXT, client_id TEXT, venue_order_id TEXT, side TEXT, type TEXT,
	tif TEXT, price REAL, qty REAL, leaves_qty REAL, exec_qty REAL, exec_value REAL, fees REAL, fills INTEGER,
	status TEXT, over INTEGER, refused INTEGER, reason TEXT, cancels INTEGER, modifies INTEGER, saw_ns INTEGER,
	reacted_ns INTEGER, local_ns INTEGER, request_ns INTEGER, sent_ns INTEGER, answer_ns INTEGER,
	report_ns INTEGER, fill_ns INTEGER, last_fill_ns INTEGER, end_ns INTEGER, venue_ns INTEGER);
CREATE INDEX orders_by_id ON orders (bot, instrument, order_id);
CREATE INDEX orders_by_origin ON orders (origin) WHERE origin <> '';
CREATE INDEX orders_by_venue_id ON orders (venue_order_id) WHERE venue_order_id <> '';
CREATE INDEX orders_open ON orders (over) WHERE over = 0;
CREATE TABLE executions (sequence INTEGER PRIMARY KEY, time_ns INTEGER, bot INTEGER, incarnation INTEGER,
	instrument INTEGER, order_id INTEGER, side TEXT, price REAL, qty REAL, value REAL, fee REAL, fee_paid REAL,
	fee_qty REAL, fee_asset TEXT, maker INTEGER, kind TEXT, learnt TEXT, realised REAL, position REAL, fresh INTEGER, -- fresh: was empty
	origin TEXT, client_id TEXT, venue_order_id TEXT, execution_id TEXT, venue_ns INTEGER);
CREATE INDEX executions_by_time ON executions (time_ns);
CREATE TABLE positions (bot INTEGER, instrument INTEGER, sequence INTEGER, time_ns INTEGER, position REAL,
	own_position REAL, entry_price REAL, balance REAL, fees REAL, realised REAL, volume REAL, traded_value REAL,
	funding REAL, fills INTEGER, PRIMARY KEY (bot, instrument)) WITHOUT ROWID;
CREATE TABLE funding (sequence INTEGER PRIMARY KEY, time_ns INTEGER, bot INTEGER, instrument INTEGER,
	amount REAL, asset TEXT, rate REAL, price REAL, position REAL, venue_id TEXT, venue_ns INTEGER);
CREATE TABLE balances (sequence INTEGER PRIMARY KEY, time_ns INTEGER, connector TEXT, asset TEXT, total REAL,
	free REAL, locked REAL, venue_ns INTEGER);
CREATE TABLE venue_positions (sequence INTEGER PRIMARY KEY, time_ns INTEGER, instrument INTEGER, qty REAL,
	entry_price REAL, venue_ns INTEGER);
CREATE TABLE marks (sequence INTEGER PRIMARY KEY, time_ns INTEGER, bot INTEGER, instrument INTEGER,
	day_end INTEGER, mid REAL, equity REAL, position REAL, entry_price REAL, realised REAL, fees REAL, fills INTEGER);
CREATE TABLE events (sequence INTEGER PRIMARY KEY, time_ns INTEGER, kind TEXT, bot INTEGER,
	incarnation INTEGER, instrument INTEGER, subject TEXT, text TEXT, who TEXT, count INTEGER);
CREATE VIEW commands AS SELECT sequence, time_ns, subject AS command, who FROM events WHERE kind = 'command';
`

// tables are dropped when they are made again.
func tables() []string {
	return []string{"projection", "damage", "strategies", "instruments", "orders", "executions", "positions",
		"funding",
		"balances", "venue_positions", "marks", "events"}
}
